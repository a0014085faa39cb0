"""A virtual machine's kernel: turns what a host does in one tick into what the kernel would have counted.

All values hang together as on a real machine: modes add up to 100, cores average to the total, counters grow
by their rates, queue depth is operations × await (Little's law), load and pressure are the kernel's own
moving averages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
LOAD_WINDOWS = (60.0, 300.0, 900.0)
PRESSURE_WINDOWS = (10.0, 60.0, 300.0)
STALLS = ("cpu", "cpu_full", "memory", "memory_full", "io", "io_full", "irq_full")
SEGMENT_BYTES = 900.0  # of an average packet


@dataclass(frozen=True)
class Filesystem:
    """A mounted filesystem as it is when history begins."""

    mountpoint: str
    device: str
    fstype: str
    total: int
    used: float
    inodes: int
    inodes_used: float


@dataclass(frozen=True)
class Hardware:
    """What a virtual host is made of."""

    cores: int
    memory: int
    swap: int
    disk: str
    filesystems: tuple[Filesystem, ...]
    nic_bytes_per_second: int
    os: str
    kernel: str
    cpu_model: str
    has_sensor: bool = False


@dataclass
class Activity:
    """What a host does during one tick. Percentages are of all cores together, rates per second."""

    user: float = 1.0
    system: float = 0.6
    nice: float = 0.0
    iowait: float = 0.05
    irq: float = 0.02
    softirq: float = 0.05
    steal: float = 0.1
    app_bytes: float = 0.0
    cached_bytes: float = 0.0
    memory_stall: float = 0.0  # percent of the time in which some task waits for memory
    swap_out: float = 0.0  # bytes a second
    swap_in: float = 0.0
    oom_kills: int = 0
    reads: float = 0.0
    writes: float = 2.0
    read_bytes: float = 0.0
    write_bytes: float = 40e3
    read_await: float = 0.0008
    write_await: float = 0.0015
    growth: dict[str, float] = field(default_factory=dict)  # mountpoint → bytes a second
    received: float = 2e3
    sent: float = 2e3
    connections: float = 8.0
    retransmit_ratio: float = 0.0002
    listen_drops: float = 0.0
    switches: float = 900.0
    forks: float = 0.4
    tasks: int = 140
    threads: int = 310


class Machine:
    """The state that an agent would read. `step` moves it by one tick."""

    def __init__(self, hardware: Hardware, boot: float, begin: float) -> None:
        self.hardware = hardware
        self.boot = boot
        self.time = begin
        self.now = Activity()
        up = begin - boot
        self.load = [0.3, 0.3, 0.3]
        self.pressure = {name: [0.0, 0.0, 0.0] for name in STALLS}
        self.idle = 100.0
        self.cores = [0.0] * hardware.cores
        self.free = self.available = self.cached = self.used = 0
        self.buffers = 180 * MIB
        self.swap_used = 0.02 * hardware.swap
        self.disk_used = {fs.mountpoint: fs.used for fs in hardware.filesystems}
        self.inodes_used = {fs.mountpoint: fs.inodes_used for fs in hardware.filesystems}
        # Counters since boot, as if the machine had always lived at a quiet pace.
        self.oom_kills = 0
        self.swap_out = self.swap_in = 0.0
        self.read_bytes, self.write_bytes = up * 50e3, up * 90e3
        self.reads, self.writes = up * 2.0, up * 6.0
        self.received, self.sent = up * 200e3, up * 400e3
        self.segments_in, self.segments_out = up * 260.0, up * 480.0
        self.retransmits, self.timeouts, self.resets = up * 0.05, up * 0.01, up * 0.02
        self.listen_drops = 0.0
        self.switches, self.interrupts, self.forks = up * 2500.0, up * 1400.0, up * 0.6
        self.samples = 0

    @property
    def total_usage(self) -> float:
        return 100.0 - self.idle - self.now.iowait

    @property
    def utilization(self) -> float:
        """Percent of the tick in which the disk had at least one command to serve."""
        return 100.0 * (1.0 - math.exp(-self.queue_depth))

    @property
    def queue_depth(self) -> float:
        now = self.now
        return now.reads * now.read_await + now.writes * now.write_await

    def step(self, time: float, activity: Activity) -> None:
        """Lets `activity` happen from the last step until `time`."""
        elapsed = time - self.time
        self.time = time
        self.now = activity
        self._cpu(activity, elapsed)
        self._memory(activity, elapsed)
        self._disk(activity, elapsed)
        self._network(activity, elapsed)
        self.switches += activity.switches * elapsed
        self.interrupts += activity.switches * 0.55 * elapsed
        self.forks += activity.forks * elapsed

    def _cpu(self, now: Activity, elapsed: float) -> None:
        busy = now.user + now.system + now.nice + now.iowait + now.irq + now.softirq + now.steal
        if busy > 99.5:
            squeeze = 99.5 / busy
            for mode in ("user", "system", "nice", "iowait", "irq", "softirq", "steal"):
                setattr(now, mode, getattr(now, mode) * squeeze)
            busy = 99.5
        self.idle = 100.0 - busy
        total = self.total_usage
        count = self.hardware.cores
        spread = min(0.35, (100.0 - total) / max(total, 1.0))  # no core is busier than 100 %
        middle = (count - 1) / 2
        self.cores = [total * (1.0 + spread * (middle - core) / max(middle, 1.0)) for core in range(count)]

        self.running = total / 100.0 * count * (1.0 + max(0.0, total - 70.0) / 40.0)
        self.blocked = now.iowait / 100.0 * count * 1.4
        for at, window in enumerate(LOAD_WINDOWS):
            keep = math.exp(-elapsed / window)
            self.load[at] = self.load[at] * keep + (self.running + self.blocked) * (1.0 - keep)

        io = min(100.0, now.iowait * 1.7)
        stalls = {
            "cpu": min(100.0, max(0.0, total - 45.0) ** 2 / 40.0),
            "cpu_full": 0.0,  # of the whole system: never, some task always runs
            "memory": now.memory_stall,
            "memory_full": now.memory_stall * 0.6,
            "io": io,
            "io_full": io * 0.75,
            "irq_full": now.softirq * 0.1,
        }
        for at, window in enumerate(PRESSURE_WINDOWS):
            keep = math.exp(-elapsed / window)
            for name, stall in stalls.items():
                averages = self.pressure[name]
                averages[at] = averages[at] * keep + stall * (1.0 - keep)

    def _memory(self, now: Activity, elapsed: float) -> None:
        total = self.hardware.memory
        reserve = 0.02 * total  # the kernel keeps some pages free
        kernel = 0.03 * total
        app = min(now.app_bytes, total - kernel - reserve - self.buffers)
        self.cached = int(max(0.0, min(now.cached_bytes, total - kernel - reserve - self.buffers - app)))
        self.free = int(total - kernel - app - self.cached - self.buffers)
        self.available = int(self.free + 0.88 * (self.cached + self.buffers))
        self.used = total - self.available
        moved = (now.swap_out - now.swap_in) * elapsed
        self.swap_used = min(0.98 * self.hardware.swap, max(0.0, self.swap_used + moved))
        self.swap_out += now.swap_out * elapsed
        self.swap_in += now.swap_in * elapsed
        self.oom_kills += now.oom_kills

    def _disk(self, now: Activity, elapsed: float) -> None:
        self.reads += now.reads * elapsed
        self.writes += now.writes * elapsed
        self.read_bytes += now.read_bytes * elapsed
        self.write_bytes += now.write_bytes * elapsed
        for fs in self.hardware.filesystems:
            grown = now.growth.get(fs.mountpoint, 0.0) * elapsed
            used = min(fs.total * 0.985, self.disk_used[fs.mountpoint] + grown)
            self.disk_used[fs.mountpoint] = max(fs.total * 0.01, used)
            self.inodes_used[fs.mountpoint] = max(100.0, self.inodes_used[fs.mountpoint] + grown / 65536)

    def _network(self, now: Activity, elapsed: float) -> None:
        sent = now.sent * elapsed / SEGMENT_BYTES
        self.received += now.received * elapsed
        self.sent += now.sent * elapsed
        self.segments_in += now.received * elapsed / SEGMENT_BYTES
        self.segments_out += sent
        self.retransmits += sent * now.retransmit_ratio
        self.timeouts += sent * now.retransmit_ratio * 0.15
        self.resets += now.connections * 0.0004 * elapsed
        self.listen_drops += now.listen_drops * elapsed
