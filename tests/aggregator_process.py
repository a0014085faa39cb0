"""The real `sysmon-aggregator` in a process of its own, to be signalled, killed and measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

TOKEN = "t" * 40


class AggregatorProcess:
    """Runs while the context is open; `kill` and `start` may be called in between."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        self.data = home / "data"
        self.log = home / "log"
        self.wrapper: Sequence[str] = ()  # before its command: nsenter, strace
        self.env = {**os.environ, "HOME": str(home), "SYSMON_AUTH_TOKEN": TOKEN, **env}
        self.url = ""

    def start(self, *args: str, module: str = "sysmon.aggregator.main") -> None:
        command = [
            *self.wrapper,
            sys.executable,
            "-m",
            module,
            "--port",
            "0",
            "--data-dir",
            str(self.data),
            *args,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("sysmon-aggregator: http://"), (line, self.log.read_text())
        self.url = line.split()[-1]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def kill(self) -> None:
        """As a power cut for the process: nothing of it gets to say goodbye."""
        self.process.kill()
        self.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end; its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        code = self.process.wait(40)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def rss_mib(self) -> float:
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def __enter__(self) -> Self:
        self.home.mkdir(exist_ok=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
