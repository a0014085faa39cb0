"""How far each host's clock is off, when it was set, and what time its samples get when it is too far off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysmon._core import Push, Row
    from sysmon.aggregator.push_head import SenderClock

_WINDOW_MS: Final = 600_000
_TRUSTED_MS: Final = 5_000
_TRUSTED_SET_MS: Final = 1_000  # of a clock that we saw being set
_STEP_MS: Final = 500  # what adjusts a clock gently stays below that between two pushes


class ClockOffset:
    """received − sent, the least of the last 10 to 20 minutes: that push waited the shortest on its way."""

    __slots__ = ("_before", "_now", "_since_ms", "trusted_ms")

    def __init__(self) -> None:
        self._since_ms = 0
        self._now: int | None = None
        self._before: int | None = None
        self.trusted_ms = _TRUSTED_MS  # a clock that is no further off is believed

    def was_set(self, by_ms: int) -> None:
        """Somebody set the clock: what was seen before it is off by as much less."""
        self._now = None if self._now is None else self._now - by_ms
        self._before = None if self._before is None else self._before - by_ms
        self.trusted_ms = _TRUSTED_SET_MS

    def note(self, received_ms: int, sent_ms: int) -> int:
        """Takes in one push and returns the offset as it is known now."""
        if self._now is None or not 0 <= received_ms - self._since_ms < _WINDOW_MS:
            self._before, self._now, self._since_ms = self._now, None, received_ms
        offset = received_ms - sent_ms
        self._now = offset if self._now is None else min(self._now, offset)
        return self._now if self._before is None else min(self._now, self._before)


class ClockSteps:
    """Notices when somebody sets a host's clock: between two pushes it and the boot-time clock differ."""

    __slots__ = ("_boot_id", "_booted_ms")

    def __init__(self) -> None:
        self._boot_id = ""
        self._booted_ms = 0  # when the host booted, by the clock it had then

    def step_ms(self, clock: SenderClock) -> int:
        """By how much the clock was set since the push before; 0 if not, or by less than `_STEP_MS`."""
        booted_ms = clock.wall_ms - clock.boottime_ms
        step_ms = booted_ms - self._booted_ms if clock.boot_id == self._boot_id else 0
        self._boot_id, self._booted_ms = clock.boot_id, booted_ms
        return step_ms if abs(step_ms) >= _STEP_MS else 0


def shift_ms(push: Push, clock: SenderClock, offset_ms: int, trusted_ms: int, received_ms: int) -> int:
    """What to add to the push's times: 0 while the sender's clock is within `trusted_ms` or its boot another.

    A clock that is further off, or was set since the samples were taken, is not believed: they get the time
    of arrival less their age, and the age is a difference on the sender's boot-time clock, which nobody sets.
    """
    is_off = abs(offset_ms) > trusted_ms
    if not push.has_time:  # taken for the moment of sending
        return received_ms - clock.wall_ms if is_off else 0
    if push.boottime_ms is None or push.boot_id != clock.boot_id:
        return 0
    age_ms = max(0, clock.boottime_ms - push.boottime_ms)
    was_off = abs(clock.wall_ms - age_ms - push.time_ms) > _STEP_MS
    return received_ms - age_ms - push.time_ms if is_off or was_off else 0


def shifted(rows: Sequence[Row], by_ms: int) -> list[Row]:
    return [_core.Row(row.time_ms + by_ms, row.payload) for row in rows]
