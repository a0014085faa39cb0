"""Which journal rows are whose: host → times and row ids, in memory, instead of an index on disk.

An index of (host, time) would cost more to write than the rows themselves; 16 bytes a row in memory do the
same.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right

from sysmon.errors import RangeTooLargeError


class JournalIndex:
    """Thread-safe: the writer adds after each commit. Kept by time, then in the order of storing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: dict[int, tuple[array[int], array[int]]] = {}  # host -> times, row ids

    def add(self, host_id: int, row_id: int, time_ms: int) -> None:
        with self._lock:
            kept = self._hosts.get(host_id)
            if kept is None:
                kept = self._hosts[host_id] = (array("q"), array("q"))
            times, ids = kept
            if not times or time_ms >= times[-1]:
                times.append(time_ms)
                ids.append(row_id)
            else:  # a backlog arrives after the newest rows
                at = bisect_right(times, time_ms)
                times.insert(at, time_ms)
                ids.insert(at, row_id)

    def drop_host(self, host_id: int) -> None:
        with self._lock:
            self._hosts.pop(host_id, None)

    def find(self, host_id: int, start_ms: int, end_ms: int, max_rows: int | None = None) -> array[int]:
        """Ids of the host's rows with start ≤ time < end, by time.

        Raises:
            RangeTooLargeError: more than `max_rows`.
        """
        with self._lock:
            kept = self._hosts.get(host_id)
            if kept is None:
                return array("q")
            first, last = bisect_left(kept[0], start_ms), bisect_left(kept[0], end_ms)
            if max_rows is not None and last - first > max_rows:
                raise RangeTooLargeError(f"{last - first} stored rows")
            return kept[1][first:last]

    def newest(self, host_id: int, limit: int) -> array[int]:
        """Ids of the rows with the newest times, oldest first."""
        with self._lock:
            kept = self._hosts.get(host_id)
            return kept[1][-limit:] if kept else array("q")

    def count(self, host_id: int) -> int:
        with self._lock:
            kept = self._hosts.get(host_id)
            return len(kept[0]) if kept else 0

    def total(self) -> int:
        with self._lock:
            return sum(len(times) for times, _ in self._hosts.values())
