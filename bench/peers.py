"""VictoriaMetrics and Prometheus as Debian packages them, each with a folder and a port of its own."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.ingest import free_port
from bench.server import Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_REMOTE_WRITE = (
    "Content-Encoding: snappy",
    "Content-Type: application/x-protobuf",
    "X-Prometheus-Remote-Write-Version: 0.1.0",
)
_MERGE_S = 300.0


class VictoriaMetrics(Server):
    """Remote-write; it acknowledges what is in memory."""

    def settle(self, folder: Path) -> None:  # noqa: ARG002 - as the other servers have it
        """Makes what was posted visible and merges it as far as it ever does."""
        self.request("/internal/force_flush")
        self.request("/internal/force_merge")
        deadline = time.monotonic() + _MERGE_S
        while time.monotonic() < deadline:
            time.sleep(2)
            active = re.findall(r"^vm_active_merges\{[^}]*\} (\S+)", self.request("/metrics").decode(), re.M)
            if not any(float(count) for count in active):
                return
        raise RuntimeError(f"VictoriaMetrics still merges after {_MERGE_S:g} s")

    def bytes_at_rest(self, folder: Path) -> int:
        """Of samples and index, not of its caches."""
        return _bytes(folder / "data") + _bytes(folder / "indexdb")


class Prometheus(Server):
    """Remote-write; it acknowledges what is in its log, unsynced."""

    def settle(self, folder: Path) -> None:
        """Nothing to wait for: what was posted is visible, and blocks are cut when their time has come."""

    def bytes_at_rest(self, folder: Path) -> int:
        """Of a snapshot, which holds what is still in the log as the block it will become."""
        answer = json.loads(self.request("/api/v1/admin/tsdb/snapshot?skip_head=false", "POST"))
        snapshot = folder / "snapshots" / answer["data"]["name"]
        size = _bytes(snapshot)
        shutil.rmtree(snapshot)
        return size


Peer = VictoriaMetrics | Prometheus


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[Peer]:
    port = free_port()
    command = [
        "victoria-metrics",
        f"-storageDataPath={folder}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-retentionPeriod=3",
        "-search.latencyOffset=0s",
        "-loggerLevel=ERROR",
    ]
    with serving("VictoriaMetrics", command, folder.with_suffix(".log"), (port, "/health")) as pid:
        yield VictoriaMetrics("VictoriaMetrics", pid, port, "/api/v1/write", "prom", _REMOTE_WRITE)


@contextmanager
def prometheus(folder: Path) -> Iterator[Peer]:
    port = free_port()
    config = folder.with_suffix(".yml")
    config.write_text("global: {scrape_interval: 10s}\n")
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}",
        "--storage.tsdb.retention.time=90d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
        "--log.level=warn",
    ]
    with serving("Prometheus", command, folder.with_suffix(".log"), (port, "/-/ready")) as pid:
        yield Prometheus("Prometheus", pid, port, "/api/v1/write", "prom", _REMOTE_WRITE)


def installed() -> dict[str, Callable[[Path], AbstractContextManager[Peer]]]:
    """How to start each peer whose program is on the PATH, by the program's name."""
    starters: dict[str, Callable[[Path], AbstractContextManager[Peer]]] = {
        "victoria-metrics": victoria_metrics,
        "prometheus": prometheus,
    }
    return {program: starter for program, starter in starters.items() if shutil.which(program)}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
