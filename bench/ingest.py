"""The aggregator under load: pushes of 250 metrics over real HTTP, fsynced before the reply."""

from __future__ import annotations

import gzip
import json
import random
import secrets
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.process import BIN, cpu_s, memory, program, running
from bench.report import Figure, bar

HOSTS = 500
VARIANTS = 4
METRICS = 250
SECONDS = 20


def body(host: int, rng: random.Random) -> bytes:
    """One push as an agent sends it: ratios with two decimals, counters as integers."""
    metrics: list[dict[str, object]] = []
    for i in range(METRICS):
        if i % 3 == 0:
            metrics.append(
                {"type": "cpu.core_usage", "value": round(rng.uniform(0, 100), 2), "tags": {"core": str(i)}}
            )
        elif i % 3 == 1:
            metrics.append(
                {
                    "type": "network.bytes_sent",
                    "value": rng.randrange(10**12),
                    "tags": {"interface": f"eth{i}"},
                }
            )
        else:
            metrics.append(
                {"type": "diskio.reads", "value": rng.randrange(10**7), "tags": {"device": f"sd{i}"}}
            )
    push = {"hostname": f"bench-{host:05d}", "version": "1.0.0", "interval": 10, "metrics": metrics}
    return gzip.compress(json.dumps(push, separators=(",", ":")).encode(), 1)


def write_bodies(path: Path, hosts: int = HOSTS, variants: int = VARIANTS) -> float:
    """Write every host's bodies in turn, so that a host comes round once a pass; returns the mean size."""
    rng = random.Random(7)
    bodies = [body(host, rng) for _ in range(variants) for host in range(hosts)]
    with path.open("wb") as file:
        for one in bodies:
            file.write(struct.pack("<I", len(one)) + one)
    return sum(map(len, bodies)) / len(bodies)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(port: int, log: Path) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the aggregator did not come up: {log.read_text()[-500:]}")


def load(
    port: int,
    token: Path,
    bodies: Path,
    connections: int,
    rate: int,
    pid: int,
    seconds: int = SECONDS,
    warm_up_s: int = 0,
    refusals_count: bool = False,
) -> dict[str, float]:
    """What `sysmon_load` prints. Raises RuntimeError if a push was refused, unless they are what counts."""
    numbers = map(str, (connections, rate, seconds, pid, warm_up_s))
    command: list[str | Path] = [program("sysmon_load"), str(port), token, bodies, *numbers]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode and not (refusals_count and run.stdout):
        raise RuntimeError(run.stderr[:500])
    return dict(json.loads(run.stdout))


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = folder / "token"
        token.write_text(secrets.token_urlsafe(32))
        token.chmod(0o600)
        mean = write_bodies(folder / "bodies")
        floor = json.loads(
            subprocess.check_output([program("sysmon_floor"), "fsync", folder / "floor", "2000"])
        )
        port = free_port()
        command = [BIN / "sysmon-aggregator", "--port", str(port), "--data-dir", folder / "data"]
        log = folder / "aggregator.log"
        with running(command, log, {"SYSMON_AUTH_TOKEN_FILE": str(token), "PATH": "/usr/bin:/bin"}) as pid:
            wait_ready(port, log)
            base = memory(pid).rss
            calm = load(port, token, folder / "bodies", 20, 200, pid)
            brisk = load(port, token, folder / "bodies", 100, 1000, pid)
            flat_out = load(port, token, folder / "bodies", 32, 0, pid)
            used = memory(pid).rss
            idle = cpu_s(pid)
            time.sleep(5)
            idle = (cpu_s(pid) - idle) / 5
    samples_per_cpu_s = METRICS / flat_out["cpu_us_per_push"] * 1e6
    return [
        Figure(
            "floor: append 512 B and fdatasync", f"p50 {floor['p50_ms']:.2f} ms, p99 {floor['p99_ms']:.2f} ms"
        ),
        Figure(
            f"200 pushes/s of {METRICS} metrics ({mean:.0f} B)",
            f"p50 {calm['p50_ms']:.2f} ms, p99 {calm['p99_ms']:.2f} ms",
            f"p50 {calm['p50_ms'] / floor['p50_ms']:.1f} × the floor",
            bar("p99 < 10 ms", calm["p99_ms"] < 10),
        ),
        Figure(
            f"1,000 pushes/s from {HOSTS} hosts",
            f"p50 {brisk['p50_ms']:.2f} ms, p99 {brisk['p99_ms']:.2f} ms",
            f"{brisk['server_cpu_s'] / brisk['wall_s'] * 100:.0f} % of a core",
            bar("p99 < 20 ms", brisk["p99_ms"] < 20),
        ),
        Figure(
            "as fast as it answers, 32 connections",
            f"{flat_out['pushes_s']:.0f} pushes/s",
            f"{flat_out['cpu_us_per_push']:.0f} µs CPU a push",
        ),
        Figure(
            "samples per CPU second, fsynced",
            f"{samples_per_cpu_s / 1e3:.0f} k",
            f"{samples_per_cpu_s / 1.435e6:.2f} × VictoriaMetrics' 1,435 k (unsynced, another run)",
            bar("≥ 1,435 k", samples_per_cpu_s >= 1.435e6),
        ),
        Figure(
            f"RSS, empty → {HOSTS} hosts",
            f"{base:.0f} → {used:.0f} MiB",
            f"{(used - base) / HOSTS * 1024:.0f} KiB a host",
        ),
        Figure("idle", f"{idle * 100:.1f} % of a core"),
    ]
