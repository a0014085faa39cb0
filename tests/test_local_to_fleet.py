"""A machine that watched itself becomes a fleet's host: real programs, and its local history stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent_program import AGENT
from aggregator_process import TOKEN, AggregatorProcess
from push_receiver import WAIT_S
from sysmon.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERIES = "memory.total_bytes"

pytestmark = pytest.mark.native


class Machine:
    """A user's home on this machine."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        self.data = home / "data"
        self.env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "SYSMON_DATA_DIR": str(self.data),
            "SYSMON_SPOOL_DIR": str(home / "spool"),
        }

    def sysmon(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sysmon.cli", *arguments]
        return subprocess.run(command, env=self.env, input=input, capture_output=True, text=True, timeout=60)

    @contextmanager
    def up(self) -> Iterator[str]:
        """`sysmon up`; its URL."""
        command = [sys.executable, "-m", "sysmon.cli", "up", "--port", "0", "--interval", "100ms"]
        with subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

    @contextmanager
    def agent(self) -> Iterator[None]:
        """`sysmon-agent`, on the settings in the home."""
        with subprocess.Popen([AGENT], env=self.env, stderr=subprocess.DEVNULL) as process:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

    def join_fleet(self, url: str) -> None:
        """The three commands of the manual."""
        first = self.sysmon("config", "set", "mode", "distributed")
        assert first.returncode == 0, first.stderr
        assert "aggregator_url" in first.stderr  # what is missing yet
        assert self.sysmon("config", "set", "aggregator_url", url).returncode == 0
        assert self.sysmon("config", "set", "auth_token", input=TOKEN + "\n").returncode == 0
        assert self.sysmon("config", "set", "push_interval", "100ms").returncode == 0
        assert self.sysmon("config", "validate").returncode == 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def until(found: Callable[[], Any]) -> Any:
    """Its first true value."""
    deadline = time.monotonic() + WAIT_S
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def samples(url: str, token: str | None = None) -> list[tuple[float, float]]:
    """Everything stored of one series, of whatever host there is."""
    with Client(url, token) as client:
        series = client.metrics(types=[SERIES])["series"]
    assert len(series) <= 1
    return list(zip(series[0]["times"], series[0]["values"], strict=True)) if series else []


def test_the_local_history_stays_when_the_machine_joins_a_fleet(machine: Machine, tmp_path: Path) -> None:
    with machine.up() as url:
        until(lambda: len(samples(url)) > 5)
    with machine.up() as url:  # … and over a restart
        before = samples(url)
    assert len(before) > 5

    with AggregatorProcess(tmp_path / "central") as central:
        machine.join_fleet(central.url)
        with machine.agent():
            until(lambda: len(samples(central.url)) > 5)
        listed = json.loads(machine.sysmon("hosts", "list", "--json").stdout)
        assert [host["hostname"] for host in listed["hosts"]] == [socket.gethostname()]
        assert listed["hosts"][0]["version"]

    # What was there is there: for `sysmon sql`, for `sysmon db`, and on the page of `sysmon up`.
    asked = f"SELECT timestamp, value FROM metrics WHERE type = '{SERIES}' ORDER BY timestamp"
    answer = machine.sysmon("sql", asked, "--json")
    assert [tuple(row) for row in json.loads(answer.stdout)["rows"]][: len(before)] == before
    assert machine.sysmon("db", "check").returncode == 0
    with machine.up() as url:
        assert samples(url)[: len(before)] == before


def test_an_aggregator_over_the_same_folder_goes_on_with_the_same_host(machine: Machine) -> None:
    with machine.up() as url:
        until(lambda: len(samples(url)) > 5)
        before = samples(url)
    with AggregatorProcess(machine.home, SYSMON_DATA_DIR=str(machine.data)) as central:
        machine.join_fleet(central.url)
        with machine.agent():
            until(lambda: len(samples(central.url)) > len(before) + 5)
        after = samples(central.url)
        with Client(central.url) as client:
            (host,) = client.hosts()["hosts"]
    assert after[: len(before)] == before
    assert after == sorted(after)
    assert host["agent_id"]


def test_the_hostname_of_the_settings_is_the_one_of_both_modes(machine: Machine) -> None:
    assert machine.sysmon("config", "set", "hostname", "web01").returncode == 0
    with machine.up() as url:
        until(lambda: samples(url))
        with Client(url) as client:
            assert [host["hostname"] for host in client.hosts()["hosts"]] == ["web01"]
