"""The demo as a whole: real programs, real HTTP, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from typing import TYPE_CHECKING

import pytest

from agent_program import INSTALLED_AGENT as AGENT
from sysmon.cli.exits import Code
from sysmon.client import Client
from sysmon.demo.fleet import Fleet, Plan
from sysmon.errors import SysmonError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_shows_its_hosts_fills_their_history_and_stops_everything(tmp_path: Path) -> None:
    agent = ["--agent"] if AGENT.exists() else ["--no-agent"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sysmon.cli", "demo", "--port", "0", "--history", "20m",
         "--data-dir", str(tmp_path / "d"), *agent],
        env={**os.environ, "HOME": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        assert url, process.communicate(timeout=30)
        with Client(url) as client:
            hosts = {host["hostname"]: host for host in client.hosts()["hosts"]}
            assert {"web01", "db01", "cache"} <= set(hosts)
            assert len(hosts) == 3 + AGENT.exists()
            assert {host["status"] for host in hosts.values()} == {"online"}
            for line in process.stderr:
                if "of history after" in line:
                    break
            now = time.time()
            stored = client.metrics(types=["cpu.iowait_percent"], host="db01", start=now - 1500, end=now + 60)
            assert len(stored["series"][0]["times"]) >= 119
            ledger = client.host("web01")["ledger"]
            assert ledger["gaps"] == 0
            found = client.compare(["db01", "web01"], start=now - 1200, end=now)["differs"]
            assert any(row["type"] == "cpu.iowait_percent" for row in found)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
        assert process.returncode == Code.INTERRUPTED, err
        assert "Traceback" not in err
    finally:
        process.kill()
        process.communicate()
    with pytest.raises(Exception, match="refused"):
        Client(url).health()


def test_a_folder_in_use_and_a_missing_agent_are_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SysmonError, match="is not empty"), Fleet(Plan(port=0, data_dir=tmp_path)):
        pass
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SysmonError, match="--no-agent"), Fleet(Plan(port=0, data_dir=tmp_path / "new")):
        pass
