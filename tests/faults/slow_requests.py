"""F29: requests that come byte by byte, by the thousand: cut in the stated time, and nobody else waits."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import resource
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

import psutil

from aggregator_process import TOKEN
from faults.hostile import GoodHost, connect, with_limits, within
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator_process import AggregatorProcess

HEAD_S: Final = 10  # what docs/formats/wire.md says a head may take
_BODY_S: Final = 4
_SILENCE_S: Final = 75
_LATE_S: Final = 5  # that it may take longer on a busy machine
_BYTE_S: Final = 0.5  # from one byte to the next
_GROWTH_KIB: Final = 64  # of memory, for each connection
_PUSHES: Final = 100
_FILES: Final = 200  # beside the slow connections
_HOST: Final = "Host: localhost\r\n"
_JSON: Final = f"{_HOST}Content-Type: application/json\r\nContent-Length: 100000\r\n"
# What is sent at once, what follows byte by byte, and when it must be over at the latest.
KINDS: Final = {
    "head of a push": (f"POST /api/metrics HTTP/1.1\r\n{_HOST}", "X-A: ", HEAD_S),
    "head of a question": (f"GET /api/hosts HTTP/1.1\r\n{_HOST}", "X-A: ", HEAD_S),
    "first line": ("", "GET /" + "a" * 999, HEAD_S),
    "body of a push": (f"POST /api/metrics HTTP/1.1\r\n{_JSON}X-SysMon-Token: {TOKEN}\r\n\r\n", "{", _BODY_S),
    "body of a question": (f"POST /api/session HTTP/1.1\r\n{_JSON}\r\n", "{", _BODY_S),
    "nothing at all": ("", "", _SILENCE_S),
}


@dataclass
class Tally:
    cut: int = 0
    answered_408: int = 0
    life_max_ms: int = 0  # of a connection that sent byte by byte
    p99_before_max_us: int = 0
    p99_during_max_us: int = 0
    health_p99_max_us: int = 0
    rss_growth_max_mib: int = 0
    hostile_inputs: int = 0
    hostile_5xx: int = 0


@dataclass
class _Slow:
    kind: str
    began: float
    ended: float = 0.0
    answer: bytes = b""


def be_slow(seed: int, tries: int, folder: Path, *, silent: bool = True) -> Tally:
    """So many connections at once, of every kind; without `silent`, of those that last seconds.

    Raises:
        BrokenError: one of them lived on, the aggregator grew, or a host that behaves had to suffer.
    """
    _allow_files(tries)
    tally = Tally(hostile_inputs=tries)
    kinds = [kind for kind in KINDS if silent or KINDS[kind][2] < _SILENCE_S]
    chosen = Random(seed).choices(kinds, k=tries)
    with with_limits(folder, body_timeout_s=_BODY_S) as running, GoodHost(running) as good:
        tally.p99_before_max_us = round(good.pushes(_PUSHES) * 1e6)
        before_files = _files(running)
        asyncio.run(_crowd(running, chosen, good, tally))
        within(_LATE_S, lambda: _files(running) <= before_files + 2, "their descriptors are free again")
        if tally.rss_growth_max_mib > 16 + tries * _GROWTH_KIB / 1024:
            raise BrokenError("error", f"{tally.rss_growth_max_mib} MiB more for {tries} slow connections")
        good.check()
    if tally.hostile_5xx:
        raise BrokenError("error", f"{tally.hostile_5xx} answers were 5xx")
    return tally


async def _crowd(running: AggregatorProcess, kinds: list[str], good: GoodHost, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    before_mib = running.rss_mib()
    slow = [loop.create_task(_dribble(running.address, kind)) for kind in kinds]
    await asyncio.sleep(min(HEAD_S, _BODY_S) / 2)  # all are there, none is cut
    tally.p99_during_max_us = round(await asyncio.to_thread(good.pushes, _PUSHES) * 1e6)
    tally.health_p99_max_us = round(await asyncio.to_thread(_ask, running) * 1e6)
    tally.rss_growth_max_mib = round(running.rss_mib() - before_mib)
    for one in await asyncio.gather(*slow):
        _, dribble, limit_s = KINDS[one.kind]
        life_s = one.ended - one.began
        if life_s > limit_s + _LATE_S:
            raise BrokenError("error", f"{one.kind}: it lived for {life_s:.1f} s")
        status = one.answer[9:12]
        tally.cut += 1
        tally.answered_408 += status == b"408"
        tally.hostile_5xx += status.startswith(b"5")
        if dribble:
            tally.life_max_ms = max(tally.life_max_ms, round(life_s * 1000))
        if "body" in one.kind and status != b"408":
            raise BrokenError("error", f"{one.kind}: {one.answer[:80]!r} instead of 408")


async def _dribble(address: tuple[str, int], kind: str) -> _Slow:
    """Sends until the other side has had enough."""
    first, dribble, limit_s = KINDS[kind]
    reader, writer = await asyncio.open_connection(*address)
    one = _Slow(kind, time.monotonic())
    sender = asyncio.create_task(_send(writer, first, dribble))
    try:
        async with asyncio.timeout(limit_s + 3 * _LATE_S):
            while piece := await reader.read(65_536):
                one.answer += piece
    except (OSError, TimeoutError):
        pass  # reset; or never, which is found out by its age
    one.ended = time.monotonic()
    sender.cancel()
    writer.transport.abort()
    return one


async def _send(writer: asyncio.StreamWriter, first: str, dribble: str) -> None:
    with contextlib.suppress(OSError):
        writer.write(first.encode())
        for byte in itertools.cycle(dribble):  # none of it where there is nothing to repeat
            await asyncio.sleep(_BYTE_S)
            writer.write(byte.encode())
            await writer.drain()


def _ask(running: AggregatorProcess) -> float:
    """The 99th percentile of a question on a connection of its own, in seconds."""
    took = []
    for _ in range(_PUSHES):
        began = time.monotonic()
        with connect(running) as connection:
            connection.request("GET", "/api/health")
            if connection.getresponse().status != http.client.OK:
                raise BrokenError("error", "/api/health is not 200")
        took.append(time.monotonic() - began)
    return sorted(took)[int(_PUSHES * 0.99)]


def _files(running: AggregatorProcess) -> int:
    return psutil.Process(running.process.pid).num_fds()


def _allow_files(count: int) -> None:
    """For this process and those it starts: connections have two ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + _FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + _FILES), hard))
