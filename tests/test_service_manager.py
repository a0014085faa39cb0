"""What agent and aggregator tell systemd: read from a real datagram socket in NOTIFY_SOCKET."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from agent_program import AGENT
from aggregator_process import TOKEN, AggregatorProcess
from running_aggregator import RunningAggregator

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 60.0
PATIENCE_US = 200_000
FEW = 3
_PTRACE_ATTACH = 16
_PTRACE_DETACH = 17
_WALL = 0x40000000
MANY = 200  # a stuck process would have told its life that often long before


class Manager:
    """systemd's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(WAIT_S)

    def environment(self, **more: str) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(PATIENCE_US), **more}

    def hear(self) -> str:
        return self._socket.recv(4096).decode()

    def hear_until(self, wanted: str) -> None:
        """The next that is no sign of life."""
        while (told := self.hear()) == "WATCHDOG=1":
            pass
        assert told.startswith(wanted), told

    def signs_of_life(self, silence_s: float = 2.0) -> int:
        """How many come before a silence that is many times the patience."""
        self._socket.settimeout(silence_s)
        try:
            for count in range(MANY):
                try:
                    assert self.hear() == "WATCHDOG=1"
                except TimeoutError:
                    return count
            return MANY
        finally:
            self._socket.settimeout(WAIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    name = f"@sysmon-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with Manager(name) as made:
        yield made


@contextmanager
def held(threads: list[int]) -> Iterator[None]:
    """Stops these threads of a process and no other, as a debugger does."""
    libc = ctypes.CDLL(None, use_errno=True)
    stopped = []
    try:
        for thread in threads:
            if libc.ptrace(_PTRACE_ATTACH, thread, None, None) == 0:  # else it has ended meanwhile
                stopped.append(thread)
                os.waitpid(thread, _WALL)
        assert stopped, os.strerror(ctypes.get_errno())
        yield
    finally:  # or the process could neither go on nor be waited for
        for thread in stopped:
            libc.ptrace(_PTRACE_DETACH, thread, None, None)


@contextmanager
def agent(home: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    config = home / "agent.yaml"
    config.write_text(
        "agent: {mode: distributed, aggregator_url: 'http://127.0.0.1:1', push_interval: 100ms,"
        f" auth_token: {TOKEN}, spool: {{dir: {home}/spool}}}}\n"
    )
    config.chmod(0o600)
    command = [str(AGENT), "--config", str(config), *arguments]
    started = subprocess.Popen(command, env={"HOME": str(home), **environment}, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


def test_the_agent_tells_its_life(manager: Manager, tmp_path: Path) -> None:
    with agent(tmp_path, **manager.environment()) as running:
        assert manager.hear() == "READY=1"
        assert [manager.hear() for _ in range(FEW)] == ["WATCHDOG=1"] * FEW
        running.send_signal(signal.SIGHUP)
        manager.hear_until("RELOADING=1\nMONOTONIC_USEC=")
        manager.hear_until("READY=1")
        running.send_signal(signal.SIGTERM)
        manager.hear_until("STOPPING=1")
        assert running.wait(WAIT_S) == 0


def test_an_agent_whose_other_threads_are_stuck_gives_no_sign(tmp_path: Path) -> None:
    with (
        Manager(str(tmp_path / "notify")) as manager,
        agent(tmp_path, **manager.environment()) as running,
    ):
        assert manager.hear() == "READY=1"
        threads = [int(task.name) for task in Path(f"/proc/{running.pid}/task").iterdir()]
        with held([thread for thread in threads if thread != running.pid]):  # the collector's is one of them
            assert manager.signs_of_life() < MANY
        assert [manager.hear() for _ in range(FEW)] == ["WATCHDOG=1"] * FEW


def test_a_watchdog_of_another_process_is_none_of_the_agents(tmp_path: Path) -> None:
    with (
        Manager(str(tmp_path / "notify")) as manager,
        agent(tmp_path, **manager.environment(WATCHDOG_PID="1")) as running,
    ):
        assert manager.hear() == "READY=1"
        running.send_signal(signal.SIGTERM)
        assert manager.hear() == "STOPPING=1"


def test_an_agent_whose_manager_is_gone_runs_on(tmp_path: Path) -> None:
    with agent(tmp_path, NOTIFY_SOCKET=str(tmp_path / "nobody"), WATCHDOG_USEC="1000") as running:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(1)
        running.send_signal(signal.SIGTERM)
        assert running.wait(WAIT_S) == 0


def test_the_aggregator_tells_its_life(manager: Manager, tmp_path: Path) -> None:
    with AggregatorProcess(tmp_path, **manager.environment()) as running:
        manager.hear_until("READY=1")
        assert [manager.hear() for _ in range(FEW)] == ["WATCHDOG=1"] * FEW
        running.process.send_signal(signal.SIGHUP)
        manager.hear_until("RELOADING=1\nMONOTONIC_USEC=")
        manager.hear_until("READY=1")
        running.process.send_signal(signal.SIGTERM)
        manager.hear_until("STOPPING=1")
        assert running.wait() == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_aggregator_that_cannot_write_any_more_gives_no_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Manager(str(tmp_path / "notify")) as manager:
        for name, value in manager.environment().items():
            monkeypatch.setenv(name, value)
        with RunningAggregator(tmp_path / "data") as running:
            manager.hear_until("READY=1")
            running.push("web01", [("a.b", 1.0)])

            def end(_: object) -> None:
                raise SystemExit  # what a job raises otherwise is told to who asked for it

            running.aggregator.storage._writer.run(end)
            assert manager.signs_of_life() < MANY
    assert "the writer's thread has ended" in caplog.text
