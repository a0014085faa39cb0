"""Guard 1: what is settled of each stream, so that no batch is stored twice and every hole is known."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sysmon.aggregator.seqset import DECLARED, MAX_INTERVALS, Digests, SeqSet, newest
from sysmon.aggregator.storage import Drop, Event, StorageBusyError, StreamLedger, Write, Written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysmon.aggregator.storage import HostBatch


@dataclass(slots=True)
class Stream:
    """One agent run. `seqs` is replaced whole, so that any thread may look at it."""

    host_id: int
    seqs: SeqSet
    seen_ms: int
    digests: Digests = field(default_factory=Digests)
    gaps: dict[int, tuple[int, int]] = field(default_factory=dict)  # event id -> the hole it tells of


@dataclass(slots=True)
class StreamChange:
    """What a group of writes does to one stream; nothing of it counts before COMMIT."""

    stream: Stream
    seqs: SeqSet
    seen_ms: int
    digests: dict[int, int | None] = field(default_factory=dict)  # by seq
    events: list[Event] = field(default_factory=list)
    filled: list[int] = field(default_factory=list)  # ids of gap events that are no gaps any more


class GapDetail(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """What a gap event says: first … last of this stream are not here."""

    first: int
    last: int
    stream: str


def stream_row(name: bytes, change: StreamChange) -> tuple[bytes, int, bytes, int]:
    """The row of table streams: name, host, seqs with their checksum, last use."""
    host_id, seqs = change.stream.host_id, change.seqs.encode()
    return name, host_id, seqs + _checksum(name, host_id, seqs, change.seen_ms), change.seen_ms


def stream_of(name: bytes, host_id: int, blob: bytes, seen_ms: int) -> Stream:
    """A stored stream. Raises ValueError if its row is not as it was written."""
    seqs, checksum = blob[: len(blob) // 8 * 8], blob[len(blob) // 8 * 8 :]
    # Databases made before there was a checksum have none.
    if not seqs or (checksum and checksum != _checksum(name, host_id, seqs, seen_ms)):
        raise ValueError("the checksum of a stream does not match")
    return Stream(host_id, SeqSet.decode(seqs), seen_ms)


def _checksum(name: bytes, host_id: int, seqs: bytes, seen_ms: int) -> bytes:
    """CRC-32, little-endian: a number that is wrong here would lose a batch, or store it twice."""
    return struct.pack("<I", zlib.crc32(struct.pack("<qq", host_id, seen_ms) + seqs, zlib.crc32(name)))


def _check_holes(write: Write, seqs: SeqSet) -> None:
    for drop in write.drops:
        seqs = seqs.add(drop.first, drop.last)
    for batch in write.batches:
        if batch.seq is not None:
            seqs = seqs.add(batch.seq, batch.seq)
    if len(seqs.intervals) > MAX_INTERVALS:
        raise StorageBusyError(
            f"batches are missing in {MAX_INTERVALS} places of this stream: send or declare those first"
        )


def _is_another(batch: HostBatch, change: StreamChange) -> bool:
    """Its seq was used before, for another batch, or declared dropped, as far as is known."""
    if batch.seq is None or batch.digest is None or batch.seq not in change.seqs:
        return False
    known = change.digests.get(batch.seq)
    if known is not None:
        return known != batch.digest
    return change.stream.digests.differs(batch.seq, change.seqs.highest, batch.digest)


class Streams:
    """All streams, by their 16 bytes. Changed by the writer thread only."""

    def __init__(self) -> None:
        self._streams: dict[bytes, Stream] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def put(self, name: bytes, stream: Stream) -> None:
        self._streams[name] = stream

    def get(self, name: bytes) -> Stream | None:
        return self._streams.get(name)

    def settled(self, name: bytes, seq: int, digest: int | None) -> tuple[bool, bool]:
        stream = self._streams.get(name)
        if stream is None or seq not in stream.seqs:
            return False, False
        return True, digest is not None and stream.digests.differs(seq, stream.seqs.highest, digest)

    def plan(self, write: Write, pending: dict[bytes, StreamChange]) -> Written:
        """Marks the batches of a write that are to be stored; the change of its stream goes to `pending`.

        Raises:
            StorageBusyError: the stream has as many holes as are kept, and this would be one more. None may
                be forgotten instead: what fills it would be taken for a duplicate, acknowledged, and not
                stored.
        """
        if write.stream is None:
            for batch in write.batches:
                batch.stored = True
            return Written()
        change = pending.get(write.stream)
        if change is None:
            host_id = write.batches[0].host.host_id
            stream = self._streams.get(write.stream) or Stream(host_id, SeqSet(), write.now_ms)
            change = pending[write.stream] = StreamChange(stream, stream.seqs, write.now_ms)
        if len(change.seqs.intervals) + len(write.drops) >= MAX_INTERVALS:
            _check_holes(write, change.seqs)
        change.seen_ms = max(change.seen_ms, write.now_ms)
        if any(_is_another(batch, change) for batch in write.batches):
            return Written(conflict=True)
        self._settle_drops(write.stream, write.drops, change, write.now_ms)
        return self._settle_batches(write, change)

    def _settle_drops(self, name: bytes, drops: Iterable[Drop], change: StreamChange, now_ms: int) -> None:
        """What was declared before, or was stored though its sender never heard of it, is no drop."""
        for drop in drops:
            samples = drop.samples  # of all of it: nobody says which batch had how many
            for first, last in change.seqs.absent(drop.first, drop.last):
                detail = {"from": first, "to": last, "samples": samples, "reason": drop.reason}
                change.events.append(Event("dropped", now_ms, detail={**detail, "stream": name.hex()}))
                samples = 0
                change.digests |= dict.fromkeys(newest(first, last), DECLARED)
            change.seqs = change.seqs.add(drop.first, drop.last)

    def _settle_batches(self, write: Write, change: StreamChange) -> Written:
        numbered = [batch for batch in write.batches if batch.seq is not None]
        duplicates = 0
        for batch in write.batches:
            if batch.seq is None:
                batch.stored = True
            elif batch.seq in change.seqs:
                duplicates += 1
            else:
                batch.stored = True
                if batch.seq == 1 and write.stream is not None:
                    detail = {"stream": write.stream.hex()}
                    change.events.append(Event("agent_started", batch.time_ms, detail=detail))
                change.seqs = change.seqs.add(batch.seq, batch.seq)
                change.digests[batch.seq] = batch.digest
        return Written(duplicate=bool(numbered) and duplicates == len(numbered))

    def note_gaps(self, name: bytes, change: StreamChange) -> None:
        """A hole that opens is an event; one that a late batch or a declared drop closes is none any more.

        Called once for a group, before its events are written: what opened and closed within it was no gap.
        """
        stream = change.stream
        if not change.seqs.intervals and not stream.gaps:
            return
        holes = change.seqs.holes()
        for first, last in holes:
            # A hole that shrinks keeps its event; only what lies above everything settled before is new.
            if first > stream.seqs.highest:
                detail = {"from": first, "to": last, "stream": name.hex()}
                change.events.append(Event("gap", stream.seen_ms, change.seen_ms, detail))
        for event_id, (first, last) in stream.gaps.items():
            if not any(low <= last and first <= high for low, high in holes):
                change.filled.append(event_id)

    def commit(self, name: bytes, change: StreamChange) -> None:
        """Takes over what was committed."""
        stream = change.stream
        for seq, digest in change.digests.items():
            stream.digests.put(seq, change.seqs.highest, digest)
        for event_id in change.filled:
            stream.gaps.pop(event_id, None)
        stream.seqs = change.seqs
        stream.seen_ms = change.seen_ms
        self._streams[name] = stream

    def drop_host(self, host_id: int) -> None:
        self._streams = {name: stream for name, stream in self._streams.items() if stream.host_id != host_id}

    def prune(self, before_ms: int) -> list[bytes]:
        """Forgets streams that nobody used since; returns their names."""
        old = [name for name, stream in self._streams.items() if stream.seen_ms < before_ms]
        for name in old:
            del self._streams[name]
        return old

    def of_host(self, host_id: int) -> list[StreamLedger]:
        found = [(name, stream) for name, stream in list(self._streams.items()) if stream.host_id == host_id]
        found.sort(key=lambda pair: pair[1].seen_ms, reverse=True)
        return [
            StreamLedger(
                name.hex(), stream.seqs.mark, stream.seqs.highest, stream.seqs.missing(), stream.seen_ms
            )
            for name, stream in found
        ]
