"""What the cells of rolled-up days must say, computed from the samples that were sent."""

from __future__ import annotations

import struct
from itertools import compress
from math import fsum, isclose
from typing import TYPE_CHECKING

from faults.oracle import BrokenError
from faults.workload import DAY_MS, FIVE_MINUTES_AGE_MS, HOUR_MS
from sysmon.aggregator.storage import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faults.oracle import Series, Truth
    from sysmon._core import Agg
    from sysmon.aggregator.storage import Storage

# One gauge for each way to be wrong: a sample that counts twice moves the sum, one that is lost the extremes.
_FOLDS: tuple[tuple[str, Agg, Callable[[Sequence[float]], float]], ...] = (
    ("cpu.total_usage", "sum", fsum),
    ("cpu.total_usage", "min", min),
    ("cpu.total_usage", "max", max),
    ("disk.read_bytes", "last", lambda values: values[-1]),
)


def check_cells(storage: Storage, truth: Truth, now_ms: int) -> None:
    """Raises BrokenError where a tier says something else than the samples it was made of."""
    ages = {300_000: FIVE_MINUTES_AGE_MS, HOUR_MS: now_ms}
    hosts = {host.hostname: host.host_id for host, _ in list(storage.load())}
    for hostname, host in truth.hosts.items():
        times = [time_ms for values in host.samples.values() for time_ms in values]
        if not times:
            continue
        for step_ms, age_ms in ages.items():
            from_ms = max(min(times), now_ms - age_ms + DAY_MS) // DAY_MS * DAY_MS
            if from_ms > max(times):  # all of it is older than the tier keeps
                continue
            for metric, agg, fold in _FOLDS:
                question = Query(
                    host_ids=[hosts[hostname]],
                    start_ms=from_ms,
                    end_ms=(max(times) // DAY_MS + 1) * DAY_MS,
                    types=[metric],
                    step_ms=step_ms,
                    agg=agg,
                )
                found = dict(_answered(storage, question))
                expected = dict(_expected(host.samples, metric, from_ms, step_ms, fold))
                _compare(f"{hostname} {metric} {agg} by {step_ms} ms", found, expected)


Cell = tuple["Series", int]


def _answered(storage: Storage, question: Query) -> Iterator[tuple[Cell, float]]:
    columns = storage.query(question).columns
    for i in range(len(columns)):
        series, times, values = columns.key(i), columns.times(i), columns.values(i)
        for cell in compress(range(len(times)), columns.present(i)):
            yield (series, times[cell]), values[cell]


def _expected(
    samples: dict[Series, dict[int, bytes]],
    metric: str,
    from_ms: int,
    step_ms: int,
    fold: Callable[[Sequence[float]], float],
) -> Iterator[tuple[Cell, float]]:
    for series, stored in samples.items():
        cells: dict[int, list[float]] = {}
        for time_ms, value in sorted(stored.items()):
            if series[0] == metric and time_ms >= from_ms:
                cells.setdefault(time_ms // step_ms * step_ms, []).append(struct.unpack("<d", value)[0])
        yield from (((series, time_ms), fold(values)) for time_ms, values in cells.items())


def _compare(what: str, found: dict[Cell, float], expected: dict[Cell, float]) -> None:
    if missing := expected.keys() - found.keys():
        raise BrokenError("acked_lost", f"{what}: no cell {min(missing)}")
    if extra := found.keys() - expected.keys():
        raise BrokenError("torn", f"{what}: a cell {min(extra)} of nothing")
    for cell, value in expected.items():
        if not isclose(found[cell], value, rel_tol=1e-12):
            raise BrokenError("duplicates", f"{what}: cell {cell} is {found[cell]}, not {value}")
