"""Types of arguments that several commands take."""

from __future__ import annotations

import re
from typing import Any

import click

from sysmon.format import parse_duration


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """`90s`, `5m`, `1h`, `7d` → seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


SINCE = Duration()

_FAIL_ON = re.compile(r"(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?")


class Effects(click.ParamType):  # type: ignore[type-arg]  # as above
    """`WARN` or `WARN,CRITICAL`: effect sizes, the second at least the first."""

    name = "effects"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        match = _FAIL_ON.fullmatch(str(value))
        if not match:
            self.fail(f"{value!r} is not an effect size such as 3, or two such as 3,8", param, ctx)
        warn = float(match[1])
        return warn, float(match[2]) if match[2] else float("inf")
