"""Twin machines of the demo with one thing wrong on one of them: that thing is ranked first."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from sysmon.aggregator.catalog import kind_of
from sysmon.aggregator.compare import _SIZES, comparable, rank
from sysmon.demo import make_lives
from sysmon.demo.series import fast_series, slow_series

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sysmon._core import TagPairs

TICK_S: Final = 10.0
TICKS: Final = 180
START: Final = 1_790_000_000.0

_Key = tuple[str, "TagPairs"]
_Found = dict[str, dict[_Key, list[float]]]


@pytest.fixture(scope="module")
def twins() -> _Found:
    """Half an hour of web01 and web02, every series of them, as the aggregator's grid would have it."""
    lives = [life for life in make_lives(4, 1, START + 86_400, START) if life.name.startswith("web")]
    found: _Found = {}
    for life in lives:
        rows = [*fast_series(life.hardware), *slow_series(life.hardware)]
        cells: list[list[float | None]] = [[] for _ in rows]
        for tick in range(1, TICKS + 1):
            machine = life.step(START + tick * TICK_S)
            for row, into in zip(rows, cells, strict=True):
                into.append(row.read(machine))
        found[life.name] = comparable(
            ((row.type, tuple(sorted(row.tags.items()))), _rates(row.type, into))
            for row, into in zip(rows, cells, strict=True)
        )
    return found


def _rates(metric: str, values: list[float | None]) -> list[float | None]:
    if kind_of(metric) != "counter":
        return values
    return [None if a is None or b is None else (b - a) / TICK_S for a, b in pairwise(values)]


def test_twins_hardly_differ(twins: _Found) -> None:
    assert [one.text for one in rank(twins) if one.effect > 3] == []


def _at(value: float) -> Callable[[float], float]:
    return lambda _: value


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor


def _plus(more: float) -> Callable[[float], float]:
    return lambda value: value + more


# What is wrong, and how its value shows it.
PLANTED: Final[Mapping[str, tuple[str, dict[str, str], Callable[[float], float]]]] = {
    "waits for its disk": ("cpu.iowait_percent", {}, _plus(29)),
    "its hypervisor steals": ("cpu.steal_percent", {}, _plus(18)),
    "interrupts eat a core": ("cpu.softirq_percent", {}, _plus(15)),
    "a loop in user code": ("cpu.user_percent", {}, _plus(55)),
    "all of it": ("cpu.total_usage", {}, _at(99)),
    "too many runnable": ("load.avg1", {}, _times(9)),
    "memory leaks": ("memory.usage_percent", {}, _plus(48)),
    "connections pile up": ("tcp.established", {}, _times(30)),
    "swaps": ("swap.usage_percent", {}, _plus(40)),
    "stalls on memory": ("pressure.memory_full_percent", {"window": "10s"}, _plus(22)),
    "stalls on io": ("pressure.io_some_percent", {"window": "10s"}, _plus(35)),
    "reads like mad": ("diskio.read_bytes", {}, _times(400)),
    "writes like mad": ("diskio.write_bytes", {}, _times(50)),
    "disk is slow": ("diskio.read_await_seconds", {}, _times(60)),
    "queue builds up": ("diskio.queue_depth", {}, _plus(30)),
    "disk is busy": ("diskio.utilization_percent", {}, _plus(90)),
    "filesystem is full": ("disk.usage_percent", {"mountpoint": "/"}, _at(97)),
    "inodes run out": ("disk.inodes_usage_percent", {"mountpoint": "/"}, _at(88)),
    "mounted read-only": ("disk.readonly", {"mountpoint": "/"}, _at(1)),
    "floods the network": ("network.bytes_sent", {}, _times(25)),
    "drops packets": ("network.drops_in", {}, _plus(140)),
    "retransmits": ("tcp.retransmits", {}, _plus(90)),
    "forks without end": ("kernel.forks", {}, _times(80)),
    "processes hang": ("kernel.procs_blocked", {}, _plus(24)),
    "threads leak": ("process.threads", {}, _times(20)),
}


@pytest.mark.parametrize("what", PLANTED)
@pytest.mark.parametrize("bigger", [False, True], ids=["twins", "bigger"])
def test_what_is_planted_leads(twins: _Found, what: str, *, bigger: bool) -> None:
    """Also where the other machine has four times the memory, ten times the network: sizes stand apart."""
    metric, tags, change = PLANTED[what]
    key = metric, tuple(sorted(tags.items()))
    first, second = twins
    assert key in twins[second], f"the demo's machines have no {key}"
    planted = {**twins[second], key: [change(value) for value in twins[second][key]]}
    if bigger:
        planted |= {one: [4 * v for v in values] for one, values in planted.items() if one[0] in _SIZES}
    ranked = [one for one in rank({first: twins[first], second: planted}) if one.type not in _SIZES]
    assert ranked, f"{what}: nothing found"
    assert (ranked[0].type, ranked[0].tags) == (metric, tags)
    assert ranked[0].text.startswith(second)
