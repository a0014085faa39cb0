"""The front: the live channel as a coroutine, everything else to Flask on threads.

Pushes do not come this far: push_protocol.py answers them. On another ASGI server they would go to Flask.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from sysmon.aggregator.auth import same_origin, token_in
from sysmon.aggregator.headers import SESSION_COOKIE, address_of
from sysmon.aggregator.hub import CLOSE_BUSY, CLOSE_POLICY, Client, running
from sysmon.aggregator.live_protocol import GIVE_UP
from sysmon.aggregator.refusal import Refusal
from sysmon.aggregator.wsgi_bridge import Scope, WsgiBridge

if TYPE_CHECKING:
    from sysmon.aggregator.service import Aggregator

log = logging.getLogger(__name__)


class Front:
    """The ASGI application."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator
        limits = aggregator.settings.limits
        self._rest = WsgiBridge(aggregator.app, limits.body_bytes, limits.body_timeout_s)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._rest(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _socket(self, scope: Scope, receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        if not self._may_listen(scope):
            await send({"type": "websocket.close", "code": CLOSE_POLICY})  # before accept: HTTP 403
            return
        await send({"type": "websocket.accept"})
        give_up = scope.get("extensions", {}).get(GIVE_UP, {}).get("end")
        client = self._aggregator.hub.join(self._address(scope), give_up)
        if client is None:
            await send({"type": "websocket.close", "code": CLOSE_BUSY})
            return
        sender = asyncio.create_task(_send_all(client, send))
        hub = self._aggregator.hub
        try:
            while (message := await receive())["type"] == "websocket.receive":
                try:
                    hub.hear(client, message.get("text") or message.get("bytes") or b"")
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    await send({"type": "websocket.close", "code": CLOSE_POLICY})
                    break
        finally:
            hub.leave(client)
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    def _may_listen(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        host, origin = _text(headers, b"host"), _text(headers, b"origin")
        # Another site's page may open a socket to us, with our cookie: its Origin tells.
        if scope["path"] != "/ws" or (origin is not None and not same_origin(origin, host)):
            return False
        cookie = _cookie(_text(headers, b"cookie"))
        try:
            self._aggregator.auth.check(
                "read", token=token_in(headers), cookie=cookie, host=host, address=self._address(scope)
            )
        except Refusal:
            return False
        return True

    def _address(self, scope: Scope) -> str:
        peer = str(scope["client"][0]) if scope.get("client") else ""
        return address_of(peer, scope["headers"], self._aggregator.settings.trusted_hops)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        async with running(self._aggregator.hub):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        self._rest.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _send_all(client: Client, send: Any) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # the client left; `receive` tells so
        while not client.lagging:
            text = await client.queue.get()
            await send({"type": "websocket.send", "text": text.decode()})
        await send({"type": "websocket.close", "code": CLOSE_BUSY})


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _cookie(header: str | None) -> str | None:
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return None
