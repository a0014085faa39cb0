"""uvicorn, embedded: one process, one loop, our own signals, and an end that answers what is under way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from sysmon.aggregator.live_protocol import LiveProtocol
from sysmon.aggregator.push_protocol import SILENCE_S, AnswerHeads, PushProtocol
from sysmon.aggregator.room import ACCEPTED_AT_ONCE, Room
from sysmon.aggregator.service_manager import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysmon.aggregator.service import Aggregator

_SHUTDOWN_S: Final = 30
_BACKLOG: Final = 2_048
_PING_S: Final = 25


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: it would end the process by the signal instead of returning."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """One run of the server."""

    def __init__(
        self,
        aggregator: Aggregator,
        host: str | None,
        port: int | None,
        on_start: Callable[[str], Any],
        on_reload: Callable[[], Any],
    ) -> None:
        """Binds the socket. Raises OSError if that fails."""
        settings = aggregator.settings
        self._signal: signal.Signals | None = None
        self._socket = _bind(
            host or settings.host, settings.port if port is None else port, settings.limits.unread_s
        )
        self._on_start = on_start
        self._on_reload = on_reload
        self._storage = aggregator.storage
        self._manager = ServiceManager(os.environ)
        config = uvicorn.Config(
            aggregator.asgi,
            loop="asyncio",
            http=cast("Any", partial(PushProtocol, aggregator, AnswerHeads(), Room.of_process())),
            ws=LiveProtocol,
            ws_max_size=settings.limits.ws_message_bytes,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            ws_per_message_deflate=False,
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=ACCEPTED_AT_ONCE,
            timeout_keep_alive=SILENCE_S,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
        self._server = _Server(config)

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> signal.Signals | None:
        """Serves until it is stopped; by which signal, if by one."""
        _collect_rarely()
        asyncio.run(self._run())
        return self._signal

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError):  # signals exist on the main thread only
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._on_signal, number)
            loop.add_signal_handler(signal.SIGHUP, self._reload)
        # The socket listens before it says so: a client that is told the URL can connect at once.
        self._socket.listen(_BACKLOG)
        tasks = [
            asyncio.create_task(self._tell()),
            asyncio.create_task(self._manager.watch(lambda: self._storage.is_well)),
        ]
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _tell(self) -> None:
        while not self._server.started:
            await asyncio.sleep(0.01)
        self._socket.listen(_BACKLOG)  # asyncio has made it as short as what it accepts at once
        try:
            self._on_start(self.url)
        except BaseException:  # nobody reads where it was to be said: `run` raises it
            self.stop()
            raise
        self._manager.ready()

    def _reload(self) -> None:
        with self._manager.reloading():
            self._on_reload()

    def _on_signal(self, number: signal.Signals) -> None:
        self._signal = number
        self.stop()

    def stop(self) -> None:
        """Ends `run`; from any thread."""
        self._manager.stopping()
        self._server.should_exit = True


def _collect_rarely() -> None:
    """A full garbage collection stops everybody for 60 to 100 ms at ten thousand hosts, and finds nothing.

    What was loaded stays as long as the process; what a request leaves in a cycle dies young.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 100)


def _bind(host: str, port: int, unread_s: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, or asyncio leaves TCP_NODELAY off: every reply would wait 40 ms for an ACK.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it. Without it one whose peer reads nothing is never lost: its empty window is
        # acknowledged for ever, and closing waits for what is unsent.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unread_s * 1000))
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
