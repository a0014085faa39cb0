"""Local mode: this machine's collector, drained through the bindings into the aggregator's own storage."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sysmon._core import Batch, MetricsCollector
from sysmon.aggregator import Aggregator
from sysmon.aggregator.settings import Settings
from sysmon.cli.exits import Code
from sysmon.client import Client
from sysmon.errors import ApiError, StorageError
from sysmon.local import Feeder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_run import Cli


@pytest.fixture
def aggregator(tmp_path: Path) -> Iterator[Aggregator]:
    with Aggregator(Settings(data_dir=tmp_path / "busy")) as opened:
        yield opened


@pytest.fixture
def collector() -> MetricsCollector:
    return MetricsCollector(interval_s=1.0)


def test_what_the_collector_reads_is_stored(aggregator: Aggregator, collector: MetricsCollector) -> None:
    batches = [collector.sample()]
    feeder = Feeder(aggregator, lambda: batches, "here", 1.0)
    assert feeder.feed(0.0) == len(batches[0])
    with aggregator.app.test_client() as http:
        latest = http.get("/api/metrics/latest?host=here&type=memory.total_bytes").get_json()["metrics"]
        host = http.get("/api/hosts/here").get_json()
    (total,) = [value for name, _, value in batches[0].samples() if name == "memory.total_bytes"]
    assert latest[0]["value"] == total
    assert host["status"] == "online"
    assert host["interval"] == 1
    assert host["facts"]["kernel"]


def test_facts_go_with_the_first_batch_and_then_once_an_hour(
    aggregator: Aggregator, collector: MetricsCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    now = 0.0

    def facts() -> bytes:
        asked.append(now)
        return b"{}"

    monkeypatch.setattr("sysmon.local.facts", facts)
    feeder = Feeder(aggregator, lambda: [collector.sample()], "here", 1.0)
    for now in (5.0, 6.0, 3604.0, 3605.0, 3606.0):
        feeder.feed(now)
    assert asked == [5.0, 3605.0]


def test_a_store_that_refuses_is_told_again(
    aggregator: Aggregator, collector: MetricsCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[Batch] = []

    def drain() -> list[Batch]:
        taken = waiting[:]
        waiting.clear()
        return taken

    feeder = Feeder(aggregator, drain, "here", 1.0)
    with monkeypatch.context() as patched:

        def full(*_: object, **__: object) -> int:
            raise StorageError("disk full")

        patched.setattr(aggregator, "ingest_local", full)
        waiting.append(collector.sample())
        assert feeder.feed(0.0) == 0
    waiting.append(collector.sample())
    assert feeder.feed(1.0) > 0
    with aggregator.app.test_client() as http:
        series = http.get("/api/metrics?host=here&type=memory.free_bytes").get_json()["series"]
    assert len(series[0]["times"]) == 2
    assert feeder.feed(2.0) == 0


def test_up_serves_this_machine_and_takes_no_pushes(tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "sysmon.cli", "up", "--port", "0", "--interval", "100ms"]
    command += ["--data-dir", str(tmp_path / "data")]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate(timeout=10)
        with Client(url) as client:
            deadline = time.monotonic() + 20
            hosts = []
            while not hosts and time.monotonic() < deadline:
                hosts = client.hosts()["hosts"]
            assert [host["status"] for host in hosts] == ["online"]
            with pytest.raises(ApiError) as refused:
                client.push(json.dumps({"hostname": "x", "metrics": []}).encode(), {})
            assert refused.value.status == 401
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()
    assert (tmp_path / "data").is_dir()


def test_up_on_a_folder_or_port_in_use_says_so(aggregator: Aggregator, tmp_path: Path, cli: Cli) -> None:
    busy = cli("up", "--port", "0", "--data-dir", str(tmp_path / "busy"))
    assert busy.code == Code.SPOOL_IN_USE
    assert "in use" in busy.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = cli("up", "--port", port, "--data-dir", str(tmp_path / "other"))
    assert result.code == Code.UNEXPECTED
    assert f"port {port} is in use" in result.err
