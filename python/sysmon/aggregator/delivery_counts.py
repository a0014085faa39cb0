"""What came again and what was not taken, since the start: the part of the ledger that no table keeps."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class DeliveryCounts:
    """Duplicates by stream, samples that were not taken by host and code. Thread-safe."""

    def __init__(self, since_ms: int) -> None:
        self.since_ms = since_ms
        self._lock = threading.Lock()
        self._duplicates: Counter[str] = Counter()
        self._rejected: dict[int, Counter[str]] = {}

    def note_duplicates(self, stream: str, batches: int) -> None:
        """Numbered batches that were there already came again."""
        with self._lock:
            self._duplicates[stream] += batches

    def note_rejected(self, host_id: int, samples: Mapping[str, int]) -> None:
        """Samples of a batch that was taken were not; how many, by code."""
        with self._lock:
            self._rejected.setdefault(host_id, Counter()).update(samples)

    def duplicates(self, streams: Iterable[str]) -> dict[str, int]:
        with self._lock:
            return {stream: self._duplicates[stream] for stream in streams}

    def rejected(self, host_id: int) -> dict[str, int]:
        with self._lock:
            return dict(self._rejected.get(host_id, {}))
