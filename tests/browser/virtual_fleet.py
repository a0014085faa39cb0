"""Hosts for the dashboard's tests: what their agents would push, as a function of time alone.

Nothing is random, so that a screenshot made today shows the same curves as one made tomorrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

GIB = 2**30
INTERVAL_S = 10

Metric = dict[str, Any]


@dataclass(frozen=True)
class VirtualHost:
    """One machine: how busy, how full, and what is wrong with it."""

    name: str
    tags: dict[str, str]
    kernel: str
    cores: int
    memory_gib: int
    cpu: float  # its usual CPU in percent
    memory: float  # its usual memory in percent
    disk: float  # how full / is, in percent
    traffic: float  # its usual network traffic in MiB/s
    iowait: float = 0.4
    phase: float = 0.0
    silent: tuple[float, float] | None = None  # seconds before now: (began, ended)
    extra_mounts: dict[str, float] = field(default_factory=dict)

    def wave(self, time_s: float, period_s: float, shift: float = 0.0) -> float:
        """Between -1 and 1, a curve of its own for each host."""
        angle = time_s / period_s * 2 * math.pi + self.phase + shift
        return (
            0.6 * math.sin(angle)
            + 0.28 * math.sin(2.7 * angle + 1)
            + 0.12 * math.sin(9.1 * angle + self.phase)
        )

    def metrics(self, time_s: float) -> list[Metric]:
        """Everything that the agent would send at this time."""
        busy = max(0.5, self.cpu * (1 + 0.35 * self.wave(time_s, 1500) + 0.12 * self.wave(time_s, 95)))
        iowait = max(0.0, self.iowait * (1 + 0.1 * self.wave(time_s, 240, 2)))
        return [
            *self._cpu(min(busy, 99.0), iowait),
            *self._memory(time_s),
            *self._disks(time_s),
            *self._network(time_s),
            *self._pressure(busy, iowait, time_s),
            _metric("system.uptime_seconds", 86_400 * (9 + 4 * self.phase) + time_s % 86_400),
            _metric(
                "sensor.temperature_celsius", round(44 + busy / 4, 1), chip="coretemp", sensor="Package id 0"
            ),
            _metric("systemd.units", 0, state="failed"),
        ]

    def _cpu(self, busy: float, iowait: float) -> list[Metric]:
        modes = {"user": 0.68 * busy, "system": 0.24 * busy, "softirq": 0.06 * busy, "nice": 0.02 * busy}
        modes |= {"irq": 0.0, "steal": 0.0, "guest": 0.0, "iowait": iowait}
        modes["idle"] = max(0.0, 100 - busy - iowait)
        return [
            _metric("cpu.total_usage", round(busy, 2)),
            *(_metric(f"cpu.{mode}_percent", round(share, 2)) for mode, share in modes.items()),
            _metric("cpu.logical_count", self.cores),
            *(_metric(f"load.avg{n}", round(self.cores * (busy + iowait) / 100 * f, 2)) for n, f in _LOADS),
        ]

    def _memory(self, time_s: float) -> list[Metric]:
        total = self.memory_gib * GIB
        used = int(total * self.memory / 100 * (1 + 0.06 * self.wave(time_s, 2700)))
        free = int((total - used) * 0.22)
        return [
            _metric("memory.total_bytes", total),
            _metric("memory.used_bytes", used),
            _metric("memory.available_bytes", total - used),
            _metric("memory.free_bytes", free),
            _metric("memory.cached_bytes", total - used - free),
            _metric("memory.usage_percent", round(100 * used / total, 2)),
        ]

    def _disks(self, time_s: float) -> list[Metric]:
        busy = self.iowait / 4  # MiB/s beyond the ordinary
        read, written = (self._counter(time_s, rate * 2**20) for rate in (0.4 + busy, 1.1 + 1.4 * busy))
        found = [
            _metric("diskio.read_bytes", read, device="nvme0n1"),
            _metric("diskio.write_bytes", written, device="nvme0n1"),
        ]
        for mountpoint, share in {"/": self.disk, **self.extra_mounts}.items():
            tags = {"mountpoint": mountpoint, "device": "nvme0n1p2", "fstype": "ext4"}
            total = 240 * GIB
            used = int(total * share / 100)
            found += [
                _metric("disk.total_bytes", total, **tags),
                _metric("disk.used_bytes", used, **tags),
                _metric("disk.available_bytes", total - used, **tags),
                _metric("disk.usage_percent", share, **tags),
                _metric("disk.inodes_usage_percent", round(share / 5, 1), **tags),
            ]
        return found

    def _network(self, time_s: float) -> list[Metric]:
        rate = self.traffic * 2**20
        return [
            _metric("network.bytes_recv", self._counter(time_s, rate), interface="eth0"),
            _metric("network.bytes_sent", self._counter(time_s, 0.62 * rate), interface="eth0"),
            _metric("network.bytes_recv", self._counter(time_s, 9 * 2**20), interface="lo"),
            _metric("network.bytes_sent", self._counter(time_s, 9 * 2**20), interface="lo"),
        ]

    def _counter(self, time_s: float, rate: float) -> int:
        """A counter whose rate swings around `rate`: the integral of a wave that stays positive."""
        period = 600 / (2 * math.pi)
        return int(rate * (time_s % 10_000_000 - 0.55 * period * math.cos(time_s / period + self.phase)))

    def _pressure(self, busy: float, iowait: float, time_s: float) -> list[Metric]:
        cpu = max(0.0, (busy - 30) / 6 + 0.6 * self.wave(time_s, 180))
        io = max(0.0, iowait * 0.9)
        shares = {"cpu_some": cpu, "memory_some": 0.0, "memory_full": 0.0, "io_some": io, "io_full": 0.7 * io}
        return [
            _metric(f"pressure.{name}_percent", round(share, 2), window="10s")
            for name, share in shares.items()
        ]

    def facts(self) -> dict[str, Any]:
        return {
            "os": "Debian GNU/Linux 12 (bookworm)",
            "kernel": self.kernel,
            "cores": self.cores,
            "memory_bytes": self.memory_gib * GIB,
        }


_LOADS = ((1, 1.0), (5, 0.94), (15, 0.9))


def _metric(kind: str, value: float, **tags: str) -> Metric:
    return {"type": kind, "value": value, "tags": tags} if tags else {"type": kind, "value": value}


def push(host: VirtualHost, time_s: float, *, metrics: list[Metric] | None = None) -> dict[str, Any]:
    """One push as an agent makes it."""
    return {
        "hostname": host.name,
        "version": "1.0.0",
        "tags": host.tags,
        "timestamp": time_s,
        "interval": INTERVAL_S,
        "facts": host.facts(),
        "metrics": host.metrics(time_s) if metrics is None else metrics,
    }


def history(host: VirtualHost, start_s: float, end_s: float) -> list[dict[str, Any]]:
    """Pushes for every tick after `start_s` up to `end_s`, as many in each as a push may hold."""
    ticks_per_push = 20
    first_tick, last_tick = (int(time_s // INTERVAL_S) for time_s in (start_s, end_s))
    times = [float(tick * INTERVAL_S) for tick in range(first_tick + 1, last_tick + 1)]
    if host.silent:
        began, ended = host.silent
        times = [t for t in times if not end_s - began < t < end_s - ended]
    pushes = []
    for first in range(0, len(times), ticks_per_push):
        ticks = times[first : first + ticks_per_push]
        metrics = [{**metric, "timestamp": t} for t in ticks for metric in host.metrics(t)]
        pushes.append(push(host, ticks[-1], metrics=metrics))
    return pushes


WEB = VirtualHost(
    name="web01",
    tags={"role": "web-server", "datacenter": "us-east-1"},
    kernel="6.1.0-28-amd64",
    cores=4,
    memory_gib=16,
    cpu=24,
    memory=46,
    disk=41.7,
    traffic=2.1,
    phase=0.3,
    silent=(1500, 1080),
)
# The planted difference: its disk is slow.
DATABASE = VirtualHost(
    name="db01",
    tags={"role": "database", "datacenter": "us-east-1"},
    kernel="6.8.0-50-amd64",
    cores=8,
    memory_gib=64,
    cpu=27,
    memory=58,
    disk=58.2,
    traffic=1.6,
    iowait=31.0,
    phase=1.1,
    extra_mounts={"/var/lib/postgresql": 83.5},
)
CACHE = VirtualHost(
    name="cache",
    tags={"role": "cache", "datacenter": "eu-west-1"},
    kernel="6.1.0-28-amd64",
    cores=2,
    memory_gib=32,
    cpu=12,
    memory=88,
    disk=12.4,
    traffic=5.3,
    phase=2.0,
)
BUILD = VirtualHost(
    name="build-07",
    tags={"role": "ci", "datacenter": "eu-west-1"},
    kernel="6.1.0-28-amd64",
    cores=16,
    memory_gib=64,
    cpu=86,
    memory=37,
    disk=66.0,
    traffic=0.9,
    phase=2.9,
)
FLEET = (WEB, DATABASE, CACHE, BUILD)
