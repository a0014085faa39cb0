"""What differs between hosts: every metric they share, ranked by how unusual the difference is.

The effect is robust: the difference of the medians over the spread that is usual (median absolute deviation),
with a floor by unit, so that a constant does not make a hair's breadth a sensation.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sysmon.aggregator.api_types import CompareAnswer, Difference, FactDifference
from sysmon.aggregator.catalog import kind_of, unit_of
from sysmon.aggregator.fact_changes import flat_facts
from sysmon.aggregator.live import seconds
from sysmon.aggregator.storage import Query
from sysmon.format import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sysmon._core import Columns, TagPairs
    from sysmon.aggregator.service import Aggregator
    from sysmon.aggregator.storage import Host

_CELLS: Final = 240
_MIN_STEP_MS: Final = 10_000
_MIN_EFFECT: Final = 1.0
_MAX_DIFFERENCES: Final = 50
_DEFAULT_INTERVAL_MS: Final = 10_000

# The least spread that counts, in the unit; elsewhere a tenth of the larger value.
_FLOOR: Final[Mapping[str, float]] = {"percent": 2.0, "celsius": 2.0, "boolean": 0.5}
_RELATIVE_FLOOR: Final = 0.1
_LEAST_FLOOR: Final[Mapping[str, float]] = {"bytes": 65_536, "seconds": 0.001}
# Devices are named differently on every machine: their series are folded into one before they are compared.
_FOLDED_TAGS: Final = frozenset(
    {"interface", "device", "core", "chip", "sensor", "fstype", "model", "serial", "array"}
)
_MAX_UNITS: Final = frozenset({"percent", "celsius", "seconds", "boolean"})
# True of every two machines, and of no interest.
_IGNORED: Final = (
    "agent.",
    "system.uptime_seconds",
    "system.boot_time_seconds",
    "cpu.idle_percent",
    "system.info",
    # Said a second time: the same stall in seconds, the same load more slowly.
    "pressure.cpu_some_seconds",
    "pressure.memory_some_seconds",
    "pressure.memory_full_seconds",
    "pressure.io_some_seconds",
    "pressure.io_full_seconds",
    "pressure.irq_full_seconds",
    "load.avg5",
    "load.avg15",
)
_RESTATED_TAGS: Final = frozenset({("window", "60s"), ("window", "300s")})
# How big a machine is, not how it does: a faster network card is a fact beside the kernel's version.
_SIZES: Final = frozenset(
    {
        "conntrack.limit",
        "cpu.logical_count",
        "cpu.physical_count",
        "disk.inodes_total",
        "disk.total_bytes",
        "kernel.fd_limit",
        "memory.arc_min_bytes",
        "memory.commit_limit_bytes",
        "memory.hugepages_total_bytes",
        "memory.total_bytes",
        "network.mtu_bytes",
        "network.speed_bytes",
        "process.pid_limit",
        "process.thread_limit",
        "sensor.temperature_critical_celsius",
        "swap.total_bytes",
    }
)

_Key = tuple[str, "TagPairs"]


def compare_hosts(service: Aggregator, hosts: Sequence[Host], start_ms: int, end_ms: int) -> CompareAnswer:
    """Everything in which the hosts differ within [start, end)."""
    step_ms = max(_MIN_STEP_MS, -(-(end_ms - start_ms) // _CELLS))
    found: dict[str, dict[_Key, list[float]]] = {}
    missing: dict[str, float | None] = {}
    for host in hosts:
        query = Query(
            host_ids=[host.host_id],
            start_ms=start_ms - start_ms % step_ms,
            end_ms=end_ms + -end_ms % step_ms,
            step_ms=step_ms,
        )
        columns = service.storage.query(query).columns
        missing[host.hostname] = _missing(service, host, columns, start_ms, end_ms)
        found[host.hostname] = _values(columns)
    ranked = rank(found)
    return CompareAnswer(
        hosts=[host.hostname for host in hosts],
        start=start_ms / 1000,
        end=end_ms / 1000,
        differs=[one for one in ranked if one.type not in _SIZES][:_MAX_DIFFERENCES],
        sizes=[one for one in ranked if one.type in _SIZES],
        facts=_fact_differences(service, hosts),
        missing=missing,
        clock_offset={host.hostname: seconds(host.clock_offset_ms) for host in hosts},
    )


def _values(grid: Columns) -> dict[_Key, list[float]]:
    """One list of values per comparable series of a grid on which counters are rates."""
    return comparable(
        (
            grid.key(i),
            [value if here else None for value, here in zip(grid.values(i), grid.present(i), strict=True)],
        )
        for i in range(len(grid))
    )


def comparable(series: Iterable[tuple[_Key, Sequence[float | None]]]) -> dict[_Key, list[float]]:
    """Values by what can be compared between machines: devices are folded into one, restatements left out.

    Args:
        series: (type, tags) and its cells in order of time, None where nothing was sent.
    """
    cells: dict[_Key, dict[int, float]] = {}
    for (metric, pairs), values in series:
        if metric.startswith(_IGNORED) or ("interface", "lo") in pairs or _RESTATED_TAGS.intersection(pairs):
            continue
        key = metric, folded_tags(pairs)
        fold = max if unit_of(metric) in _MAX_UNITS else float.__add__
        into = cells.setdefault(key, {})
        for cell, value in enumerate(values):
            if value is not None:
                into[cell] = fold(into[cell], value) if cell in into else value
    return {key: list(into.values()) for key, into in cells.items() if into}


def folded_tags(pairs: TagPairs) -> TagPairs:
    """The tags that mean the same on every machine: a file system is its mount point, not its device."""
    return tuple(pair for pair in pairs if pair[0] not in _FOLDED_TAGS)


def rank(found: Mapping[str, Mapping[_Key, Sequence[float]]]) -> list[Difference]:
    """Differences of the series at least two hosts have, greatest effect first.

    Args:
        found: values by series, by host.
    """
    keys = {key for series in found.values() for key in series}
    differences = []
    for metric, pairs in keys:
        values = {host: series[metric, pairs] for host, series in found.items() if (metric, pairs) in series}
        if len(values) < 2:
            continue
        medians = {host: median(samples) for host, samples in values.items()}
        unit = unit_of(metric)
        effect = effect_size(unit, medians, values)
        if effect >= _MIN_EFFECT:
            text = sentence(metric, pairs, medians)
            rounded = {host: round(value, 4) for host, value in medians.items()}
            kind = kind_of(metric)
            differences.append(Difference(metric, dict(pairs), unit, kind, rounded, round(effect, 2), text))
    differences.sort(
        key=lambda difference: (-difference.effect, difference.type, sorted(difference.tags.items()))
    )
    return differences


def effect_size(unit: str, medians: Mapping[str, float], values: Mapping[str, Sequence[float]]) -> float:
    """|difference of the outermost medians| over the mean of the hosts' MADs, floored by the unit."""
    span = max(medians.values()) - min(medians.values())
    spread = sum(median(abs(v - medians[host]) for v in samples) for host, samples in values.items()) / len(
        values
    )
    largest = max(abs(value) for value in medians.values())
    floor = _FLOOR.get(unit) or max(_RELATIVE_FLOOR * largest, _LEAST_FLOOR.get(unit, 0.5))
    return span / max(spread, floor)


