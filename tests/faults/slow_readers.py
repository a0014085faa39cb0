"""F19: who asks and does not read: channels that never take a message, answers that are left lying."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

from faults.hostile import WAIT_S, GoodHost, connect, gauge, post, with_limits, within
from faults.oracle import BrokenError

if TYPE_CHECKING:
    import http.client
    from pathlib import Path

    from aggregator_process import AggregatorProcess

_HOSTS: Final = 150  # with as many tags as are allowed: a delta of all of them is some 600 KB
_TAGS: Final = 16
_QUEUE: Final = 4
_UNREAD_S: Final = 2
_READERS: Final = 12  # more than there are threads for answers
_PUSHES: Final = 200
_GROWTH_MIB: Final = 150


@dataclass
class Tally:
    closed: int = 0
    readers_cut: int = 0
    p99_before_max_us: int = 0
    p99_during_max_us: int = 0
    rss_growth_max_mib: int = 0


def never_read(seed: int, tries: int, folder: Path) -> Tally:
    """So many channels, and some answers, that nobody reads. Raises BrokenError."""
    tally = Tally()
    limits = {
        "ws_queue": _QUEUE,
        "unread_s": _UNREAD_S,
        "ws_clients_per_address": 64,
        "tags_per_metric": _TAGS,
    }
    with contextlib.ExitStack() as opened:
        running = opened.enter_context(with_limits(folder, **limits))
        good = opened.enter_context(GoodHost(running))
        fleet = _Fleet(opened.enter_context(connect(running)), seed)
        fleet.push()
        tally.p99_before_max_us = round(good.pushes(_PUSHES) * 1e6)
        rss = running.rss_mib()
        silent = [opened.enter_context(_silent(running, _upgrade())) for _ in range(tries)]
        within(WAIT_S, lambda: gauge(running, "ws_clients") == tries, "all of them listen")
        asked = _request("/api/hosts") * 8
        readers = [opened.enter_context(_silent(running, asked)) for _ in range(_READERS)]

        def all_are_gone() -> bool:
            fleet.push()
            return gauge(running, "ws_clients") == 0

        within(WAIT_S, all_are_gone, "channels that are not read are closed")
        tally.p99_during_max_us = round(good.pushes(_PUSHES) * 1e6)
        within(WAIT_S, lambda: not _connected(running, [*silent, *readers]), "what is not read is cut")
        tally.closed, tally.readers_cut = len(silent), len(readers)
        tally.rss_growth_max_mib = round(running.rss_mib() - rss)
        if tally.rss_growth_max_mib > _GROWTH_MIB:
            raise BrokenError("error", f"{tally.rss_growth_max_mib} MiB more for what nobody read")
        good.check()
    return tally


class _Fleet:
    """Hosts with many tags, other ones at each push: so much to tell everybody."""

    def __init__(self, connection: http.client.HTTPConnection, seed: int) -> None:
        self._connection = connection
        self._round = seed

    def push(self) -> None:
        self._round += 1
        for number in range(_HOSTS):
            tags = {f"tag{n}": f"{self._round:08}" * 30 for n in range(_TAGS)}
            push = {"hostname": f"host{number}", "tags": tags, "metrics": []}
            status, code, _ = post(self._connection, push)
            if status != 200:
                raise BrokenError("error", f"{status} {code}")


def _silent(running: AggregatorProcess, request: bytes) -> socket.socket:
    """A connection whose owner never reads, with the smallest room for what it is sent."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    made.settimeout(WAIT_S)
    made.connect(running.address)
    made.sendall(request)
    return made


def _upgrade() -> bytes:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    lines = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return _request("/ws", *lines)


def _request(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def _connected(running: AggregatorProcess, ours: list[socket.socket]) -> int:
    """How many of our connections the aggregator still holds."""
    ports = {made.getsockname()[1] for made in ours}
    theirs = psutil.Process(running.process.pid).net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port in ports for one in theirs)
