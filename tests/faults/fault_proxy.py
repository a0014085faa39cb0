"""An HTTP proxy between agents and the aggregator that does what networks and strangers do.

No root, no kernel: what is done to a request is decided by `rule`, a function of the request, so that a run
with the same seed does the same. It knows requests and replies, so that it can cut them at any byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: a close sends RST, as from a router that lost its state
_MAX_HEAD: Final = 1 << 16


@dataclass(frozen=True)
class Request:
    """One request as its bytes are."""

    number: int  # from 0, of the proxy
    head: bytes  # with the empty line
    body: bytes

    def header(self, name: str) -> str | None:
        found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*(.*?)\r$", self.head)
        return found[1].decode("latin-1") if found else None

    @property
    def stream(self) -> str:
        return self.header("X-SysMon-Stream") or ""

    @property
    def seqs(self) -> range:
        """Of its batches; empty where it has none."""
        first, _, last = (self.header("X-SysMon-Seq") or "1-0").partition("-")
        return range(int(first), int(last or first) + 1)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is done to one request: by default nothing."""

    latency_s: float = 0.0
    bytes_per_s: float | None = None  # both ways
    slice_bytes: int | None = None  # written in pieces of so many
    cut_request: int | None = None  # reset once so many of its bytes have gone on
    cut_reply: int | None = None  # likewise of the reply; 0: done, and nobody is told
    hang: bool = False  # taken and never answered
    canned: bytes | None = None  # a whole reply in the aggregator's place, which sees nothing
    copies: int = 1  # so often it is delivered; the first reply is passed on
    hold: bool = False  # taken and reset; `release` delivers it


NOTHING: Final = Fault()


def canned(status: int, body: bytes | str = b"", **headers: str) -> Fault:
    """A reply made here; an underscore in a header's name stands for its dash."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Canned", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return Fault(canned="\r\n".join([*lines, "", ""]).encode() + content)


def error(status: int, code: str, **headers: str) -> Fault:
    """A refusal in the aggregator's own shape."""
    return canned(status, f'{{"error": {{"code": "{code}", "message": "canned"}}}}', **headers)


@dataclass
class Seen:
    """What the proxy saw of a request, for the ledger."""

    request: Request
    reply: bytes | None  # the aggregator's own, whether or not it was passed on


@dataclass
class _Held:
    requests: list[Request] = field(default_factory=list)


class FaultProxy:
    """Runs in a thread while the context is open.

    `upstream` is asked for each request, so that the aggregator may come back elsewhere. `rule`, `on_sent`
    (before a request goes on) and `on_seen` (after the reply) are called on the proxy's thread.
    """

    def __init__(
        self,
        upstream: Callable[[], tuple[str, int]],
        *,
        tls: ssl.SSLContext | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        """
        Args:
            tls: what agents see first; its certificate may change meanwhile.
            listener: bound to where they connect, which may be another network namespace.
        """
        self.upstream = upstream
        self._tls = tls
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.rule: Callable[[Request], Fault] = lambda _: NOTHING
        self.on_sent: Callable[[Request], None] = lambda _: None
        self.on_seen: Callable[[Seen], None] = lambda _: None
        self.requests = 0
        self.delivering = 0  # requests that the aggregator has not answered yet
        self._held = _Held()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    # ---- the tests' side ----

    def release(self, *, newest_first: bool = False, times: int = 1) -> int:
        """Delivers what was held, so many times each, and returns how many there were."""
        future = asyncio.run_coroutine_threadsafe(self._release(newest_first, times), self._loop)
        return future.result(60)

    def deliver(self, request: Request) -> bytes:
        """Sends a request again, from a recording; the reply."""
        return asyncio.run_coroutine_threadsafe(self._deliver(request, NOTHING), self._loop).result(60)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    # ---- the proxy's thread ----

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, sock=self._listener, ssl=self._tls, limit=_MAX_HEAD)
        host, port = self._listener.getsockname()[:2]
        self.url = f"{'https' if self._tls else 'http'}://{host}:{port}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _reset(writer)  # one of the two sides is gone: so is the other
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        request = Request(self.requests, head, body)
        fault = self.rule(request)
        self.requests += 1
        if fault.latency_s:
            await asyncio.sleep(fault.latency_s)
        if fault.hang:
            await reader.read()  # until the other side has had enough
            return False
        if fault.canned is not None:
            await _write(writer, fault.canned, fault)
            return True
        if fault.hold:
            self.on_sent(request)
            self._held.requests.append(request)
            _reset(writer)
            return False
        self.on_sent(request)
        reply = await self._deliver(request, fault)
        for _ in range(fault.copies - 1):
            await self._deliver(request, NOTHING)
        if fault.cut_request is not None or not reply:
            _reset(writer)
            return False
        if fault.cut_reply is not None and fault.cut_reply < len(reply):
            await _write(writer, reply[: fault.cut_reply], fault)
            _reset(writer)
            return False
        await _write(writer, reply, fault)
        return b"connection: close" not in reply.lower()

    async def _deliver(self, request: Request, fault: Fault) -> bytes:
        """The aggregator's reply; empty where it was cut off."""
        self.delivering += 1
        try:
            return await self._deliver_to(*self.upstream(), request, fault)
        finally:
            self.delivering -= 1

    async def _deliver_to(self, host: str, port: int, request: Request, fault: Fault) -> bytes:
        reader, writer = await asyncio.open_connection(host, port, limit=_MAX_HEAD)
        try:
            sent = request.head + request.body
            if fault.cut_request is not None and fault.cut_request < len(sent):
                await _write(writer, sent[: fault.cut_request], fault)
                _reset(writer)
                return b""
            await _write(writer, sent, fault)
            reply = await _read_reply(reader)
            self.on_seen(Seen(request, reply))
            return reply
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _release(self, newest_first: bool, times: int) -> int:
        held, self._held.requests = self._held.requests, []
        for request in reversed(held) if newest_first else held:
            for _ in range(times):
                await self._deliver(request, NOTHING)
        return len(held)


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _write(writer: asyncio.StreamWriter, data: bytes, fault: Fault) -> None:
    size = fault.slice_bytes or len(data) or 1
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        writer.write(piece)
        await writer.drain()
        if fault.bytes_per_s:
            await asyncio.sleep(len(piece) / fault.bytes_per_s)
        elif fault.slice_bytes:
            await asyncio.sleep(0)


async def _read_reply(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
