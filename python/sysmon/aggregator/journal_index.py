"""What of each host lies where: its journal rows by time, and which hours and days of it are in chunks.

An index of (host, time) on disk would cost more to write than the rows themselves; 10 bytes a row in memory
do the same.
"""

from __future__ import annotations

import threading
from array import array
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from sysmon.aggregator.narrow_ints import NarrowInts

NO_DAY = -1


@dataclass(slots=True, frozen=True)
class HostChunks:
    """Where a host's chunks are; a row of table `compacted`. Replaced whole."""

    journal_id: int = 0  # rows up to here are in chunks
    rows: int = 0
    first_hour: int = 0  # may have raw chunks: from
    last_hour: int = -1  # … to, included
    rolled_day: int = NO_DAY  # days before this one have their cells


class LiveRows(NamedTuple):
    """Rows of one host that are not in chunks, by time; of one time in the order of storing."""

    times: array[int]
    ids: array[int]


class _Rows:
    __slots__ = ("first_id", "ids", "size", "sizes", "times")

    def __init__(self) -> None:
        self.times = NarrowInts("I")
        self.ids = NarrowInts("I")
        self.sizes = NarrowInts("H")
        self.size = 0
        self.first_id = 0  # the least of `ids`

    def add(self, row_id: int, time_ms: int, size: int) -> None:
        at = len(self.times)
        if at and time_ms < self.times[-1]:  # a backlog arrives after the newest rows
            at = self.times.bisect_right(time_ms)
        if not self.times:
            self.first_id = row_id
        self.times.insert(at, time_ms)
        self.ids.insert(at, row_id)
        self.sizes.insert(at, size)
        self.size += size

    def after(self, row_id: int) -> _Rows:
        kept = _Rows()
        count = len(self.ids)
        parts = (self.times.part(0, count), self.ids.part(0, count), self.sizes.part(0, count))
        for time_ms, one, size in zip(*parts, strict=True):
            if one > row_id:
                kept.add(one, time_ms, size)
        if kept.ids:
            kept.first_id = min(one for one in parts[1] if one > row_id)
        return kept


_NO_ROWS = LiveRows(array("q"), array("q"))
_NO_CHUNKS = HostChunks()


class JournalIndex:
    """Thread-safe: the writer adds after each commit, the compactor moves rows over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[int, _Rows] = {}
        self._chunks: dict[int, HostChunks] = {}
        self._bytes = 0
        self._firsts: list[tuple[int, int]] = []  # a heap of (first row id, host); some are out of date
        self._changed: set[int] = set()  # hosts whose oldest row is another one

    def add(self, host_id: int, row_id: int, time_ms: int, size: int) -> None:
        with self._lock:
            kept = self._rows.get(host_id)
            if kept is None:
                kept = self._rows[host_id] = _Rows()
                heappush(self._firsts, (row_id, host_id))
                self._changed.add(host_id)
            elif time_ms < kept.times[0]:
                self._changed.add(host_id)
            kept.add(row_id, time_ms, size)
            self._bytes += size

    def put_chunks(self, host_id: int, chunks: HostChunks) -> None:
        """Takes over what the file says of a host, or what a commit has made of it; its rows leave."""
        with self._lock:
            self._chunks[host_id] = chunks
            rows = self._rows.get(host_id)
            if rows is not None and rows.ids and rows.first_id <= chunks.journal_id:
                kept = rows.after(chunks.journal_id)
                self._bytes += kept.size - rows.size
                if kept.ids:
                    self._rows[host_id] = kept
                    heappush(self._firsts, (kept.first_id, host_id))
                    self._changed.add(host_id)
                else:
                    del self._rows[host_id]

    def drop_host(self, host_id: int) -> None:
        with self._lock:
            self._chunks.pop(host_id, None)
            rows = self._rows.pop(host_id, None)
            self._bytes -= rows.size if rows else 0

    def find(self, host_id: int, start_ms: int, end_ms: int) -> tuple[LiveRows, HostChunks]:
        """The host's live rows with start ≤ time < end, and its chunks, as of one moment."""
        with self._lock:
            chunks = self._chunks.get(host_id, _NO_CHUNKS)
            kept = self._rows.get(host_id)
            if kept is None:
                return _NO_ROWS, chunks
            first, last = kept.times.bisect_left(start_ms), kept.times.bisect_left(end_ms)
            return LiveRows(kept.times.part(first, last), kept.ids.part(first, last)), chunks

    def chunks(self, host_id: int) -> HostChunks:
        return self._chunks.get(host_id, _NO_CHUNKS)

    def hosts_with_chunks(self) -> list[tuple[int, HostChunks]]:
        with self._lock:
            return list(self._chunks.items())

    def newest(self, host_id: int, limit: int) -> array[int]:
        """Ids of the live rows with the newest times, oldest first."""
        with self._lock:
            kept = self._rows.get(host_id)
            if kept is None:
                return array("q")
            count = len(kept.ids)
            return kept.ids.part(max(0, count - limit), count)

    def live_hosts(self) -> list[int]:
        """Every host with live rows."""
        with self._lock:
            return list(self._rows)

    def oldest_ms(self, host_id: int) -> int | None:
        """The time of the host's oldest live row."""
        with self._lock:
            rows = self._rows.get(host_id)
            return rows.times[0] if rows else None

    def take_changed(self) -> list[int]:
        """Hosts whose oldest live row became another one since the last call."""
        with self._lock:
            changed = list(self._changed)
            self._changed.clear()
            return changed

    def first_id(self) -> int | None:
        """The least id of a live row; None where there is none."""
        with self._lock:
            first = self._first()
            return first[0] if first else None

    def first_host(self) -> int | None:
        """The host of the row that is live the longest; None where there is none."""
        with self._lock:
            first = self._first()
            return first[1] if first else None

    def _first(self) -> tuple[int, int] | None:
        while self._firsts:
            row_id, host_id = self._firsts[0]
            rows = self._rows.get(host_id)
            if rows is not None and rows.first_id == row_id:
                return self._firsts[0]
            heappop(self._firsts)
        return None

    def count(self, host_id: int) -> int:
        """Rows of the host ever committed."""
        with self._lock:
            kept = self._rows.get(host_id)
            return (len(kept.ids) if kept else 0) + self._chunks.get(host_id, _NO_CHUNKS).rows

    @property
    def bytes(self) -> int:
        """Of all live rows' payloads."""
        return self._bytes

    def total(self) -> int:
        """Live rows."""
        with self._lock:
            return sum(len(rows.ids) for rows in self._rows.values())
