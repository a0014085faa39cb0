"""Why a chart has a hole: the times without samples of a host, and what the store knows about each.

A hole is longer than two and a half intervals between neighbouring ticks. Its cause is read off the events
that were noted as the samples came: a boot, an agent's start, a clock that was set, batches that were dropped
or are missing. What came late left no hole, but was missed by whoever looked: it is told too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sysmon.aggregator.storage import Event

GapCause = Literal[
    "host_down", "agent_down", "link_down", "queue_overflow", "quarantined", "clock_set", "silent", "unknown"
]
GAP_EVENTS: Final = frozenset({"boot", "agent_started", "clock_set", "dropped", "gap", "arrived_late"})

_INTERVALS: Final = 2.5
_DEFAULT_INTERVAL_MS: Final = 10_000
_DROP_CAUSES: Final[dict[str, GapCause]] = {"quarantined": "quarantined", "corrupt": "quarantined"}
_DROP_TEXTS: Final = {
    "spool_full": "the agent's spool was full: the oldest batches made room",
    "too_old": "the agent's batches grew too old before the link was back",
    "corrupt": "the agent's spool was damaged there",
    "quarantined": "the aggregator refused these batches: sysmon agent spool shows them on the host",
}


@dataclass(slots=True, frozen=True)
class Gap:
    """[start, end] without samples; `end_ms` is None while it lasts. `late`: the samples came afterwards."""

    start_ms: int
    end_ms: int | None
    cause: GapCause
    text: str
    late: bool = False


@dataclass(slots=True)
class HostRecord:
    """What is known of a host in a range: its ticks, and the events of GAP_EVENTS, in any order."""

    ticks: Sequence[int]
    interval_ms: int | None
    first_seen_ms: int | None
    events: Iterable[Event] = field(default_factory=list)


def gaps_of(record: HostRecord, start_ms: int, end_ms: int, now_ms: int) -> list[Gap]:
    """The gaps of a host in [start, end), oldest first."""
    interval_ms = _interval_of(record)
    limit_ms = _INTERVALS * interval_ms
    by_kind: dict[str, list[Event]] = {kind: [] for kind in GAP_EVENTS}
    for event in sorted(record.events, key=lambda event: event.start_ms):
        if event.kind in by_kind:
            by_kind[event.kind].append(event)
    begin_ms = max(start_ms, record.first_seen_ms or start_ms)
    until_ms = min(end_ms, now_ms)
    gaps = []
    for before_ms, after_ms in pairwise([begin_ms, *record.ticks, until_ms]):
        if after_ms - before_ms <= limit_ms:
            continue
        lasts = after_ms == until_ms and end_ms >= now_ms
        cause, text = _cause_of(by_kind, before_ms, after_ms, interval_ms, lasts=lasts)
        gaps.append(Gap(before_ms, None if lasts else after_ms, cause, text))
    gaps += _late(by_kind["arrived_late"], start_ms, end_ms, limit_ms)
    return sorted(gaps, key=lambda gap: gap.start_ms)


def _interval_of(record: HostRecord) -> float:
    """What the agent says, or what is usual: an agent that is watched ticks faster than it says."""
    steps = [after - before for before, after in pairwise(record.ticks)]
    usual = median(steps) if steps else _DEFAULT_INTERVAL_MS
    return max(record.interval_ms or 0, usual)


def _cause_of(
    events: dict[str, list[Event]], before_ms: int, after_ms: int, interval_ms: float, *, lasts: bool
) -> tuple[GapCause, str]:
    def within(kind: str) -> list[Event]:
        return [event for event in events[kind] if before_ms < event.start_ms <= after_ms + interval_ms]

    length_ms = after_ms - before_ms
    if within("boot"):
        return "host_down", "the host was down, and booted again"
    if within("agent_started"):
        return "agent_down", "the agent was not running; the host was up"
    if any(_fits(event.detail["by_ms"], length_ms, interval_ms) for event in within("clock_set")):
        return "clock_set", "the host's clock was set forward: this time never was"
    # Drops are told by a later request, and say how many batches, not when they were sealed.
    for event in events["dropped"]:
        batches = event.detail["to"] - event.detail["from"] + 1
        if event.start_ms >= after_ms - interval_ms and _fits(batches * interval_ms, length_ms, interval_ms):
            reason = str(event.detail["reason"])
            return _DROP_CAUSES.get(reason, "queue_overflow"), _DROP_TEXTS.get(reason, reason)
    for event in events["gap"]:
        if event.start_ms < after_ms and (event.end_ms or event.start_ms) > before_ms:
            return "link_down", "batches of this time were sealed and have not arrived (yet)"
    if lasts:
        return "silent", "nothing was heard since: the host, its agent or the link is down"
    return "unknown", "the agent ran and told of no loss: it was suspended, or the host was"


def _fits(told_ms: float, length_ms: float, interval_ms: float) -> bool:
    return abs(told_ms - length_ms) <= max(2 * interval_ms, length_ms / 4)


def _late(events: Iterable[Event], start_ms: int, end_ms: int, limit_ms: float) -> list[Gap]:
    """Neighbouring requests with late samples as one."""
    spans: list[tuple[int, int]] = []
    for event in events:
        low, high = event.start_ms, event.end_ms or event.start_ms
        if spans and low - spans[-1][1] <= limit_ms:
            spans[-1] = (spans[-1][0], max(spans[-1][1], high))
        else:
            spans.append((low, high))
    return [
        Gap(low, high, "link_down", "the link was down; the samples came later", late=True)
        for low, high in spans
        if low < end_ms and high >= start_ms
    ]
