"""The conservation law of one host, as far as the aggregator can see it (docs/delivery.md).

Every batch that was sealed is stored here, declared dropped, or still with its agent. What the store knows of
the first two meets what the agent says of itself in its own metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon.aggregator.api_types import AgentLedger, LedgerView, StreamView

if TYPE_CHECKING:
    from sysmon._core import TagPairs
    from sysmon.aggregator.service import Aggregator
    from sysmon.aggregator.storage import Host, Ledger

_PREFIX: Final = "agent."
_TYPES: Final = ["agent.batches_*", "agent.corrupt_records"]


def ledger_of(service: Aggregator, host: Host) -> LedgerView:
    """The books of a host."""
    stored = service.storage.ledger(host.host_id)
    agent = _agent_ledger(service.live.find(host, _TYPES))
    counts = service.ingest.counts
    streams = _streams(stored, counts.duplicates(one.stream for one in stored.streams))
    return LedgerView(
        committed=stored.committed,
        dropped=stored.dropped,
        gaps=stored.gaps,
        streams=streams,
        stored=sum(one.stored for one in streams),
        declared=dict(stored.declared),
        duplicates=sum(one.duplicates for one in streams),
        rejected=counts.rejected(host.host_id),
        since=counts.since_ms / 1000,
        agent=agent,
        unexplained=max(0, stored.gaps - (agent.spooled if agent else 0)),
    )


def _streams(ledger: Ledger, duplicates: dict[str, int]) -> list[StreamView]:
    return [
        StreamView(
            stream=one.stream,
            mark=one.mark,
            highest=one.highest,
            missing=one.missing,
            last_seen=one.seen_ms / 1000,
            stored=one.highest - one.missing - one.dropped,
            dropped=one.dropped,
            duplicates=duplicates[one.stream],
        )
        for one in ledger.streams
    ]


def _agent_ledger(found: list[tuple[str, TagPairs, float, int, float | None]]) -> AgentLedger | None:
    """What the agent said last; None where the sender is none of ours."""
    times = [time_ms for kind, _, _, time_ms, _ in found if kind == "agent.batches_sealed"]
    if not times:
        return None
    now_ms = max(times)
    plain: dict[str, int] = {}
    dropped: dict[str, int] = {}
    for kind, pairs, value, time_ms, _ in found:
        if time_ms != now_ms:  # of a run that has ended
            continue
        if kind == "agent.batches_dropped":
            dropped[dict(pairs)["reason"]] = int(value)
        else:
            plain[kind.removeprefix(_PREFIX)] = int(value)
    sealed, recovered, acked, spooled = (
        plain.get(f"batches_{name}", 0) for name in ("sealed", "recovered", "acked", "spooled")
    )
    return AgentLedger(
        time=now_ms / 1000,
        sealed=sealed,
        recovered=recovered,
        acked=acked,
        spooled=spooled,
        dropped=dropped,
        quarantined=dropped.get("quarantined", 0),
        corrupt_records=plain.get("corrupt_records", 0),
        balance=sealed + recovered - acked - spooled - sum(dropped.values()),
    )
