"""Types of arguments that several commands take."""

from __future__ import annotations

import re
from typing import Any

import click

from sysmon.format import duration, parse_duration


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """`90s`, `5m`, `1h`, `7d` → seconds, within bounds."""

    name = "duration"

    def __init__(self, least_s: float = 0.0, most_s: float = float("inf")) -> None:
        self._least_s, self._most_s = least_s, most_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not self._least_s <= seconds <= self._most_s:
            self.fail(
                f"{value!r} is not within {duration(self._least_s)} and {duration(self._most_s)}", param, ctx
            )
        return seconds


SINCE = Duration()
INTERVAL = Duration(0.05, 86_400)  # what a collector can keep up with, to a tick a day

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
