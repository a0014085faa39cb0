"""The plan's success metrics with a real fleet: agents at ten seconds, a push, memory, five minutes alone."""

from __future__ import annotations

import http.client
import json
import random
import secrets
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.ingest import METRICS, body, free_port, wait_ready
from bench.process import BIN, memory, running
from bench.report import Figure, bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AGENTS = 12
INTERVAL_S = 10
STEADY_S = 60
PROBES = 200
OUTAGE_S = 300
CATCH_UP_S = 180  # the backlog's next try may be a minute away
_AGENT = """\
agent:
  mode: distributed
  aggregator_url: http://127.0.0.1:{port}
  auth_token_file: {token}
  push_interval: {interval}s
  hostname: plan-{number:02}
  spool: {{dir: {folder}/agent-{number}}}
"""


class Fleet:
    """One folder, one port, one token: the aggregator may go and come, the agents stay."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.token = folder / "token"
        self.token.write_text(secrets.token_urlsafe(32))
        self.token.chmod(0o600)

    @contextmanager
    def aggregator(self) -> Iterator[int]:
        command = [BIN / "sysmon-aggregator", "--port", str(self.port), "--data-dir", self.folder / "data"]
        log = self.folder / "aggregator.log"
        env = {"SYSMON_AUTH_TOKEN_FILE": str(self.token), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        with running(command, log, env) as pid:
            wait_ready(self.port, log)
            yield pid

    def start_agents(self, stack: ExitStack) -> None:
        for number in range(AGENTS):
            config = self.folder / f"agent-{number}.yaml"
            config.write_text(
                _AGENT.format(
                    port=self.port, token=self.token, interval=INTERVAL_S, number=number, folder=self.folder
                )
            )
            command = [BIN / "sysmon-agent", "--config", config]
            stack.enter_context(running(command, self.folder / f"agent-{number}.log"))

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as reply:
            return json.load(reply)

    def probe(self) -> list[float]:
        """Milliseconds of pushes of 250 metrics, one after the other over one connection, sorted."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {
            "X-SysMon-Token": self.token.read_text(),
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        rng = random.Random(7)
        took = []
        for _ in range(PROBES):
            push = body(0, rng)
            begun = time.perf_counter()
            connection.request("POST", "/api/metrics", push, headers)
            reply = connection.getresponse()
            reply.read()
            took.append((time.perf_counter() - begun) * 1e3)
            if reply.status != 200:
                raise RuntimeError(f"a push was answered {reply.status}")
            time.sleep(0.05)
        connection.close()
        return sorted(took)

    def gaps(self) -> int:
        hosts = [host["hostname"] for host in self.ask("/api/hosts")["hosts"]]
        return sum(
            self.ask(f"/api/hosts/{name}/ledger")["gaps"] for name in hosts if name.startswith("plan-")
        )

    def ticks(self, start: float, end: float) -> list[Sequence[float]]:
        """When each agent's samples between two moments were taken."""
        answer = self.ask(f"/api/metrics?type=load.avg1&start={start}&end={end}")
        return [one["times"] for one in answer["series"] if one["host"].startswith("plan-")]


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        fleet = Fleet(Path(name))
        with fleet.aggregator() as pid:
            base = memory(pid).rss
            fleet.start_agents(stack)
            time.sleep(STEADY_S)
            used = memory(pid).rss
            online = sum(
                host["status"] == "online" and host["hostname"].startswith("plan-")
                for host in fleet.ask("/api/hosts")["hosts"]
            )
            took = fleet.probe()
        left = time.time()
        time.sleep(OUTAGE_S)
        with fleet.aggregator():
            back = time.time()
            caught_up_s = _until_caught_up(fleet, left, back)
            ticks = fleet.ticks(left - 2 * INTERVAL_S, back + INTERVAL_S)
            gaps = fleet.gaps()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    a_host = (used - base) / AGENTS
    hole = max((b - a for times in ticks for a, b in pairwise([*times, back])), default=float("inf"))
    kept = sum(left < time_s < back for times in ticks for time_s in times)
    whole = len(ticks) == AGENTS and gaps == 0 and hole < 1.5 * INTERVAL_S
    return [
        Figure(
            f"agents at {INTERVAL_S} s that are online after {STEADY_S} s",
            f"{online} of {AGENTS}",
            "",
            bar("10+", online >= 10),
        ),
        Figure(
            f"a push of {METRICS} metrics meanwhile, fsynced",
            f"p50 {p50:.1f}, p99 {p99:.1f}, longest {took[-1]:.1f} ms",
            "",
            bar("< 100 ms", took[-1] < 100),
        ),
        Figure(
            f"aggregator's RSS, 0 → {AGENTS} hosts",
            f"{base:.0f} → {used:.0f} MiB",
            f"{a_host * 1024:.0f} KiB a host, with what is needed once",
            bar("< 1 MB a host", a_host < 1),
        ),
        Figure(
            f"{OUTAGE_S} s without an aggregator",
            f"{kept} batches kept and delivered {caught_up_s:.0f} s after its return",
            f"{gaps} missing, no two samples further apart than {hole:.1f} s",
            bar("5 minutes queued, nothing lost", whole),
        ),
    ]


def _until_caught_up(fleet: Fleet, left: float, back: float) -> float:
    """Seconds until what was collected before, during and after the absence is there without a hole."""
    while time.time() < back + CATCH_UP_S:
        ticks = fleet.ticks(left - 2 * INTERVAL_S, back + INTERVAL_S)
        holes = [b - a for times in ticks for a, b in pairwise([*times, back])]
        if len(ticks) == AGENTS and fleet.gaps() == 0 and max(holes, default=OUTAGE_S) < 1.5 * INTERVAL_S:
            return time.time() - back
        time.sleep(0.5)
    return float("inf")
