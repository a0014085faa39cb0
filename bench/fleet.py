"""Ten thousand hosts that push every ten seconds: latency, memory, and how large the journal gets."""

from __future__ import annotations

import resource
import secrets
import socket
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.aggregator import bite, longest_job_ms, own_figure
from bench.ingest import METRICS, free_port, load, wait_ready, write_bodies
from bench.process import BIN, memory, running
from bench.report import Figure, bar

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTS = 10_000
SECONDS = 600
WARM_UP_S = 60
_SOME_HOSTS = (100, 1_000)
_SOME_S = 30
_ALONE_S = 5
_RATE = 1_000
_CONNECTIONS = 200
_SILENT = 200
_CROWD_S = 120
_WATCH_S = 2.0
_FILES = 30_000
_STACK_BYTES = 256 << 10  # a thread of the load a connection


@dataclass
class Peak:
    """The most that was seen while a load ran."""

    rss_mib: float = 0.0
    database_mib: float = 0.0
    journal_mib: float = 0.0


def measure() -> list[Figure]:
    """Memory at 100, 1,000 and 10,000 hosts; the latter for ten minutes, then on a connection each."""
    _raise_limits()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = [_some(folder, hosts) for hosts in _SOME_HOSTS]
        return [*few, *_all(folder)]


def _some(folder: Path, hosts: int) -> Figure:
    with _aggregator(folder / str(hosts), hosts) as one:
        base = one.warm()
        one.load(_CONNECTIONS, _SOME_S)
        used = memory(one.pid).rss
    return _memory_of(hosts, base, used)


def _memory_of(hosts: int, base: float, used: float) -> Figure:
    a_host = (used - base) / hosts * 1024
    return Figure(
        f"RSS, 1 host → {hosts} hosts",
        f"{base:.0f} → {used:.0f} MiB",
        f"{a_host:.0f} KiB a host",
        bar("≤ 20 KiB", a_host <= 20),
    )


def _all(folder: Path) -> list[Figure]:
    with _aggregator(folder / "all", HOSTS) as one:
        base = one.warm()
        with one.watched() as peak:
            steady = one.load(_CONNECTIONS, SECONDS, WARM_UP_S)
        bite_ms = longest_job_ms(one.port)
        used = memory(one.pid).rss
        with one.watched() as crowd_peak, one.silent(_SILENT):
            crowd = one.load(HOSTS, _CROWD_S, WARM_UP_S // 2)
    rate = f"{_RATE} pushes/s of {METRICS} metrics from {HOSTS} hosts"
    return [
        _memory_of(HOSTS, base, used),
        Figure(
            f"{rate}, {SECONDS} s over {_CONNECTIONS} connections",
            f"p50 {steady['p50_ms']:.2f}, p99 {steady['p99_ms']:.2f} ms",
            f"{steady['server_cpu_s'] / steady['wall_s'] * 100:.0f} % of a core; {_refused(steady)}",
            bar("p99 < 20 ms, none refused", steady["p99_ms"] < 20 and not steady["refused"]),
        ),
        Figure("… RSS", f"at most {peak.rss_mib:.0f} MiB", "", bar("< 300 MiB", peak.rss_mib < 300)),
        bite(bite_ms),
        Figure(
            "… journal",
            f"at most {peak.journal_mib:.0f} MiB",
            f"the file and its WAL {peak.database_mib:.0f} MiB",
            bar("≤ 256 MiB", peak.journal_mib <= 256),
        ),
        Figure(
            f"{rate}, a connection each and {_SILENT} silent ones",
            f"p50 {crowd['p50_ms']:.2f}, p99 {crowd['p99_ms']:.2f} ms",
            f"RSS at most {crowd_peak.rss_mib:.0f} MiB; {_refused(crowd)}",
        ),
    ]


def _refused(load: dict[str, float]) -> str:
    return f"{load['refused']:.0f} refused"


@dataclass
class _Aggregator:
    pid: int
    port: int
    folder: Path

    def load(
        self, connections: int, seconds: int, warm_up_s: int = 0, bodies: str = ".bodies"
    ) -> dict[str, float]:
        token = self.folder.with_suffix(".token")
        return load(
            self.port,
            token,
            self.folder.with_suffix(bodies),
            connections,
            _RATE,
            self.pid,
            seconds,
            warm_up_s,
            refusals_count=True,
        )

    def warm(self) -> float:
        """RSS in MiB with one host, after the same load from it: threads, buffers and caches are there."""
        write_bodies(self.folder.with_suffix(".one"), hosts=1)
        self.load(_CONNECTIONS, _ALONE_S, bodies=".one")
        return memory(self.pid).rss

    @contextmanager
    def watched(self) -> Iterator[Peak]:
        peak, done = Peak(), threading.Event()

        def watch() -> None:
            while not done.wait(_WATCH_S):
                files = sum(path.stat().st_size for path in self.folder.glob("sysmon.db*"))
                peak.rss_mib = max(peak.rss_mib, memory(self.pid).rss)
                peak.database_mib = max(peak.database_mib, files / 2**20)
                journal = own_figure(self.port, "journal_bytes")
                peak.journal_mib = max(peak.journal_mib, journal / 2**20)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield peak
        finally:
            done.set()
            thread.join()

    @contextmanager
    def silent(self, count: int) -> Iterator[None]:
        """So many connections on which nothing is ever sent."""
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
            yield


@contextmanager
def _aggregator(folder: Path, hosts: int) -> Iterator[_Aggregator]:
    write_bodies(folder.with_suffix(".bodies"), hosts, variants=2)
    token = folder.with_suffix(".token")
    token.write_text(secrets.token_urlsafe(32))
    token.chmod(0o600)
    port = free_port()
    command = [BIN / "sysmon-aggregator", "--port", str(port), "--data-dir", folder]
    log = folder.with_suffix(".log")
    with running(command, log, {"SYSMON_AUTH_TOKEN_FILE": str(token), "PATH": "/usr/bin:/bin"}) as pid:
        wait_ready(port, log)
        yield _Aggregator(pid, port, folder)


def _raise_limits() -> None:
    """For this process and those it starts: a descriptor and a thread a connection."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, hard), hard))
    resource.setrlimit(resource.RLIMIT_STACK, (_STACK_BYTES, resource.getrlimit(resource.RLIMIT_STACK)[1]))