def sentence(metric: str, pairs: TagPairs, medians: Mapping[str, float]) -> str:
    """`db1 iowait 31 % vs 2 %`; with more than two hosts the others follow by name."""
    unit, rate = unit_of(metric), kind_of(metric) == "counter"
    told = {host: quantity(value, unit, rate=rate) for host, value in medians.items()}
    first, *rest = sorted(medians, key=lambda host: (-medians[host], host))
    others = [told[rest[0]]] if len(rest) == 1 else [f"{host} {told[host]}" for host in rest]
    return f"{first} {_label(metric, pairs)} {told[first]} vs {', '.join(others)}"


def _label(metric: str, pairs: TagPairs) -> str:
    family, _, name = metric.partition(".")
    for suffix in ("_percent", "_bytes", "_seconds", "_celsius", "_hertz", "_watts"):
        name = name.removesuffix(suffix)
    words = name.replace("_", " ")
    label = words if family == "cpu" and words != "total usage" else f"{family} {words}"
    tags = " ".join(value for _, value in pairs)
    return f"{label} {tags}" if tags else label


def _missing(service: Aggregator, host: Host, grid: Columns, start_ms: int, end_ms: int) -> float | None:
    """The share of the host's time of which nothing is here, 0 to 1; None if it was not known then."""
    heard: set[int] = set()
    cells: Sequence[int] = ()
    for i in range(len(grid)):
        cells = grid.times(i)
        heard.update(time for time, present in zip(cells, grid.present(i), strict=True) if present)
    if len(cells) < 2:
        return None
    step_ms = max(cells[1] - cells[0], host.interval_ms or _DEFAULT_INTERVAL_MS)
    known_ms = min([host.first_seen_ms or end_ms, *heard])  # history may be filled in after first contact
    start_ms, end_ms = max(start_ms, known_ms), min(end_ms, service.now_ms())
    expected = {time_ms // step_ms for time_ms in range(start_ms, end_ms - step_ms + 1, step_ms)}
    if not expected:
        return None
    found = {time_ms // step_ms for time_ms in heard}
    return round(len(expected - found) / len(expected), 4)


def _fact_differences(service: Aggregator, hosts: Sequence[Host]) -> list[FactDifference]:
    facts: dict[str, dict[str, Any]] = {}
    for host in hosts:
        stored = service.storage.document(host.host_id, "facts")
        told = msgspec.json.decode(stored[1]) if stored else {}
        told["tags"] = host.all_tags
        if host.version is not None:
            told["agent_version"] = host.version
        facts[host.hostname] = flat_facts(told)
    found = []
    for name in sorted({name for told in facts.values() for name in told}):
        values = {host: told.get(name) for host, told in facts.items()}
        if len({msgspec.json.encode(value) for value in values.values()}) > 1:
            found.append(FactDifference(name, values))
    return found
