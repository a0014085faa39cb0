"""The demo as a whole: a real aggregator, this host's real agent and the virtual hosts, as one."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sysmon.client import Client
from sysmon.config_edit import set_value, write_private
from sysmon.demo import make_lives
from sysmon.demo.pusher import Pusher
from sysmon.demo.wire import Sealer
from sysmon.errors import ApiError, SysmonError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from sysmon.demo.life import Life

log = logging.getLogger(__name__)

START_S = 20.0  # an aggregator that does not answer by then is broken
STOP_S = 30.0  # it may finish what it has accepted
PR_SET_PDEATHSIG = 1
AGGREGATOR = "from sysmon.aggregator.main import main; main()"  # by this Python, wherever its scripts lie


@dataclass(frozen=True)
class Plan:
    """What the demo shows.

    Attributes:
        hosts: number of virtual hosts.
        history_s: how far back their history reaches.
        port: of the aggregator, on loopback; 0 takes a free one.
        agent: whether this host's agent runs too.
        data_dir: kept afterwards; None takes a temporary one.
    """

    hosts: int = 3
    history_s: float = 86400.0
    interval_s: float = 10.0
    port: int = 9000
    seed: int = 1
    agent: bool = True
    data_dir: Path | None = None


class Fleet:
    """Everything the demo started; leaving the context stops it all and removes what was temporary."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.token = secrets.token_urlsafe(32)
        self.folder = plan.data_dir or Path(tempfile.mkdtemp(prefix="sysmon-demo-"))
        self.port = plan.port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = Client(self.url, self.token)
        self.pushers: list[Pusher] = []
        self.errors: list[Exception] = []
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._history: list[threading.Thread] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- starting --------------------------------------------------------------------------------------

    def _start(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SysmonError(f"{self.folder}: {error.strerror}. Fix: name another --data-dir") from error
        if self.plan.data_dir is not None and any(self.folder.iterdir()):
            raise SysmonError(
                f"{self.folder} is not empty: the demo fills a new folder. Fix: name another --data-dir"
            )
        if _is_taken(self.port):
            raise SysmonError(f"port {self.port} is in use on 127.0.0.1. Fix: stop what listens, or --port 0")
        # Looked for before anything runs: a clear error comes first.
        agent = _program("sysmon-agent") if self.plan.agent else None
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.folder / "data")]
        self._spawn("sysmon-aggregator", [sys.executable, "-c", AGGREGATOR, *where])
        self._make_pushers()
        self._until_answering()
        if agent is not None:
            self._spawn("sysmon-agent", [str(agent), "--config", str(self._agent_file())])
        for pusher in self.pushers:
            self._thread(f"live {pusher.life.name}", self._live, pusher)

    def _make_pushers(self) -> None:
        interval = self.plan.interval_s
        start = time.time() // interval * interval
        begin = start - max(interval, self.plan.history_s // interval * interval)
        for index in range(self.plan.hosts):

            def make(index: int = index) -> tuple[Life, Sealer]:
                life = make_lives(self.plan.hosts, self.plan.seed, start, begin)[index]
                return life, Sealer(life, interval)

            self.pushers.append(Pusher(self.client, make, begin, start, interval))

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        """Starts a program with its log in the folder; it ends when this process does, however that ends."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SYSMON_")}
        environment["SYSMON_AUTH_TOKEN"] = self.token
        with (self.folder / f"{name}.log").open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches this process alone, which stops them in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no other thread runs yet
            )
        self._processes.append((name, process))

    def _until_answering(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(ApiError):
                self.client.health()
                return
            time.sleep(0.05)
        raise SysmonError(
            f"the aggregator did not answer within {START_S:.0f} s. Its log: {self._log('sysmon-aggregator')}"
        )

    def _agent_file(self) -> Path:
        path = self.folder / "agent.yaml"
        text = "# Written by sysmon demo.\n"
        for key, value in (
            ("mode", "distributed"),
            ("aggregator_url", self.url),
            ("push_interval", f"{self.plan.interval_s:g}s"),
        ):
            text = set_value(text, ("agent", key), value)
        text = set_value(text, ("agent", "host_tags"), {"role": "this-machine"})
        text = set_value(text, ("agent", "spool", "dir"), str(self.folder / "agent"))
        write_private(path, text)
        (self.folder / "agent").mkdir(mode=0o700, exist_ok=True)
        return path

    # ---- running ---------------------------------------------------------------------------------------

    def start_history(self) -> None:
        """Begins to send history, one thread and connection a host."""
        self._history = [
            self._thread(f"history {pusher.life.name}", pusher.push_history, self._stop)
            for pusher in self.pushers
        ]

    def history_progress(self) -> tuple[int, int, bool]:
        """(batches sent, batches in all, whether it is over)."""
        sent = sum(pusher.history_sent for pusher in self.pushers)
        total = sum(pusher.history_total for pusher in self.pushers)
        return sent, total, not any(thread.is_alive() for thread in self._history)

    def visible(self) -> set[str]:
        """Names of the hosts that the aggregator shows online."""
        return {host["hostname"] for host in self.client.hosts(status="online")["hosts"]}

    @property
    def expected(self) -> int:
        """Number of hosts that should be online."""
        return self.plan.hosts + int(self.plan.agent)

    def check(self) -> None:
        """Raises SysmonError if one of the programs has ended, or a thread has failed."""
        for name, process in self._processes:
            if process.poll() is not None:
                raise SysmonError(f"{name} ended with code {process.returncode}. Its log: {self._log(name)}")
        if self.errors:
            raise SysmonError(f"a virtual host failed: {self.errors[0]}") from self.errors[0]

    def stop(self) -> None:
        """Ends the virtual hosts, the agent, and the aggregator last; then removes a temporary folder."""
        self._stop.set()
        for thread in self._threads:
            thread.join(STOP_S)
        for _, process in reversed(self._processes):
            _end(process)
        self._processes.clear()
        self.client.close()
        if self.plan.data_dir is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _live(self, pusher: Pusher) -> None:
        pusher.start_live()
        pusher.run_live(self._stop)

    def _thread(self, name: str, work: Callable[..., None], *args: Any) -> threading.Thread:
        def run() -> None:
            try:
                work(*args)
            except Exception as error:  # the demo's loop reports it and ends
                if not self._stop.is_set():
                    self.errors.append(error)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)  # Ctrl-C may come at any line: what has not begun cannot be waited for
        return thread

    def _log(self, name: str) -> str:
        """The last line the program wrote: with a temporary folder there is no file left to look at."""
        lines = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "empty"


def _program(name: str) -> Path:
    """The program beside this Python's scripts, else on the PATH."""
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise SysmonError(
            f"there is no {name} in {beside.parent} or on the PATH. Fix: pip install sysmon, or --no-agent"
        )
    return Path(found)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
