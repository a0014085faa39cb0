"""A cache: memory near its limit, a slow leak, and an OOM kill when it has none left."""

from __future__ import annotations

import math

from sysmon.demo.life import HOUR, Life
from sysmon.demo.machine import GIB, MIB, Activity, Filesystem, Hardware

LEAK_PERIOD_S = 20 * HOUR  # from start to the kill
KILLED_BEFORE_S = 9 * HOUR  # the last kill lies so long before the demo started
WARM_UP_S = 20 * 60.0


class CacheServer(Life):
    """Its process fills within minutes, then leaks until the kernel kills it and it starts anew."""

    role = "cache"
    hardware = Hardware(
        cores=2,
        memory=16 * GIB,
        swap=GIB,
        disk="sda",
        filesystems=(Filesystem("/", "sda1", "ext4", 30 * GIB, 7.4 * GIB, 1_966_080, 141_000),),
        nic_bytes_per_second=1_250_000_000,
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-38-amd64",
        cpu_model="Intel Xeon (Ice Lake)",
    )
    services = (("redis", "redis-server"), ("root", "systemd-journald"), ("sysmon", "sysmon-agent"))

    @classmethod
    def hostname(cls, ordinal: int) -> str:
        return "cache" if ordinal == 1 else f"cache{ordinal:02d}"

    def age(self, time: float) -> float:
        """Seconds since the process was last started, by the kill or before history."""
        return (time - (self.start - KILLED_BEFORE_S)) % LEAK_PERIOD_S

    def act(self, time: float, elapsed: float) -> Activity:
        age = self.age(time)
        warm = 1.0 - math.exp(-age / WARM_UP_S)
        leak = age / LEAK_PERIOD_S
        tight = max(0.0, leak - 0.985) / 0.015  # the last quarter of an hour before the kill
        wobble = 1.0 + 0.12 * self.short.step(elapsed) + 0.05 * self.medium.step(elapsed)
        lookups = max(50.0, (900.0 + 4200.0 * self.daylight(time)) * wobble) * (0.25 + 0.75 * warm)
        now = Activity()
        now.user = lookups * 0.0042 + 4.0 * (1.0 - warm)
        now.system = lookups * 0.0031 + 22.0 * tight
        now.softirq = lookups * 0.0011
        now.iowait = 0.1 + 14.0 * tight
        now.app_bytes = (9.2 * warm + 5.6 * leak) * GIB + 400 * MIB + 25 * MIB * self.long.step(elapsed)
        now.cached_bytes = 1.4 * GIB
        now.memory_stall = 38.0 * tight
        now.swap_out = 900e3 * tight
        now.swap_in = 250e3 * tight + (120e3 if age < 1800 else 0.0)
        now.oom_kills = 1 if age < elapsed else 0
        now.reads = 0.3 + 260.0 * tight
        now.read_bytes = now.reads * 16e3
        now.writes = 2.0 + 130.0 * tight + (40.0 if time % 900 < 30 else 0.0)
        now.write_bytes = now.writes * 21e3
        now.growth = {"/": 12.0}
        now.received = lookups * 310.0 * (1.0 + 2.0 * (1.0 - warm))
        now.sent = lookups * 2.4e3
        now.connections = 120 + lookups * 0.02
        now.retransmit_ratio = 0.0001 + 0.004 * tight
        now.switches = 2200 + lookups * 7
        now.tasks, now.threads = 118, 190
        return now
