"""A program under measurement, and what the kernel says it used."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent
BIN = ROOT / ".venv" / "bin"
CPP = ROOT / "build" / "release" / "bench" / "cpp"


class NotBuiltError(Exception):
    """A benchmark's own program is not there."""


def program(name: str) -> Path:
    """One of the C++ programs of bench/cpp. Raises NotBuiltError."""
    path = CPP / name
    if not path.exists():
        raise NotBuiltError(f"there is no {path}: run `make bench` first")
    return path


@dataclass
class Memory:
    """Resident, proportional and unique set size, in MiB."""

    rss: float
    pss: float
    uss: float

    def __str__(self) -> str:
        return f"{self.rss:.1f} / {self.pss:.1f} / {self.uss:.1f}"


def memory(pid: int) -> Memory:
    """Source: /proc/<pid>/smaps_rollup."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kib = {key: int(value) for key, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return Memory(kib["Rss"] / 1024, kib["Pss"] / 1024, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1024)


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads of a process so far, by its CPU clock (nanoseconds, not 10 ms ticks)."""
    return time.clock_gettime((~pid << 3) | 2)


@contextmanager
def running(command: Sequence[str | Path], log: Path, env: dict[str, str] | None = None) -> Iterator[int]:
    """Start a program, yield its pid, and end it with SIGTERM. Its output goes to `log`."""
    with log.open("wb") as out:
        program = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)
        try:
            yield program.pid
            if program.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {program.returncode}: {log.read_text()[-500:]}")
        finally:
            program.send_signal(signal.SIGTERM)
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
