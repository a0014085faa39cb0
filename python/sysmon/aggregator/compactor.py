"""Moves journal rows into chunks, and rolls up days, on a thread of its own.

Reading and packing happen on this thread, over a read-only connection and in the native core; only the bite
that is ready goes to the writer, between two commits. A host's rows leave the journal in the transaction that
says so in `compacted`, and not before all of their chunks are there; until then they are in both, and whoever
reads takes each sample once. So it does not matter where a kill -9 falls.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import apsw

from sysmon import _core
from sysmon.aggregator.journal_index import NO_DAY, HostChunks
from sysmon.aggregator.storage import Event
from sysmon.aggregator.stored_parts import (
    CELL_MS,
    DAY_HOURS,
    DAY_MS,
    HOUR_MS,
    RAW,
    TIERS,
    intact_parts,
    keys_of,
    read_parts,
    read_rows,
)
from sysmon.aggregator.turns import Turns
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sysmon._core import KeySets, PackedChunk
    from sysmon.aggregator.journal_index import JournalIndex
    from sysmon.aggregator.retention import Retention
    from sysmon.aggregator.writer import Writer

log = logging.getLogger(__name__)

_ROLL_AFTER_MS: Final = DAY_MS
_BITE_BYTES: Final = 256 << 10  # of payload in one transaction: some milliseconds of the writer's time
_TRIM_ROWS: Final = 1_024
_ALL_PARTS: Final = _core.parts_of(None)
_IDLE_S: Final = 5.0

_CHUNK: Final = "INSERT OR REPLACE INTO chunks (key, payload) VALUES (?, ?)"
_TRIM: Final = "DELETE FROM journal WHERE id >= ? AND id < ?"
_COMPACTED: Final = """
    INSERT OR REPLACE INTO compacted (host_id, journal_id, rows, first_hour, last_hour, rolled_day)
    VALUES (?, ?, ?, ?, ?, ?)"""

Chunk = tuple[int, bytes]


class Compactor:
    """`step` does the most urgent bit of work; `start` does so until `stop`, whenever there is some."""

    def __init__(
        self,
        writer: Writer,
        index: JournalIndex,
        key_sets: KeySets,
        reader: apsw.Connection,
        retention: Retention,
        *,
        journal_bytes: int,
        now_ms: Callable[[], int],
    ) -> None:
        """
        Args:
            reader: a read-only connection that nobody else uses.
            journal_bytes: past three quarters of this, hosts are compacted before their hour is over.
        """
        self._writer = writer
        self._index = index
        self._key_sets = key_sets
        self._reader = reader
        self._retention = retention
        self._turns = Turns(index, journal_bytes)
        self._now_ms = now_ms
        self.lock = threading.Lock()  # whoever holds it is the only one to move or delete chunks
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._dirty: set[tuple[int, int]] = set(reader.execute("SELECT host_id, day FROM dirty_days"))
        retention.restore(reader)
        self._first_row = int(reader.execute("SELECT coalesce(min(id), 1) FROM journal").get)
        self._unrolled: deque[int] = deque()  # hosts that may have days before `_roll_until` without cells
        self._roll_until = NO_DAY
        self.samples = 0  # compacted since the start

    # ---- when ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="compactor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Ends the thread and gives the connection back."""
        self.stop()
        self._reader.close()

    def _loop(self) -> None:
        failing = False
        while not self._stopped:
            try:
                worked = self.step()
            except (
                Exception
            ) as error:  # whatever it is: the journal must not grow for ever because of one host
                if not failing:
                    expected = isinstance(error, (StorageError, apsw.Error))
                    log.error("compaction does not go on: %s", error, exc_info=None if expected else error)
                failing, worked = True, False
            else:
                if failing:
                    log.warning("compaction goes on")
                failing = False
            if not worked:
                self._wake.wait(_IDLE_S)
                self._wake.clear()

    def step(self) -> bool:
        """Does one bite of what is due; False where nothing is. Raises StorageError."""
        now_ms = self._now_ms()
        with self.lock:
            return (
                self._trim()
                or self._compact_next(now_ms)
                or self._roll_next(now_ms)
                or self._retention.step(self._writer, now_ms)
            )

    def everything(self) -> dict[str, int]:
        """All of the journal into chunks, whatever hour it is, then all that is due; the space returns."""
        before = self.samples
        with self.lock:
            for host_id in self._index.live_hosts():
                self._compact(host_id)
        while not self._stopped and self.step():
            pass
        with self.lock:
            self._retention.give_back(self._writer)
        return {"samples": self.samples - before}

    def _compact_next(self, now_ms: int) -> bool:
        host_id = self._turns.take(now_ms)
        if host_id is None:
            return False
        self._compact(host_id)
        return True

    def _trim(self) -> bool:
        """Deletes a run of rows that are all in chunks."""
        # In this order: rows that are committed between the two are live, or not below it.
        next_row = self._writer.next_row
        live = self._index.first_id()
        until = min(self._first_row + _TRIM_ROWS, next_row if live is None else live)
        if until <= self._first_row:
            return False
        first = self._first_row

        def job(db: apsw.Connection) -> None:
            db.execute(_TRIM, (first, until))

        self._writer.ride(job)
        self._first_row = until
        return True

    # ---- journal -> raw chunks -----------------------------------------------------------------------------

    def _compact(self, host_id: int) -> None:
        live, chunks = self._index.find(host_id, -(1 << 62), 1 << 62)
        if not live.ids:
            return
        hours = sorted({time_ms // HOUR_MS for time_ms in live.times})
        bite: list[Chunk] = []
        key_sets: set[int] = set()
        for hour in hours:
            packed = self._pack_hour(host_id, hour, live, chunks)
            bite += [(_core.chunk_key(RAW, hour, host_id, part), payload) for part, payload in packed.parts]
            key_sets.add(packed.key_set)
            self.samples += packed.samples
            if hour != hours[-1] and sum(len(payload) for _, payload in bite) > _BITE_BYTES:
                self._store(host_id, bite, key_sets)
                bite = []
        known = chunks.last_hour >= 0
        after = HostChunks(
            max(live.ids),
            chunks.rows + len(live.ids),
            min(hours[0], chunks.first_hour) if known else hours[0],
            max(hours[-1], chunks.last_hour),
            chunks.rolled_day if known else hours[0] // DAY_HOURS,
        )
        days = {hour // DAY_HOURS for hour in hours}
        dirty = frozenset((host_id, day) for day in days if day < after.rolled_day and known)
        self._store(host_id, bite, key_sets, after, dirty)
        if after.rolled_day < self._roll_until:
            self._unrolled.append(host_id)

    def _pack_hour(self, host_id: int, hour: int, live: Any, chunks: HostChunks) -> PackedChunk:
        first, end = (bisect_left(live.times, edge * HOUR_MS) for edge in (hour, hour + 1))
        rows = read_rows(self._reader, live.ids[first:end])
        old: list[Chunk] = []
        if chunks.first_hour <= hour <= chunks.last_hour:
            old = read_parts(self._reader, keys_of(RAW, [hour], host_id, _ALL_PARTS))
        good_rows = [row for row in rows if _core.is_intact(row[1])]
        # A damaged row can never be read: it is told as an event, and must not keep all others waiting. A
        # damaged part stays where it is, and whoever reads it is told.
        lost = [time_ms for time_ms, payload in rows if not _core.is_intact(payload)]
        if lost:
            at = lost[0], lost[-1], {"rows": len(lost)}
            self._writer.run(lambda db: self._writer.insert_event(db, host_id, Event("damaged_rows", *at)))
        try:
            return _core.pack_hour(self._key_sets, (intact_parts(old), good_rows), hour * HOUR_MS)
        except ValueError as error:
            raise StorageError(f"host {host_id}, hour {hour}: cannot be packed: {error}") from error

    def _store(
        self,
        host_id: int,
        bite: list[Chunk],
        key_sets: set[int],
        after: HostChunks | None = None,
        dirty: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        """One transaction: chunks, the key sets they name, and (with `after`) that the rows are in them."""

        def job(db: apsw.Connection) -> Callable[[], None] | None:
            if not db.execute("SELECT 1 FROM hosts WHERE host_id = ?", (host_id,)).fetchall():
                return None  # deleted meanwhile
            self._writer.persist_key_sets(db, key_sets)
            db.executemany(_CHUNK, bite)
            if after is not None:
                db.execute(_COMPACTED, (host_id, *_row_of(after)))
                db.executemany("INSERT OR IGNORE INTO dirty_days VALUES (?, ?)", dirty)
            return committed

        def committed() -> None:
            self._writer.key_sets_persisted(key_sets)
            if after is not None:
                self._index.put_chunks(host_id, after)
                self._dirty |= dirty

        self._writer.ride(job)

    # ---- raw chunks -> cells -------------------------------------------------------------------------------

    def _roll_next(self, now_ms: int) -> bool:
        for host_id, day in self._dirty:
            self._roll(host_id, day)
            return True
        until = (now_ms - _ROLL_AFTER_MS) // DAY_MS  # days before this one are old enough, all of them
        if until != self._roll_until:
            self._roll_until = until
            self._unrolled = deque(host_id for host_id, _ in self._index.hosts_with_chunks())
        while self._unrolled:
            host_id = self._unrolled.popleft()
            chunks = self._index.chunks(host_id)
            if NO_DAY < chunks.rolled_day < until and chunks.rolled_day <= chunks.last_hour // DAY_HOURS:
                self._unrolled.append(host_id)  # for its next day; or again, should this one fail
                self._roll(host_id, chunks.rolled_day)
                return True
        return False

    def _roll(self, host_id: int, day: int) -> None:
        first = day * DAY_HOURS
        hours = range(first - 1, first + DAY_HOURS)
        parts = intact_parts(read_parts(self._reader, keys_of(RAW, hours, host_id, _ALL_PARTS)))
        chunks = self._index.chunks(host_id)
        # Cells that are there are not made again of what retention has left of their day.
        is_whole = day >= chunks.rolled_day or first >= self._retention.raw_from_hour(self._now_ms())
        bite: list[Chunk] = []
        key_sets: set[int] = set()
        for tier, cell_ms in CELL_MS.items():
            if not (parts and is_whole):
                break
            try:
                packed = _core.pack_day(self._key_sets, (parts, []), day * DAY_MS, cell_ms)
            except ValueError as error:
                raise StorageError(f"host {host_id}, day {day}: cannot be rolled up: {error}") from error
            bite += [
                (_core.chunk_key(TIERS[tier], first, host_id, part), payload)
                for part, payload in packed.parts
            ]
            key_sets.add(packed.key_set)
        after = replace(chunks, rolled_day=max(day + 1, chunks.rolled_day))

        def job(db: apsw.Connection) -> Callable[[], None] | None:
            if not db.execute("SELECT 1 FROM compacted WHERE host_id = ?", (host_id,)).fetchall():
                return None
            self._writer.persist_key_sets(db, key_sets)
            db.executemany(_CHUNK, bite)
            db.execute(_COMPACTED, (host_id, *_row_of(after)))
            db.execute("DELETE FROM dirty_days WHERE host_id = ? AND day = ?", (host_id, day))
            return committed

        def committed() -> None:
            self._writer.key_sets_persisted(key_sets)
            self._index.put_chunks(host_id, after)

        self._writer.ride(job)
        self._dirty.discard((host_id, day))


def _row_of(chunks: HostChunks) -> tuple[int, ...]:
    return chunks.journal_id, chunks.rows, chunks.first_hour, chunks.last_hour, chunks.rolled_day
