"""Numbers, times and foreign text as a person reads them in a terminal.

The only place in Python where a MiB, a percent sign or "2 h ago" is made; programs get the API's plain
numbers. Every text that a host sent passes through `printable` before it reaches a terminal.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# C0, DEL and C1 steer terminals; the bidirectional controls make a name look like another; lone surrogates
# cannot be written at all.
UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d|w|y)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_BARS = {False: "▁▂▃▄▅▆▇█", True: "_.-=+*%#"}


def printable(text: str) -> str:
    """The text with everything that could steer a terminal written as an escape: ESC becomes `\\x1b`."""

    def escape(match: re.Match[str]) -> str:
        code = ord(match[0])
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return UNPRINTABLE.sub(escape, text)


def number(value: float) -> str:
    """A plain number with three to four significant digits, thousands grouped: `4.25`, `12,345`, `0.0031`."""
    if value == 0:
        return "0"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(value: float, suffix: str = "") -> str:
    """Bytes in binary units: `1.5 GiB`. `suffix` follows the unit, as in `1.5 GiB/s`."""
    power = 0
    while abs(value) >= 1024 and power < len(_SIZES) - 1:
        value /= 1024
        power += 1
    unit = _SIZES[power]
    whole = unit == "B" or abs(value) >= 100
    return f"{value:.0f} {unit}{suffix}" if whole else f"{value:.1f} {unit}{suffix}"


def duration(seconds: float) -> str:
    """The two largest units of a time span: `3 d 4 h`, `2 min 5 s`, `850 ms`, `40 µs`."""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds == 0:
        return "0 s"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    left = round(seconds)
    parts: list[str] = []
    for unit, width in _SPANS:
        count, left = divmod(left, width)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


def ago(then: float | None, now: float) -> str:
    """How long ago a Unix time was, in its largest unit: `now`, `12 s ago`, `2 h ago`, `never`."""
    if then is None:
        return "never"
    age = now - then
    if abs(age) < 1:
        return "now"
    unit, width = next(span for span in _SPANS if abs(age) >= span[1])
    count = int(abs(age) // width)
    return f"{count} {unit} ago" if age > 0 else f"in {count} {unit}"


def clock(unix: float) -> str:
    """A Unix time as local date and time."""
    return datetime.fromtimestamp(unix, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def quantity(value: float | None, unit: str, *, rate: bool = False) -> str:
    """A metric's value with its unit (the registry's word for it); `rate` is per second; None is `-`."""
    if value is None:
        return "-"
    per = "/s" if rate else ""
    match unit:
        case "percent":
            return f"{value:.1f} %"
        case "bytes":
            return size(value, per)
        case "bytes_per_second":
            return size(value, "/s")
        case "seconds":
            return f"{number(value)} s/s" if rate else duration(value)
        case "celsius":
            return f"{value:.1f} °C"
        case "hertz":
            return f"{value / 1e9:.2f} GHz" if value >= 1e9 else f"{value / 1e6:.0f} MHz"
        case "boolean":
            return "yes" if value else "no"
        case "watts" | "joules" | "volts":
            return f"{number(value)} {unit[0].upper()}{per}"
        case "rpm" | "bits":
            return f"{number(value)} {unit}{per}"
        case _:
            return number(value) + per


def tag_text(tags: Mapping[str, str]) -> str:
    """`device=sda mountpoint=/`, safe to print."""
    return " ".join(f"{printable(key)}={printable(str(value))}" for key, value in tags.items())


def sparkline(values: Sequence[float | None], *, low: float | None = None, high: float | None = None,
              ascii_only: bool = False) -> str:  # fmt: skip
    """One character a value; a missing value is a space. `low` and `high` fix the scale."""
    seen = [value for value in values if value is not None]
    if not seen:
        return " " * len(values)
    bottom = min(seen) if low is None else low
    top = max(seen) if high is None else high
    bars = _BARS[ascii_only]
    span = top - bottom

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        if span <= 0:
            return bars[0]
        return bars[min(len(bars) - 1, max(0, int((value - bottom) / span * len(bars))))]

    return "".join(bar(value) for value in values)


def meter(percent: float, width: int = 20, *, ascii_only: bool = False) -> str:
    """A bar of `width` characters, filled to `percent`."""
    full = min(width, max(0, round(percent / 100 * width)))
    on, off = ("#", ".") if ascii_only else ("█", "░")
    return on * full + off * (width - full)


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h30m`, `7d` or a bare number of seconds.

    Raises:
        ValueError: not a duration, or zero.
    """
    compact = text.strip().lower()
    total, end = 0.0, 0
    for match in _DURATION.finditer(compact):
        if match.start() != end:
            break
        total += float(match[1]) * _SECONDS[match[2] or "s"]
        end = match.end()
    if end != len(compact) or total <= 0:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m, 1h or 7d")
    return total
