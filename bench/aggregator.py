"""Our own server under the same questions as the peers: started, compacted, weighed."""

from __future__ import annotations

import re
import secrets
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.ingest import free_port
from bench.process import BIN
from bench.report import Figure, bar
from bench.server import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.generator import Dataset


_MEMBERS = 60  # of a bundle; the server takes 64
# Thirty days that end some hours ago are older than the default would take and keep.
_SETTINGS = "limits: {sample_age_s: 3888000}\nretention: {raw: 45d}\n"


class Aggregator(Server):
    """Acknowledges what is fsynced."""

    def settle(self, folder: Path) -> None:
        """Compacts everything up to now, also hours that are not over, and checkpoints."""
        admin = (folder / "admin_token").read_text().strip()
        self.request("/api/admin/compact", "POST", {"X-SysMon-Token": admin})

    def post_backlog(self, data: Dataset) -> None:
        """Posts all of one host as an agent does that was long away: bundles of many batches."""
        bodies = data.bundles(_MEMBERS)
        self._post(bodies, data.series * _MEMBERS, 1, (0, data.ticks // _MEMBERS), 0)

    def bytes_at_rest(self, folder: Path) -> int:
        return (folder / "sysmon.db").stat().st_size


def own_figure(port: int, name: str) -> float:
    """One that the aggregator tells of itself under /metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
        found = re.search(rf"^sysmon_aggregator_{name} (\S+)", reply.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


def longest_job_ms(port: int) -> float:
    """The longest that commits have waited for compaction, retention or a roll-up since the start."""
    return own_figure(port, "longest_job_seconds") * 1000


@contextmanager
def aggregator(folder: Path) -> Iterator[Aggregator]:
    port = free_port()
    folder.mkdir(mode=0o700, exist_ok=True)
    token = folder.with_suffix(".token")
    token.write_text(secrets.token_urlsafe(32))
    token.chmod(0o600)
    config = folder.with_suffix(".yaml")
    config.write_text(_SETTINGS)
    env = {"SYSMON_AUTH_TOKEN_FILE": str(token), "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    command: list[str | Path] = [
        BIN / "sysmon-aggregator",
        "--port",
        str(port),
        "--data-dir",
        folder,
        "--config",
        config,
    ]
    with serving("sysmon", command, folder.with_suffix(".log"), (port, "/api/health"), env) as pid:
        headers = (
            "Content-Type: application/json",
            "Content-Encoding: gzip",
            f"X-SysMon-Token: {token.read_text()}",
        )
        yield Aggregator("sysmon", pid, port, "/api/metrics", "sysmon", headers)


def bite(longest_ms: float) -> Figure:
    """Of a run with compaction in it."""
    verdict = bar("≤ 20 ms", longest_ms <= 20)
    return Figure("… a commit waited for compaction", f"at most {longest_ms:.0f} ms", "", verdict)
