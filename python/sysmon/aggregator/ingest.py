"""One push, from headers to reply: limits, duplicates, decode, host, ticket; for push_protocol.py and
server.py.

The two differ only in how they wait: `begin` gives the reply at once, or a `Write` and what is needed for its
reply; the caller submits it, waits its way, and calls `finish`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

from sysmon.aggregator.api_types import PushErrorEntry, PushReply
from sysmon.aggregator.bundle_gate import BundleGate
from sysmon.aggregator.clocks import ClockOffset, ClockSteps, shift_ms, shifted
from sysmon.aggregator.delivery_counts import DeliveryCounts
from sysmon.aggregator.key_set_budget import KeySetBudget
from sysmon.aggregator.push_head import PushHead, SenderClock, read_head
from sysmon.aggregator.refusal import Refusal
from sysmon.aggregator.storage import Event, HostBatch, Write, Written
from sysmon.prometheus.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sysmon._core import Push, PushDecoder, Row
    from sysmon.aggregator.hosts import HostDirectory
    from sysmon.aggregator.live import Live
    from sysmon.aggregator.settings import LimitSettings
    from sysmon.aggregator.storage import Host, Storage

_MAX_ERRORS: Final = 20
_LATE_INTERVALS: Final = 3
_LATE_MS: Final = 30_000
_BUSY: Final = 0.5  # how full the commit queue is when a host's rate begins to matter
_NONE_LATE: Final[dict[str, int]] = {}
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Counters:
    """What came in since the start."""

    pushes: int = 0
    samples: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # by code


@dataclass(slots=True)
class Pending:
    """What the reply to a write will say."""

    write: Write
    head: PushHead
    accepted: int
    rejected: int
    errors: list[PushErrorEntry]
    corrected: bool
    begun_s: float = field(default_factory=time.monotonic)
    rejections: list[tuple[HostBatch, Counter[str]]] = field(default_factory=list)


class Ingest:
    """Thread-safe; a push touches shared state for a few microseconds."""

    def __init__(
        self,
        storage: Storage,
        decoder: PushDecoder,
        directory: HostDirectory,
        live: Live,
        limits: LimitSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._storage = storage
        self._decoder = decoder
        self._directory = directory
        self._live = live
        self._limits = limits
        self._now_ms = now_ms
        self._age_ms = int(limits.sample_age_s * 1000)
        self._ahead_ms = int(limits.sample_ahead_s * 1000)
        self._budgets: dict[int, KeySetBudget] = {}
        self._clocks: dict[int, tuple[ClockOffset, ClockSteps]] = {}
        self._rates: dict[int, tuple[int, int]] = {}  # host -> (second, requests in it)
        self.counters = Counters()
        self.write_seconds = Histogram()
        self.counts = DeliveryCounts(now_ms())
        self.gate = BundleGate(limits.bundles, time.monotonic)

    def restore(self, host: Host, rows: Sequence[Row]) -> None:
        """The host was known before the start, with these rows."""
        if rows:
            self._decoder.remember(host.hostname, rows[-1].key_set)

    def head(self, headers: Mapping[bytes, bytes]) -> PushHead:
        """Raises Refusal for what the headers alone rule out."""
        return read_head(headers, self._limits.body_bytes)

    def begin(self, head: PushHead, body: bytes) -> bytes | Pending:
        """The reply to a push that is stored already, or the write that has to be committed first.

        Raises:
            PushError, Refusal: it cannot be taken.
        """
        now_ms = self._now_ms()
        if len(body) != head.length:
            raise Refusal(400, "short_body", f"{len(body)} bytes came, Content-Length says {head.length}")
        if head.stream is not None and head.first == head.last != 0:
            settled, differs = self._storage.settled(head.stream, head.first, _digest(head, body))
            if differs:
                raise _conflict(head)
            if settled and not head.drops:
                self.counters.duplicates += 1
                self.counts.note_duplicates(head.stream.hex(), 1)
                return self._reply(head, Written(duplicate=True), 0, 0, [], now_ms)
        # The decoder judges times by the clock they were taken on; `_in_time` judges them again by ours.
        sender_ms = head.clock.wall_ms if head.clock is not None else now_ms
        pushes = self._decoder.decode(body, gzip=head.gzip, now_ms=sender_ms)
        return self._plan(head, pushes, len(body), now_ms)

    def _plan(self, head: PushHead, pushes: Sequence[Push], size: int, now_ms: int) -> Pending:
        numbers = head.last - head.first + 1
        if head.first and numbers != len(pushes):
            raise Refusal(400, "wrong_member_count", f"{len(pushes)} batches for {numbers} seqs")
        write = Write([], now_ms, size, head.stream, head.drops)
        pending = Pending(write, head, 0, 0, [], False)
        for number, push in enumerate(pushes):
            self._add(pending, push, head.first + number if head.first else None, now_ms)
        if head.clock is not None:
            _note_late(pending.write.batches, head.clock.wall_ms)
        return pending

    def _add(self, pending: Pending, push: Push, seq: int | None, now_ms: int) -> None:
        host, events = self._directory.resolve(push, now_ms)
        if self._storage.busy > _BUSY:
            self._check_rate(host, now_ms)
        rows: Sequence[Row] = push.rows
        by_ms = 0
        if pending.head.clock is not None:
            by_ms, step_ms = self._note_clock(host, push, pending.head.clock, now_ms)
            if step_ms:
                events = (*events, Event("clock_set", now_ms, detail={"by_ms": step_ms}))
            if by_ms:
                rows = shifted(rows, by_ms)
                pending.corrected = True
        rows, late = self._in_time(rows, now_ms, pending.errors)
        refused = sum(late.values()) if late else 0
        self._admit(host, rows, now_ms)
        accepted, rejected = push.accepted - refused, push.rejected
        pending.accepted += accepted
        if rejected or refused:
            pending.rejected += rejected + refused
            room = _MAX_ERRORS - len(pending.errors)
            pending.errors += [PushErrorEntry(code, index) for index, code in push.errors[:room]]
        time_ms = push.time_ms + by_ms
        batch = HostBatch(host, rows, accepted, push.facts, push.processes, time_ms, seq, push.digest, events)
        pending.write.batches.append(batch)
        if rejected or refused:
            codes = Counter(late)
            codes.update(code for _, code in push.errors)
            codes["others"] += rejected - len(push.errors)  # of what is wrong the first are named
            pending.rejections.append((batch, +codes))

    def _note_clock(self, host: Host, push: Push, sender: SenderClock, now_ms: int) -> tuple[int, int]:
        """(what to add to the push's times, by how much the host's clock was set since its last push)."""
        clocks = self._clocks.get(host.host_id)
        if clocks is None:
            clocks = self._clocks.setdefault(host.host_id, (ClockOffset(), ClockSteps()))
        offset, steps = clocks
        if step_ms := steps.step_ms(sender):
            offset.was_set(step_ms)
        host.clock_offset_ms = offset.note(now_ms, sender.wall_ms)
        by_ms = shift_ms(push, sender, host.clock_offset_ms, offset.trusted_ms, now_ms)
        if host.corrected != bool(by_ms):
            host.corrected = bool(by_ms)
            host.touch()
        return by_ms, step_ms

    def _in_time(
        self, rows: Sequence[Row], now_ms: int, errors: list[PushErrorEntry]
    ) -> tuple[Sequence[Row], dict[str, int]]:
        """The rows neither too far ahead nor too old, and how many samples were in the others, by code."""
        oldest, newest = now_ms - self._age_ms, now_ms + self._ahead_ms
        if not rows or (rows[0].time_ms >= oldest and rows[-1].time_ms <= newest):  # they are in order
            return rows, _NONE_LATE
        refused: dict[str, int] = {}
        kept = []
        for row in rows:
            if oldest <= row.time_ms <= newest:
                kept.append(row)
                continue
            code = "too_old" if row.time_ms < oldest else "too_far_future"
            refused[code] = refused.get(code, 0) + row.samples
            if len(errors) < _MAX_ERRORS:
                errors.append(PushErrorEntry(code, time=row.time_ms / 1000))
        return kept, refused

    def _admit(self, host: Host, rows: Sequence[Row], now_ms: int) -> None:
        budget = self._budgets.get(host.host_id)
        if budget is None:
            budget = self._budgets.setdefault(host.host_id, KeySetBudget())
        budget.admit(rows, self._limits.new_key_sets_per_hour, now_ms)

    def _check_rate(self, host: Host, now_ms: int) -> None:
        """A host that sends too often is told so, but only when the others would suffer."""
        second = now_ms // 1000
        before, count = self._rates.get(host.host_id, (second, 0))
        count = count + 1 if before == second else 1
        self._rates[host.host_id] = (second, count)
        if count > self._limits.requests_per_second:
            raise Refusal(
                429, "too_many_requests", "too many pushes of this host while others wait", retry_after_s=2
            )

    def finish(self, pending: Pending, written: Written) -> bytes:
        """The reply to a write that is committed.

        Raises:
            Refusal: 409 if a seq of it was used before, for another batch.
        """
        if written.conflict:
            raise _conflict(pending.head)
        self.write_seconds.observe(time.monotonic() - pending.begun_s)
        counters = self.counters
        self._count_apart(pending, written)
        if written.duplicate:
            counters.duplicates += 1
            return self._reply(pending.head, written, 0, 0, [], pending.write.now_ms)
        counters.pushes += 1
        counters.samples += pending.accepted
        counters.rejected += pending.rejected
        host = pending.write.batches[-1].host
        return self._reply(
            pending.head,
            written,
            pending.accepted,
            pending.rejected,
            pending.errors,
            pending.write.now_ms,
            self._live.watch_s(host),
            pending.corrected,
        )

    def _count_apart(self, pending: Pending, written: Written) -> None:
        """What of a committed write was there already, or was not taken."""
        write = pending.write
        if write.stream is not None and (written.duplicate or len(write.batches) > 1):
            again = sum(batch.seq is not None and not batch.stored for batch in write.batches)
            if again:
                self.counts.note_duplicates(write.stream.hex(), again)
        for batch, codes in pending.rejections:
            if batch.stored:
                self.counts.note_rejected(batch.host.host_id, codes)

    def _reply(
        self,
        head: PushHead,
        written: Written,
        accepted: int,
        rejected: int,
        errors: list[PushErrorEntry],
        now_ms: int,
        watch_s: int = 0,
        corrected: bool = False,
    ) -> bytes:
        acked = (head.first, head.last) if head.first else None
        return _encode(
            PushReply(
                "ok",
                head.stream_text,
                acked,
                written.duplicate,
                accepted,
                rejected,
                errors,
                now_ms / 1000,
                watch_s,
                corrected,
            )
        )

    def refused(self, refusal: Refusal) -> None:
        """Counts a push that was not taken."""
        self.counters.refused[refusal.code] = self.counters.refused.get(refusal.code, 0) + 1

    def local(self, pushes: Sequence[Push], facts: bytes | None, version: str | None) -> int:
        """Commits pushes of this very process and returns how many samples were stored."""
        size = sum(len(row.payload) for push in pushes for row in push.rows)
        pending = self._plan(PushHead(size, False), pushes, size, self._now_ms())
        if not pending.write.batches:
            return 0
        newest = pending.write.batches[-1]
        newest.facts = facts
        if version is not None and newest.host.version != version:
            newest.host.version = version
            newest.host.touch()
        self._storage.submit(pending.write).wait()
        self.counters.pushes += len(pushes)
        self.counters.samples += pending.accepted
        return pending.accepted


def _note_late(batches: Sequence[HostBatch], sent_ms: int) -> None:
    """Tells with the last batch of a request which of them waited for the link, by the sender's own clock."""
    late = [
        batch.time_ms
        for batch in batches
        if sent_ms - batch.time_ms > max(_LATE_INTERVALS * (batch.host.interval_ms or 0), _LATE_MS)
    ]
    if late:
        batches[-1].events = (*batches[-1].events, Event("arrived_late", min(late), max(late)))


def _digest(head: PushHead, body: bytes) -> int:
    """Push.digest of the one batch that `body` is, without inflating it."""
    if head.gzip:
        return int.from_bytes(body[-8:-4], "little")  # RFC 1952 2.3.1: CRC32, then ISIZE
    return crc32(body)


def _conflict(head: PushHead) -> Refusal:
    seqs = f"seq {head.first}" if head.first == head.last else f"one of the seqs {head.first} to {head.last}"
    return Refusal(
        409, "seq_conflict", f"{seqs} of this stream was stored with other bytes: start a new stream"
    )
