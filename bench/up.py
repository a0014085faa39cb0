"""`sysmon up`: from nothing to a dashboard with a sample, and what a reading a second costs."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.process import BIN, cpu_s, memory, running
from bench.report import Figure, bar

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTS = 5
_SETTLE_S = 10.0
_WINDOW_S = 60.0
_LONGEST_S = 30.0


class _Start(NamedTuple):
    """A `sysmon up` that runs; seconds from its start."""

    pid: int
    url: str
    page_s: float  # the dashboard's page is answered
    sample_s: float  # … and this host is in it, with a value


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts = []
        for number in range(_STARTS):
            with _up(folder / str(number)) as one:
                starts.append(one)
        used, cpu, size = _steady(folder)
        kept = _restart(folder)
    page = sorted(one.page_s for one in starts)
    sample = sorted(one.sample_s for one in starts)
    return [
        Figure(
            f"from nothing to the dashboard's page, median of {_STARTS}",
            f"{page[_STARTS // 2]:.2f} s",
            f"{page[0]:.2f}–{page[-1]:.2f} s",
            bar("≤ 2 s", page[-1] <= 2),
        ),
        Figure(
            "… to the first sample in it",
            f"{sample[_STARTS // 2]:.2f} s",
            f"{sample[0]:.2f}–{sample[-1]:.2f} s",
        ),
        Figure("memory, RSS / PSS / USS", f"{used} MiB"),
        Figure(f"CPU, a sample of every series a second, over {_WINDOW_S:.0f} s", f"{cpu:.2f} % of a core"),
        Figure("disk", f"{size / 1e6:.1f} MB after {_SETTLE_S + _WINDOW_S:.0f} s", "packed hour by hour"),
        Figure("history over a restart", f"{kept[0]} samples before, {kept[1]} of them after"),
    ]


@contextmanager
def _up(folder: Path) -> Iterator[_Start]:
    """Starts it over a data folder, and ends it."""
    folder.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    env = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    command = [BIN / "sysmon", "up", "--port", str(port), "--data-dir", folder / "data"]
    began = time.monotonic()
    with running(command, folder / "log", env) as pid:
        _until(lambda: b"<!doctype html>" in _get(f"{url}/").lower())
        page_s = time.monotonic() - began
        _until(lambda: any(host["latest"] for host in json.loads(_get(f"{url}/api/hosts"))["hosts"]))
        yield _Start(pid, url, page_s, time.monotonic() - began)


def _steady(folder: Path) -> tuple[Any, float, int]:
    """(memory, CPU in percent of a core, bytes on disk) of one that has run a while."""
    with _up(folder / "steady") as one:
        time.sleep(_SETTLE_S)
        before = cpu_s(one.pid)
        time.sleep(_WINDOW_S)
        cpu = (cpu_s(one.pid) - before) / _WINDOW_S * 100
        size = sum(path.stat().st_size for path in (folder / "steady" / "data").glob("sysmon.db*"))
        return memory(one.pid), cpu, size


def _restart(folder: Path) -> tuple[int, int]:
    """(samples of one series before a restart, how many of them are there after it)."""
    query = "/api/metrics?type=load.avg1"
    with _up(folder / "steady") as one:
        before = json.loads(_get(one.url + query))["series"][0]["times"]
    with _up(folder / "steady") as one:
        after = set(json.loads(_get(one.url + query))["series"][0]["times"])
    return len(before), sum(then in after for then in before)


def _until(holds: Any) -> None:
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.01)
    raise RuntimeError("`sysmon up` did not come up")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())
