"""What a store must answer, computed the plain way: every sample in a dictionary."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sysmon._core import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sysmon._core import Agg, Columns
    from sysmon.aggregator.storage import Query

RATE_LOOKBACK_MS: Final = 300_000
COUNTERS: Final = frozenset(info.name for info in registry() if info.kind == "counter")

Key = tuple[int, str, tuple[tuple[str, str], ...]]  # index into the query's hosts, type, tags
Answer = dict[Key, dict[int, float]]


@dataclass
class Model:
    """Samples by host and series; of two at one time the first stays."""

    series: dict[tuple[int, str, tuple[tuple[str, str], ...]], dict[int, float]] = field(default_factory=dict)

    def add(self, host_id: int, metric: str, tags: Mapping[str, str], time_ms: int, value: float) -> None:
        key = host_id, metric, tuple(sorted(tags.items()))
        self.series.setdefault(key, {}).setdefault(time_ms, value)

    def forget(self, host_id: int) -> None:
        self.series = {key: samples for key, samples in self.series.items() if key[0] != host_id}

    def answer(self, query: Query) -> Answer:
        """The samples, or the cells by their start; series without any are left out."""
        found: Answer = {}
        for (host_id, metric, tags), samples in self.series.items():
            if host_id not in query.host_ids or not _is_wanted(metric, dict(tags), query):
                continue
            values = _cells(metric, samples, query) if query.step_ms else _range(samples, query)
            if values:
                found[list(query.host_ids).index(host_id), metric, tags] = values
        return found


def answer_of(columns: Columns) -> Answer:
    """The same of what a store answered."""
    found: Answer = {}
    for i in range(len(columns)):
        cells = zip(columns.times(i), columns.values(i), columns.present(i), strict=True)
        values = {time_ms: value for time_ms, value, present in cells if present}
        if values:
            key = (columns.host(i), *columns.key(i))
            assert key not in found, f"{key} came twice"
            found[key] = values
    return found


def _is_wanted(metric: str, tags: Mapping[str, str], query: Query) -> bool:
    if query.types is not None and not any(
        metric.startswith(name[:-1]) if name.endswith("*") else metric == name for name in query.types
    ):
        return False
    return all(tags.get(key) == value for key, value in (query.tags or {}).items())


def _range(samples: Mapping[int, float], query: Query) -> dict[int, float]:
    return {t: samples[t] for t in sorted(samples) if query.start_ms <= t < query.end_ms}


def _cells(metric: str, samples: Mapping[int, float], query: Query) -> dict[int, float]:
    assert query.step_ms is not None
    agg = query.agg or ("rate" if metric in COUNTERS else "avg")
    inside: dict[int, list[float]] = {}
    for time_ms, value in _range(samples, query).items():
        inside.setdefault(_cell(time_ms, query), []).append(value)
    if agg == "rate":
        return _rates(samples, query)
    return {cell: _fold(values, agg) for cell, values in inside.items()}


def _cell(time_ms: int, query: Query) -> int:
    assert query.step_ms is not None
    return time_ms - (time_ms - query.start_ms) % query.step_ms


def _fold(values: Iterable[float], agg: Agg) -> float:
    all_of_it = list(values)
    match agg:
        case "min":
            return min(all_of_it)
        case "max":
            return max(all_of_it)
        case "last":
            return all_of_it[-1]
        case "sum":
            return sum(all_of_it)
        case _:
            return sum(all_of_it) / len(all_of_it)


def _rates(samples: Mapping[int, float], query: Query) -> dict[int, float]:
    """Increase per second over the pairs whose later sample lies in the cell; a fall begins anew."""
    increase: dict[int, float] = {}
    covered_ms: dict[int, int] = {}
    times = sorted(t for t in samples if query.start_ms - RATE_LOOKBACK_MS <= t < query.end_ms)
    for before, after in pairwise(times):
        if after < query.start_ms or samples[after] < samples[before]:
            continue
        cell = _cell(after, query)
        increase[cell] = increase.get(cell, 0.0) + samples[after] - samples[before]
        covered_ms[cell] = covered_ms.get(cell, 0) + after - before
    return {cell: increase[cell] * 1000 / covered_ms[cell] for cell in increase}
