"""psutil as the oracle: ours lies between two of its readings of this machine, or within a named tolerance.

One reading of ours is taken between two of psutil's; a counter must then lie between them, exactly.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

_core = pytest.importorskip("sysmon._core", reason="the native core is not built: pip install -e .")

pytestmark = pytest.mark.native

MIB = 1 << 20
# Other programs of this machine take and give back memory between the readings.
MEMORY_MOVES = 512 * MIB
DISK_MOVES = 512 * MIB
# psutil says one decimal of a percent.
ROUNDING = 0.051
# The kernel reckons idle and iowait anew when a CPU wakes; they are known to go back by a little.
IDLE_GOES_BACK_S = 0.1
PROCESSES_COME_AND_GO = 60

Tags = frozenset[tuple[str, str]]


@dataclass
class Readings:
    """What psutil said before and after, and what we said between."""

    before: dict[str, Any]
    ours: dict[tuple[str, Tags], float]
    after: dict[str, Any]

    def value(self, name: str, **tags: str) -> float:
        return self.ours[name, frozenset(tags.items())]

    def is_between(self, name: str, low: float, high: float, slack: float = 0, **tags: str) -> bool:
        return low - slack <= self.value(name, **tags) <= high + slack


def _psutil() -> dict[str, Any]:
    return {
        "cpu": psutil.cpu_times(percpu=True),
        "load": psutil.getloadavg(),
        "memory": psutil.virtual_memory(),
        "swap": psutil.swap_memory(),
        "disks": psutil.disk_io_counters(perdisk=True, nowrap=False),
        "interfaces": psutil.net_io_counters(pernic=True, nowrap=False),
        "links": psutil.net_if_stats(),
        "stats": psutil.cpu_stats(),
        "processes": len(psutil.pids()),
        "now": time.time(),
    }


@pytest.fixture(scope="module")
def readings() -> Readings:
    collector = _core.MetricsCollector(enable=["*"])
    collector.sample()
    before = _psutil()
    batch = collector.sample()
    after = _psutil()
    ours = {(name, frozenset(tags.items())): value for name, tags, value in batch.samples()}
    return Readings(before, ours, after)


def test_cpu_counts(readings: Readings) -> None:
    assert readings.value("cpu.logical_count") == psutil.cpu_count()
    if ("cpu.physical_count", frozenset()) in readings.ours:
        assert readings.value("cpu.physical_count") == psutil.cpu_count(logical=False)


@pytest.mark.parametrize(
    "mode", ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"]
)
def test_cpu_times(readings: Readings, mode: str) -> None:
    slack = (
        IDLE_GOES_BACK_S if mode in ("idle", "iowait") else 0.005
    )  # half a tick: a hundredth is no binary number
    for core, (before, after) in enumerate(zip(readings.before["cpu"], readings.after["cpu"], strict=True)):
        low, high = getattr(before, mode), getattr(after, mode)
        assert readings.is_between("cpu.time_seconds", low, high, slack, core=str(core), mode=mode)


def test_cpu_usage_is_that_of_the_times_between() -> None:
    # Over the same second: psutil's own formula on its own readings at both ends.
    collector = _core.MetricsCollector()
    first = psutil.cpu_times()
    collector.sample()
    time.sleep(1)  # a rate of the live machine needs time that passes
    batch = collector.sample()
    last = psutil.cpu_times()
    usage = {name: value for name, tags, value in batch.samples() if not tags}["cpu.total_usage"]
    total = sum(last[:8]) - sum(first[:8])
    idle = last.idle + last.iowait - first.idle - first.iowait
    # The readings are some milliseconds apart, and time is counted in hundredths of a second per CPU.
    assert usage == pytest.approx(100 * (1 - idle / total), abs=15)


@pytest.mark.parametrize(("position", "name"), list(enumerate(["load.avg1", "load.avg5", "load.avg15"])))
def test_load(readings: Readings, position: int, name: str) -> None:
    ends = readings.before["load"][position], readings.after["load"][position]
    # psutil's is not rounded to hundredths; the kernel adds 10/2048 and cuts off (fs/proc/loadavg.c).
    printed = [math.floor((end + 10 / 2048) * 100) / 100 for end in ends]
    assert readings.is_between(name, min(printed), max(printed), 1e-9)


@pytest.mark.parametrize("field", ["free", "available", "buffers"])
def test_memory(readings: Readings, field: str) -> None:
    theirs = getattr(readings.after["memory"], field)
    assert readings.value(f"memory.{field}_bytes") == pytest.approx(theirs, abs=MEMORY_MOVES)


def test_memory_total_and_what_is_made_from_it(readings: Readings) -> None:
    theirs = readings.after["memory"]
    assert readings.value("memory.total_bytes") == theirs.total
    # psutil's cached has the reclaimable slab in it, ours is the kernel's Cached.
    cached = readings.value("memory.cached_bytes") + readings.value("memory.slab_reclaimable_bytes")
    assert cached == pytest.approx(theirs.cached, abs=MEMORY_MOVES)
    assert readings.value("memory.shared_bytes") == pytest.approx(theirs.shared, abs=MEMORY_MOVES)
    if ("memory.arc_bytes", frozenset()) not in readings.ours:
        used = theirs.total - theirs.available
        assert readings.value("memory.used_bytes") == pytest.approx(used, abs=MEMORY_MOVES)
        share = 100 * MEMORY_MOVES / theirs.total
        assert readings.value("memory.usage_percent") == pytest.approx(theirs.percent, abs=share + ROUNDING)


def test_swap(readings: Readings) -> None:
    before, after = readings.before["swap"], readings.after["swap"]
    assert readings.value("swap.total_bytes") == after.total
    assert readings.value("swap.used_bytes") == pytest.approx(after.used, abs=MEMORY_MOVES)
    # psutil takes a page for 4 KiB.
    assert readings.is_between("swap.in_bytes", before.sin, after.sin)
    assert readings.is_between("swap.out_bytes", before.sout, after.sout)


@pytest.mark.parametrize(
    ("name", "field", "scale"),
    [
        ("diskio.read_bytes", "read_bytes", 1),
        ("diskio.write_bytes", "write_bytes", 1),
        ("diskio.reads", "read_count", 1),
        ("diskio.writes", "write_count", 1),
        ("diskio.reads_merged", "read_merged_count", 1),
        ("diskio.writes_merged", "write_merged_count", 1),
        ("diskio.read_time_seconds", "read_time", 1e-3),
        ("diskio.write_time_seconds", "write_time", 1e-3),
        ("diskio.io_time_seconds", "busy_time", 1e-3),
    ],
)
def test_diskio(readings: Readings, name: str, field: str, scale: float) -> None:
    devices = [dict(tags)["device"] for metric, tags in readings.ours if metric == name]
    for device in devices:
        low, high = (
            getattr(side["disks"][device], field) * scale for side in (readings.before, readings.after)
        )
        assert readings.is_between(name, low, high, 1e-6, device=device)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("network.bytes_sent", "bytes_sent"),
        ("network.bytes_recv", "bytes_recv"),
        ("network.packets_sent", "packets_sent"),
        ("network.packets_recv", "packets_recv"),
        ("network.errors_in", "errin"),
        ("network.errors_out", "errout"),
        ("network.drops_in", "dropin"),
        ("network.drops_out", "dropout"),
    ],
)
def test_network(readings: Readings, name: str, field: str) -> None:
    assert readings.before["interfaces"].keys() == {
        dict(tags)["interface"] for metric, tags in readings.ours if metric == name
    }
    for interface, before in readings.before["interfaces"].items():
        low, high = getattr(before, field), getattr(readings.after["interfaces"][interface], field)
        assert readings.is_between(name, low, high, interface=interface)


def test_network_links(readings: Readings) -> None:
    for interface, link in readings.after["links"].items():
        assert readings.value("network.mtu_bytes", interface=interface) == link.mtu
        assert readings.value("network.up", interface=interface) == link.isup
        if link.speed:  # Mbit/s; 0 where it has none
            assert readings.value("network.speed_bytes", interface=interface) == link.speed * 125_000


def test_kernel(readings: Readings) -> None:
    before, after = readings.before["stats"], readings.after["stats"]
    assert readings.is_between("kernel.context_switches", before.ctx_switches, after.ctx_switches)
    assert readings.is_between("kernel.interrupts", before.interrupts, after.interrupts)


def test_disk_space(readings: Readings) -> None:
    mounts = [dict(tags)["mountpoint"] for metric, tags in readings.ours if metric == "disk.total_bytes"]
    for mount in mounts:
        tags = next(
            dict(t) for m, t in readings.ours if m == "disk.total_bytes" and ("mountpoint", mount) in t
        )
        theirs = psutil.disk_usage(mount)
        assert readings.value("disk.total_bytes", **tags) == theirs.total
        assert readings.value("disk.used_bytes", **tags) == pytest.approx(theirs.used, abs=DISK_MOVES)
        assert readings.value("disk.available_bytes", **tags) == pytest.approx(theirs.free, abs=DISK_MOVES)
        usable = theirs.used + theirs.free
        slack = ROUNDING + 200 * DISK_MOVES / usable
        assert readings.value("disk.usage_percent", **tags) == pytest.approx(theirs.percent, abs=slack)


def test_processes(readings: Readings) -> None:
    ours = sum(value for (name, _), value in readings.ours.items() if name == "process.count")
    assert ours == pytest.approx(readings.after["processes"], abs=PROCESSES_COME_AND_GO)


def test_system_times(readings: Readings) -> None:
    assert readings.value("system.boot_time_seconds") == pytest.approx(psutil.boot_time(), abs=1)
    uptime = readings.after["now"] - psutil.boot_time()
    # btime is a whole second, and wall time may be set.
    assert readings.value("system.uptime_seconds") == pytest.approx(uptime, abs=5)


def test_the_process_itself(readings: Readings) -> None:
    rss = psutil.Process().memory_info().rss
    assert readings.value("agent.rss_bytes") == pytest.approx(rss, abs=32 * MIB)
