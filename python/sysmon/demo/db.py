"""A database: checkpoints, a nightly backup, a disk that fills, and on db01 the planted incident."""

from __future__ import annotations

import math

from sysmon.demo.life import HOUR, Life
from sysmon.demo.machine import GIB, MIB, Activity, Filesystem, Hardware

DATA = "/var/lib/postgresql"
CHECKPOINT_S = 300.0
INCIDENT_BEFORE_S = 40 * 60.0  # it began so long before the demo started: more than half of the last hour
INCIDENT_AFTER_S = 50 * 60.0


class Database(Life):
    """Queries follow the day as the web's requests do; the disk follows the queries.

    The incident: a query plan gone wrong reads the whole table again and again. The disk is saturated, tasks
    wait for it, and throughput falls although nobody asks for more.
    """

    role = "database"
    hardware = Hardware(
        cores=8,
        memory=32 * GIB,
        swap=4 * GIB,
        disk="nvme0n1",
        filesystems=(
            Filesystem("/", "nvme0n1p2", "ext4", 60 * GIB, 11.8 * GIB, 3_932_160, 198_000),
            Filesystem(DATA, "nvme0n1p3", "xfs", 500 * GIB, 352 * GIB, 262_144_000, 31_000),
        ),
        nic_bytes_per_second=1_250_000_000,
        os="Ubuntu 24.04.2 LTS",
        kernel="6.8.0-60-generic",
        cpu_model="AMD EPYC 7443P",
        has_sensor=True,
    )
    services = (
        ("postgres", "postgres"),
        ("postgres", "walwriter"),
        ("root", "pgbackrest"),
        ("sysmon", "sysmon-agent"),
    )

    @classmethod
    def hostname(cls, ordinal: int) -> str:
        return f"db{ordinal:02d}"

    def incident(self, time: float) -> float:
        """How bad it is now, 0 to 1; it grows within three minutes. Only the first database has it."""
        since = time - (self.start - INCIDENT_BEFORE_S)
        if self.ordinal != 1 or since < 0 or time > self.start + INCIDENT_AFTER_S:
            return 0.0
        return min(1.0, since / 180.0)

    def act(self, time: float, elapsed: float) -> Activity:
        bad = self.incident(time)
        jitter = self.short.step(elapsed)
        wobble = 1.0 + 0.08 * jitter + 0.06 * self.medium.step(elapsed)
        queries = max(20.0, (90.0 + 520.0 * self.daylight(time)) * wobble) * (1.0 - 0.45 * bad)
        checkpoint = math.exp(-(time % CHECKPOINT_S) / 35.0)
        backup = 1.0 if 2 * HOUR <= time % 86400 < 2.4 * HOUR else 0.0
        slow = self.long.step(elapsed)
        now = Activity()
        now.user = queries * 0.042 + 6.0 * backup + 5.0 * bad
        now.system = queries * 0.012 + 2.0 * backup + 3.0 * bad
        now.softirq = queries * 0.002
        now.iowait = 0.9 + 2.2 * checkpoint + 5.0 * backup + bad * max(18.0, 31.0 + 4.0 * jitter)
        now.app_bytes = 14.5 * GIB + queries * 2.0 * MIB + 200 * MIB * slow
        now.cached_bytes = 14.0 * GIB
        now.memory_stall = 0.4 * bad
        now.reads = queries * 0.35 + 900.0 * backup + 2900.0 * bad
        now.read_bytes = queries * 5.5e3 + 210e6 * backup + 365e6 * bad
        now.writes = 12.0 + queries * 0.22 + 420.0 * checkpoint
        now.write_bytes = 150e3 + queries * 3.1e3 + 38e6 * checkpoint
        now.read_await = 0.00022 + 0.0006 * backup + 0.0088 * bad
        now.write_await = 0.0004 + 0.0011 * checkpoint + 0.0125 * bad
        now.growth = {"/": 25.0, DATA: 260e3 + queries * 130.0}  # some 6 % of the disk a day
        now.received = queries * 2.2e3
        now.sent = queries * 9.5e3 + 95e6 * backup
        now.connections = 60 + queries * 0.12 + 140.0 * bad
        now.switches = 4000 + queries * 52 + 6000 * bad
        now.forks = 0.3 + 0.02 * backup
        now.tasks, now.threads = 214 + int(110 * bad), 340 + int(110 * bad)
        return now
