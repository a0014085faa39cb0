"""Times and steps as requests spell them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from sysmon.aggregator.refusal import bad_argument

_STEP: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
_UNIT_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MAX_MS: Final = 1 << 53
# What people ask for; a suggestion is one of these.
_NICE_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)


def parse_time(text: str, name: str) -> int:
    """Unix milliseconds of Unix seconds or ISO 8601; a time without a zone is UTC. Raises Refusal."""
    try:
        ms = float(text) * 1000
        if -_MAX_MS < ms < _MAX_MS:
            return round(ms)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        except (ValueError, OverflowError):
            pass
    raise bad_argument(f"{name}: {text[:40]!r} is neither Unix seconds nor ISO 8601")


def parse_range(
    start: str | None, end: str | None, now_ms: int, default_ms: int = 3_600_000
) -> tuple[int, int]:
    """[start, end) in milliseconds; the last hour by default, up to and with now. Raises Refusal."""
    end_ms = parse_time(end, "end") if end else now_ms + 1
    start_ms = parse_time(start, "start") if start else end_ms - default_ms
    if start_ms >= end_ms:
        raise bad_argument("start is not before end")
    return start_ms, end_ms


def parse_step(text: str) -> int:
    """Milliseconds of `60`, `30s`, `5m`, `1h`; at least a second. Raises Refusal."""
    match = _STEP.fullmatch(text)
    step_ms = round(float(match[1]) * _UNIT_MS[match[2] or "s"]) if match else 0
    if not 1_000 <= step_ms < _MAX_MS:
        raise bad_argument(f"step: {text[:40]!r} is not a step: seconds, or 30s, 5m, 1h, 1d; at least 1 s")
    return step_ms


def smallest_step_s(span_ms: int, points: int) -> int:
    """The smallest usual step with which a span has no more points than that."""
    least = -(-span_ms // (points * 1000))
    return next((step for step in _NICE_S if step >= least), -(-least // 86_400) * 86_400)
