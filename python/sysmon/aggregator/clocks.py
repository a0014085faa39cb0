"""How far each host's clock is off, and what time its samples get when that is too far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysmon._core import Push, Row
    from sysmon.aggregator.push_head import SenderClock

_WINDOW_MS: Final = 600_000
_TRUSTED_MS: Final = 5_000


class ClockOffset:
    """received − sent, the least of the last 10 to 20 minutes: that push waited the shortest on its way."""

    __slots__ = ("_before", "_now", "_since_ms")

    def __init__(self) -> None:
        self._since_ms = 0
        self._now: int | None = None
        self._before: int | None = None

    def note(self, received_ms: int, sent_ms: int) -> int:
        """Takes in one push and returns the offset as it is known now."""
        if self._now is None or not 0 <= received_ms - self._since_ms < _WINDOW_MS:
            self._before, self._now, self._since_ms = self._now, None, received_ms
        offset = received_ms - sent_ms
        self._now = offset if self._now is None else min(self._now, offset)
        return self._now if self._before is None else min(self._now, self._before)


def shift_ms(push: Push, clock: SenderClock | None, offset_ms: int | None, received_ms: int) -> int:
    """What to add to the push's times: 0 while the sender's clock is within 5 s, or its boot is another.

    A clock that is further off is not believed: the samples get the time of arrival less their age, and the
    age is a difference on the sender's boot-time clock, which nobody sets.
    """
    if clock is None or offset_ms is None or abs(offset_ms) <= _TRUSTED_MS:
        return 0
    if not push.has_time:  # taken for the moment of sending
        return received_ms - clock.wall_ms
    if push.boottime_ms is None or push.boot_id != clock.boot_id:
        return 0
    age_ms = max(0, clock.boottime_ms - push.boottime_ms)
    return received_ms - age_ms - push.time_ms


def shifted(rows: Sequence[Row], by_ms: int) -> list[Row]:
    return [_core.Row(row.time_ms + by_ms, row.payload) for row in rows]
