"""The series of a virtual host: metric type, tags, and where its value lies in the machine.

The same names, tags and formulas as the native collectors' (a test holds them against the registry), in two
groups: what is read every tick, and what is read once a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sysmon.demo.machine import LOAD_WINDOWS, PRESSURE_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysmon.demo.machine import Filesystem, Hardware, Machine

COUNT = "%d"  # bytes, counters: whole numbers, as the kernel has them
RATIO = "%.2f"  # the agent rounds ratios to two decimals
FINE = "%.6g"


@dataclass(frozen=True)
class Series:
    """One series; `read` gives its value, None where the machine has none now."""

    type: str
    form: str
    read: Callable[[Machine], float | None]
    tags: dict[str, str] = field(default_factory=dict)


def fast_series(hardware: Hardware) -> list[Series]:
    """What is read every tick, in the order of the registry."""
    return [
        *_cpu(hardware),
        *_load(),
        *_pressure(),
        *_memory(hardware),
        *_diskio(hardware.disk),
        *_network(),
        *_tcp(),
        *_kernel(hardware),
        *_agent(),
    ]


def slow_series(hardware: Hardware) -> list[Series]:
    """What is read once a minute."""
    rows = [row for fs in hardware.filesystems for row in _filesystem(fs)]
    rows += [*_processes(), *_system(hardware)]
    return rows


def _cpu(hardware: Hardware) -> Iterator[Series]:
    yield Series("cpu.total_usage", RATIO, lambda m: m.total_usage)
    for core in range(hardware.cores):
        yield Series("cpu.core_usage", RATIO, lambda m, at=core: m.cores[at], {"core": str(core)})  # type: ignore[misc]
    yield Series("cpu.user_percent", RATIO, lambda m: m.now.user)
    yield Series("cpu.system_percent", RATIO, lambda m: m.now.system)
    yield Series("cpu.nice_percent", RATIO, lambda m: m.now.nice)
    yield Series("cpu.iowait_percent", RATIO, lambda m: m.now.iowait)
    yield Series("cpu.irq_percent", RATIO, lambda m: m.now.irq)
    yield Series("cpu.softirq_percent", RATIO, lambda m: m.now.softirq)
    yield Series("cpu.steal_percent", RATIO, lambda m: m.now.steal)
    yield Series("cpu.guest_percent", RATIO, lambda _: 0.0)
    yield Series("cpu.idle_percent", RATIO, lambda m: m.idle)
    yield Series("cpu.logical_count", COUNT, lambda m: m.hardware.cores)
    yield Series("cpu.physical_count", COUNT, lambda m: max(1, m.hardware.cores // 2))


def _load() -> Iterator[Series]:
    for at, window in enumerate(LOAD_WINDOWS):
        yield Series(f"load.avg{window / 60:.0f}", RATIO, lambda m, at=at: m.load[at])  # type: ignore[misc]


def _pressure() -> Iterator[Series]:
    for name, source in (
        ("cpu_some", "cpu"),
        ("cpu_full", "cpu_full"),
        ("memory_some", "memory"),
        ("memory_full", "memory_full"),
        ("io_some", "io"),
        ("io_full", "io_full"),
        ("irq_full", "irq_full"),
    ):
        for at, window in enumerate(PRESSURE_WINDOWS):
            yield Series(
                f"pressure.{name}_percent",
                RATIO,
                lambda m, source=source, at=at: m.pressure[source][at],  # type: ignore[misc]
                {"window": f"{window:.0f}s"},
            )


def _memory(hardware: Hardware) -> Iterator[Series]:
    yield Series("memory.total_bytes", COUNT, lambda m: m.hardware.memory)
    yield Series("memory.available_bytes", COUNT, lambda m: m.available)
    yield Series("memory.used_bytes", COUNT, lambda m: m.used)
    yield Series("memory.free_bytes", COUNT, lambda m: m.free)
    yield Series("memory.cached_bytes", COUNT, lambda m: m.cached)
    yield Series("memory.buffers_bytes", COUNT, lambda m: m.buffers)
    yield Series("memory.usage_percent", RATIO, lambda m: 100.0 * m.used / m.hardware.memory)
    yield Series("memory.oom_kills", COUNT, lambda m: m.oom_kills)
    yield Series("swap.total_bytes", COUNT, lambda m: m.hardware.swap)
    yield Series("swap.used_bytes", COUNT, lambda m: m.swap_used)
    if hardware.swap:
        yield Series("swap.usage_percent", RATIO, lambda m: 100.0 * m.swap_used / m.hardware.swap)
    yield Series("swap.in_bytes", COUNT, lambda m: m.swap_in)
    yield Series("swap.out_bytes", COUNT, lambda m: m.swap_out)


def _diskio(device: str) -> Iterator[Series]:
    tags = {"device": device}
    yield Series("diskio.read_bytes", COUNT, lambda m: m.read_bytes, tags)
    yield Series("diskio.write_bytes", COUNT, lambda m: m.write_bytes, tags)
    yield Series("diskio.reads", COUNT, lambda m: m.reads, tags)
    yield Series("diskio.writes", COUNT, lambda m: m.writes, tags)
    yield Series("diskio.reads_merged", COUNT, lambda m: m.reads * 0.03, tags)
    yield Series("diskio.writes_merged", COUNT, lambda m: m.writes * 0.4, tags)
    yield Series("diskio.utilization_percent", RATIO, lambda m: m.utilization, tags)
    yield Series("diskio.read_await_seconds", FINE, lambda m: m.now.read_await, tags)
    yield Series("diskio.write_await_seconds", FINE, lambda m: m.now.write_await, tags)
    yield Series("diskio.queue_depth", RATIO, lambda m: m.queue_depth, tags)


def _network() -> Iterator[Series]:
    tags = {"interface": "eth0"}
    yield Series("network.bytes_sent", COUNT, lambda m: m.sent, tags)
    yield Series("network.bytes_recv", COUNT, lambda m: m.received, tags)
    yield Series("network.packets_sent", COUNT, lambda m: m.segments_out * 1.02, tags)
    yield Series("network.packets_recv", COUNT, lambda m: m.segments_in * 1.02, tags)
    for name in ("errors_out", "errors_in", "drops_out", "drops_in"):
        yield Series(f"network.{name}", COUNT, lambda _: 0, tags)
    yield Series("network.up", COUNT, lambda _: 1, tags)
    yield Series("network.speed_bytes", COUNT, lambda m: m.hardware.nic_bytes_per_second, tags)
    yield Series("network.mtu_bytes", COUNT, lambda _: 1500, tags)
    yield Series("network.carrier_changes", COUNT, lambda _: 2, tags)


def _tcp() -> Iterator[Series]:
    yield Series("tcp.established", COUNT, lambda m: m.now.connections)
    for state, share in (("in_use", 1.0), ("orphan", 0.002), ("time_wait", 0.6), ("allocated", 1.1)):
        yield Series("tcp.sockets", COUNT, _sockets(share), {"state": state})
    yield Series("tcp.retransmits", COUNT, lambda m: m.retransmits)
    yield Series("tcp.segments_out", COUNT, lambda m: m.segments_out)
    yield Series("tcp.segments_in", COUNT, lambda m: m.segments_in)
    yield Series("tcp.listen_overflows", COUNT, lambda m: m.listen_drops * 0.9)
    yield Series("tcp.listen_drops", COUNT, lambda m: m.listen_drops)
    yield Series("tcp.timeouts", COUNT, lambda m: m.timeouts)
    yield Series("tcp.resets_out", COUNT, lambda m: m.resets)
    yield Series("tcp.in_errors", COUNT, lambda _: 0)
    yield Series("tcp.syncookies_sent", COUNT, lambda _: 0)


def _sockets(share: float) -> Callable[[Machine], float]:
    return lambda m: 12 + share * m.now.connections


def _kernel(hardware: Hardware) -> Iterator[Series]:
    limit = hardware.memory // 10240  # the kernel's own default: a tenth of memory, 1 KiB a file
    yield Series("kernel.context_switches", COUNT, lambda m: m.switches)
    yield Series("kernel.interrupts", COUNT, lambda m: m.interrupts)
    yield Series("kernel.forks", COUNT, lambda m: m.forks)
    yield Series("kernel.procs_running", COUNT, lambda m: 1 + m.running)
    yield Series("kernel.procs_blocked", COUNT, lambda m: m.blocked)
    yield Series("kernel.fd_allocated", COUNT, lambda m: m.now.connections * 2 + m.now.tasks * 9)
    yield Series("kernel.fd_limit", COUNT, lambda _: limit)
    yield Series("kernel.entropy_bits", COUNT, lambda _: 256)


def _agent() -> Iterator[Series]:
    yield Series("agent.cpu_percent", RATIO, lambda _: 0.02)
    yield Series("agent.rss_bytes", COUNT, lambda _: 12_300_288)
    yield Series("agent.samples_collected", COUNT, lambda m: m.samples)
    yield Series("agent.samples_acked", COUNT, lambda m: m.samples)
    yield Series("agent.send_failures", COUNT, lambda _: 0)


def _filesystem(fs: Filesystem) -> Iterator[Series]:
    tags = {"mountpoint": fs.mountpoint, "device": fs.device, "fstype": fs.fstype}
    reserved = int(fs.total * 0.05) if fs.fstype == "ext4" else 0
    at = fs.mountpoint

    def available(machine: Machine) -> float:
        return max(0.0, fs.total - machine.disk_used[at] - reserved)

    def usage(machine: Machine) -> float:
        used = machine.disk_used[at]
        return 100.0 * used / (used + available(machine))

    yield Series("disk.total_bytes", COUNT, lambda _: fs.total, tags)
    yield Series("disk.used_bytes", COUNT, lambda m: m.disk_used[at], tags)
    yield Series("disk.free_bytes", COUNT, lambda m: fs.total - m.disk_used[at], tags)
    yield Series("disk.available_bytes", COUNT, available, tags)
    yield Series("disk.usage_percent", RATIO, usage, tags)
    yield Series("disk.inodes_total", COUNT, lambda _: fs.inodes, tags)
    yield Series("disk.inodes_used", COUNT, lambda m: m.inodes_used[at], tags)
    yield Series("disk.inodes_usage_percent", RATIO, lambda m: 100.0 * m.inodes_used[at] / fs.inodes, tags)
    yield Series("disk.readonly", COUNT, lambda _: 0, tags)


def _processes() -> Iterator[Series]:
    yield Series("process.count", COUNT, lambda m: 1 + m.running, {"state": "running"})
    yield Series("process.count", COUNT, lambda m: m.now.tasks - m.running - m.blocked, {"state": "sleeping"})
    yield Series("process.count", COUNT, lambda m: m.blocked, {"state": "disk_sleep"})
    yield Series("process.threads", COUNT, lambda m: m.now.threads)
    yield Series("process.pid_limit", COUNT, lambda _: 4_194_304)
    yield Series("process.thread_limit", COUNT, lambda m: m.hardware.memory // (128 << 10))


def _system(hardware: Hardware) -> Iterator[Series]:
    for state, count in (("active", 96), ("inactive", 41), ("failed", 0)):
        yield Series("systemd.units", COUNT, lambda _, count=count: count, {"state": state})  # type: ignore[misc]
    yield Series("time.offset_seconds", FINE, lambda m: 0.0002 * (m.now.switches % 7 - 3))
    yield Series("time.max_error_seconds", FINE, lambda _: 0.012)
    yield Series("time.synchronized", COUNT, lambda _: 1)
    if hardware.has_sensor:
        for sensor, above in (("Tctl", 0.0), ("Tccd1", -3.0)):
            yield Series(
                "sensor.temperature_celsius",
                RATIO,
                lambda m, above=above: 41.0 + 0.38 * m.total_usage + above,  # type: ignore[misc]
                {"chip": "k10temp", "sensor": sensor},
            )
    yield Series("system.uptime_seconds", COUNT, lambda m: m.time - m.boot)
    yield Series("system.boot_time_seconds", COUNT, lambda m: m.boot)
    yield Series("system.users", COUNT, lambda _: 1)
    yield Series("system.reboot_required", COUNT, lambda _: 0)
    about = {"os": hardware.os, "kernel": hardware.kernel, "arch": "x86_64", "model": "Virtual Machine"}
    yield Series("system.info", COUNT, lambda _: 1, about)
