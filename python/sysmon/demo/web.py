"""A web server: visitors by day, few at night, bursts now and then."""

from __future__ import annotations

from sysmon.demo.life import Bursts, Life
from sysmon.demo.machine import GIB, MIB, Activity, Filesystem, Hardware


class WebServer(Life):
    """Requests a second follow the day; everything else follows the requests."""

    role = "web-server"
    hardware = Hardware(
        cores=4,
        memory=8 * GIB,
        swap=2 * GIB,
        disk="vda",
        filesystems=(
            Filesystem("/", "vda1", "ext4", 40 * GIB, 14.2 * GIB, 2_621_440, 212_000),
            Filesystem("/var/log", "vda2", "ext4", 20 * GIB, 6.1 * GIB, 1_310_720, 4_100),
        ),
        nic_bytes_per_second=1_250_000_000 // 10,
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-38-amd64",
        cpu_model="Intel Xeon (Ice Lake)",
    )
    services = (("www-data", "nginx"), ("app", "gunicorn"), ("root", "rsyslogd"), ("sysmon", "sysmon-agent"))

    def __init__(self, name: str, ordinal: int, seed: int, start: float, begin: float) -> None:
        super().__init__(name, ordinal, seed, start, begin)
        self.bursts = Bursts(self.random, 2700.0, 150.0)
        self.rotated = begin

    def act(self, time: float, elapsed: float) -> Activity:
        burst = self.bursts.step(elapsed)
        wobble = 1.0 + 0.10 * self.short.step(elapsed) + 0.08 * self.medium.step(elapsed)
        requests = max(4.0, (30.0 + 330.0 * self.daylight(time)) * wobble + 380.0 * burst)
        now = Activity()
        now.user = requests * 0.095
        now.system = requests * 0.028
        now.softirq = requests * 0.006
        now.iowait = 0.2 + burst * 0.8
        now.app_bytes = 1.9 * GIB + requests * 1.4 * MIB + 90 * MIB * self.long.step(elapsed)
        now.cached_bytes = 3.2 * GIB
        now.writes = 3.0 + requests * 0.05
        now.write_bytes = 30e3 + requests * 420.0
        now.reads = 0.4 + requests * 0.01
        now.read_bytes = now.reads * 24e3
        # Logs grow with the requests and are rotated at midnight.
        now.growth = {"/": 40.0, "/var/log": requests * 190.0}
        if int(time // 86400) != int((time - elapsed) // 86400):
            now.growth["/var/log"] = -1.9 * GIB / elapsed
        now.received = requests * 1.6e3
        now.sent = requests * 21e3
        now.connections = 20 + requests * 0.9
        now.retransmit_ratio = 0.0004 + 0.002 * burst
        now.listen_drops = 3.0 * max(0.0, burst - 0.85)
        now.switches = 1500 + requests * 38
        now.forks = 0.6 + requests * 0.004
        now.tasks, now.threads = 162 + int(requests / 20), 300 + int(requests / 6)
        return now
