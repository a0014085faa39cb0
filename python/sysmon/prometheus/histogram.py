"""How long something took, as counts below bounds."""

from __future__ import annotations

import threading
from bisect import bisect_left
from itertools import accumulate
from typing import Final

# From what one commit takes to what nobody waits for.
BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """Seconds. Thread-safe; an observation costs less than a microsecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        with self._lock:
            self._counts[bisect_left(BOUNDS_S, seconds)] += 1
            self.sum += seconds

    @property
    def count(self) -> int:
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """(bound, how many took no longer), up to infinity."""
        return list(zip((*BOUNDS_S, float("inf")), accumulate(self._counts), strict=True))
