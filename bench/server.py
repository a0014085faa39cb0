"""A server that stores samples, on a core of its own: loaded, asked and timed alike, ours or a peer's."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.generator import tool
from bench.process import cpu_s, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.generator import Dataset

SERVER_CORE = 0
CLIENT_CORE = 1
_CONNECTIONS = 4
_WARM_UP = 3
_ROUNDS = 100
_READY_S = 60.0


@dataclass(frozen=True)
class Load:
    """What posting some ticks cost the server."""

    samples: int
    posts: int
    cpu_s: float
    p50_ms: float
    p99_ms: float

    @property
    def cpu_ms_a_post(self) -> float:
        return self.cpu_s / self.posts * 1e3


@dataclass(frozen=True)
class Timing:
    """A question asked a hundred times in a row over one connection."""

    p50_ms: float
    p99_ms: float
    cpu_ms: float  # of the server, a question
    answer: Any

    def __str__(self) -> str:
        return f"{self.p50_ms:.2f} / {self.p99_ms:.2f} ms, {self.cpu_ms:.2f} ms CPU"


@dataclass(frozen=True)
class Server:
    """A running server; how it wants to be posted to."""

    name: str
    pid: int
    port: int
    post_path: str
    encoding: str  # of the dataset
    headers: tuple[str, ...]

    def post(
        self,
        data: Dataset,
        first_tick: int,
        last_tick: int,
        posts_s: int = 0,
        connections: int = _CONNECTIONS,
    ) -> Load:
        """Posts the ticks in [first, last) as fast as it answers, or on a schedule of so many posts a second.

        Raises:
            RuntimeError: an answer was not 2xx.
        """
        ticks = (first_tick, last_tick)
        return self._post(data.bodies(self.encoding), data.series, data.hosts, ticks, posts_s, connections)

    def _post(
        self,
        bodies: Path,
        samples: int,
        posts_a_tick: int,
        ticks: tuple[int, int],
        posts_s: int,
        connections: int = _CONNECTIONS,
    ) -> Load:
        command: list[str | Path] = [
            *pinned(CLIENT_CORE),
            tool("loadgen"),
            bodies,
            *map(str, (self.port, self.post_path, connections, self.pid, samples, posts_a_tick)),
            *map(str, (*ticks, posts_s)),
            *self.headers,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        if any(not code.startswith("2") for code in told["codes"]):
            raise RuntimeError(f"{self.name} answered {told['codes']}: {done.stderr[:500]}")
        return Load(told["samples"], told["posts"], told["server_cpu_s"], told["p50_ms"], told["p99_ms"])

    def request(self, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> bytes:
        """The body of one answer. Raises RuntimeError if it is not 2xx."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            return self._exchange(connection, path, method, headers)
        finally:
            connection.close()

    def ask(self, path: str) -> Timing:
        """Times a question of the read API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        took_ms = []
        cpu = 0.0
        body = b""
        for i in range(_WARM_UP + _ROUNDS):
            if i == _WARM_UP:
                cpu = cpu_s(self.pid)
            start = time.perf_counter()
            body = self._exchange(connection, path)
            took_ms.append((time.perf_counter() - start) * 1e3)
        cpu = cpu_s(self.pid) - cpu
        connection.close()
        took_ms = sorted(took_ms[_WARM_UP:])
        return Timing(
            took_ms[_ROUNDS // 2], took_ms[_ROUNDS * 99 // 100], cpu / _ROUNDS * 1e3, json.loads(body)
        )

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
    ) -> bytes:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{self.name}: {method} {path}: {answer.status} {body[:300]!r}")
        return body


def pinned(core: int) -> list[str]:
    """What goes before a command that shall stay on one core; nothing where there is only one."""
    return ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > 1 else []


@contextmanager
def serving(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    ready: tuple[int, str],
    env: dict[str, str] | None = None,
) -> Iterator[int]:
    """Start a server on its core and yield its pid once GET `ready` (port, path) is answered with 2xx."""
    with running([*pinned(SERVER_CORE), *command], log, env) as pid:
        probe = Server(name, pid, ready[0], "", "", ())
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                probe.request(ready[1])
                break
            except (OSError, RuntimeError):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{name} did not come up: {log.read_text()[-500:]}") from None
                time.sleep(0.1)
        yield pid


@contextmanager
def client_core() -> Iterator[None]:
    """This process on the client's core, away from the server's."""
    before = os.sched_getaffinity(0)
    if CLIENT_CORE in before:
        os.sched_setaffinity(0, {CLIENT_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def url(path: str, **arguments: object) -> str:
    return f"{path}?{urllib.parse.urlencode(arguments)}"
