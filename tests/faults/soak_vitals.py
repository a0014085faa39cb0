"""F44, how the processes are meanwhile: memory, descriptors and threads of each of their lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, linear_regression
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

_WARM_UP: Final = 1 / 3  # of a life: caches fill, the allocator takes what it will need at most
_LEAST_S: Final = 120.0  # of a life that tells anything, its warm-up not counted
_BLOCKS: Final = 8
_T_95: Final = 2.447  # Student's t of two sides for 95 % and 6 degrees of freedom
_HOUR_S: Final = 3600.0


class Vitals(NamedTuple):
    at_s: float
    rss_mib: float
    files: int
    threads: int


class Slope(NamedTuple):
    """MiB per hour, and how far that may be off (95 %)."""

    per_hour: float
    error: float

    @property
    def at_least(self) -> float:
        return self.per_hour - self.error


@dataclass
class Life:
    """One process from its start to its end."""

    name: str
    pid: int
    vitals: list[Vitals] = field(default_factory=list)

    def look(self, at_s: float) -> None:
        """Notes how it is; nothing where it has ended."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return
            with process.oneshot():
                rss_mib = process.memory_info().rss / 2**20
                self.vitals.append(Vitals(at_s, rss_mib, process.num_fds(), process.num_threads()))
        except psutil.Error:
            pass

    @property
    def settled(self) -> list[Vitals]:
        """Without the warm-up; empty where that leaves too little to tell anything."""
        if not self.vitals:
            return []
        first_s, last_s = self.vitals[0].at_s, self.vitals[-1].at_s
        from_s = first_s + (last_s - first_s) * _WARM_UP
        return [one for one in self.vitals if one.at_s >= from_s] if last_s - from_s >= _LEAST_S else []

    @property
    def seconds(self) -> float:
        return self.vitals[-1].at_s - self.vitals[0].at_s if self.vitals else 0.0


@dataclass
class Process:
    """What the lives of a process say; growth is None where none was long enough to tell."""

    lives: int = 0
    longest_s: float = 0.0
    watched_s: float = 0.0  # of the longest, without its warm-up: what the slope and the growths are of
    rss_max_mib: float = 0.0
    rss_course_mib: list[float] = field(default_factory=list)  # of the longest, from its start: means
    rss_slope: float | None = None  # MiB per hour
    rss_slope_error: float | None = None
    files_max: int = 0
    files_growth: int | None = None
    threads_max: int = 0
    threads_growth: int | None = None


def summary(lives: Sequence[Life]) -> Process:
    """What the lives of one process say."""
    longest = max(lives, key=lambda life: life.seconds)
    seen = [one for life in lives for one in life.vitals]
    told = Process(len(lives), round(longest.seconds, 1))
    if seen:
        told.rss_max_mib = round(max(one.rss_mib for one in seen), 2)
        told.files_max = max(one.files for one in seen)
        told.threads_max = max(one.threads for one in seen)
        told.rss_course_mib = [
            round(fmean(part), 2) for part in _parts([one.rss_mib for one in longest.vitals])
        ]
    if settled := longest.settled:
        told.watched_s = round(settled[-1].at_s - settled[0].at_s, 1)
        line = slope([(one.at_s, one.rss_mib) for one in settled])
        told.rss_slope, told.rss_slope_error = round(line.per_hour, 3), round(line.error, 3)
        told.files_growth = growth([one.files for one in settled])
        told.threads_growth = growth([one.threads for one in settled])
    return told


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Least squares over (seconds, MiB).

    Neighbours are alike, so the error is that of a line through the means of a few long blocks.
    """
    times = [at_s / _HOUR_S for at_s, _ in points]
    sizes = [size for _, size in points]
    per_hour = linear_regression(times, sizes).slope
    centres, means = ([fmean(part) for part in _parts(values)] for values in (times, sizes))
    line = linear_regression(centres, means)
    missed = sum(
        (mean - line.slope * at - line.intercept) ** 2 for at, mean in zip(centres, means, strict=True)
    )
    spread = sum((at - fmean(centres)) ** 2 for at in centres)
    return Slope(per_hour, _T_95 * (missed / (_BLOCKS - 2) / spread) ** 0.5)


def _parts(values: Sequence[float]) -> list[Sequence[float]]:
    """A few long blocks of them, or as many as there are values."""
    count = min(_BLOCKS, len(values))
    edges = [round(len(values) * n / count) for n in range(count + 1)]
    return [values[first:end] for first, end in pairwise(edges)]


def growth(counts: Sequence[int]) -> int:
    """By how much the least of the later half is above the least of the earlier one: what is used and given
    back does not count, what is never given back does."""
    half = len(counts) // 2
    return min(counts[half:]) - min(counts[:half])
