"""Whose journal rows are packed next; found without a look at every host, which takes milliseconds."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from sysmon.aggregator.stored_parts import HOUR_MS

if TYPE_CHECKING:
    from sysmon.aggregator.journal_index import JournalIndex

_GRACE_MS: Final = 120_000  # after an hour is over: what is late by so little is packed once
_SPREAD_MS: Final = 1_800_000  # … and hosts take turns within the next half hour
_GATHER_MS: Final = 60_000  # between two turns of a host: a backlog comes row by row, into the same hours


class Turns:
    """The compactor's own; one thread at a time."""

    def __init__(self, index: JournalIndex, journal_bytes: int) -> None:
        """
        Args:
            journal_bytes: past three quarters of this, hosts are taken before their hour is over.
        """
        self._index = index
        self._pressed_bytes = journal_bytes * 3 // 4
        self._queue: list[tuple[int, int]] = []  # a heap of (when, host)
        self._when: dict[int, int] = {}  # of each host in it; an entry that says otherwise is out of date
        self._taken_ms: dict[int, int] = {}  # when a host's turn was last

    def take(self, now_ms: int) -> int | None:
        """The host whose turn it is; None where no rows are due."""
        host_id = self._pressing() or self._due(now_ms)
        if host_id is not None:
            self._taken_ms[host_id] = now_ms
            self._note(host_id)  # should it fail, it comes again
        return host_id

    def _pressing(self) -> int | None:
        return self._index.first_host() if self._index.bytes > self._pressed_bytes else None

    def _due(self, now_ms: int) -> int | None:
        for host_id in self._index.take_changed():
            self._note(host_id)
        while self._queue and self._queue[0][0] <= now_ms:
            when, host_id = heappop(self._queue)
            if self._when.get(host_id) != when:
                continue
            del self._when[host_id]
            due_ms = self._due_ms(host_id)
            if due_ms is not None and due_ms <= now_ms:
                return host_id
            self._note(host_id)
        return None

    def _note(self, host_id: int) -> None:
        """Puts the host where it belongs, if its rows are not all in chunks."""
        when = self._due_ms(host_id)
        if when is None:
            self._when.pop(host_id, None)
        elif self._when.get(host_id) != when:
            self._when[host_id] = when
            heappush(self._queue, (when, host_id))

    def _due_ms(self, host_id: int) -> int | None:
        oldest_ms = self._index.oldest_ms(host_id)
        if oldest_ms is None:
            return None
        over_ms = (oldest_ms // HOUR_MS + 1) * HOUR_MS + _GRACE_MS + host_id * 7_919_000 % _SPREAD_MS
        return max(over_ms, self._taken_ms.get(host_id, 0) + _GATHER_MS)
