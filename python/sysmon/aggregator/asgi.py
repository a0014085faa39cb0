"""The front: pushes and the live channel as coroutines, everything else to Flask on threads."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from a2wsgi import WSGIMiddleware

from sysmon.aggregator.auth import same_origin, token_of, unauthorized
from sysmon.aggregator.headers import ASGI_API_HEADERS, SESSION_COOKIE
from sysmon.aggregator.hub import CLOSE_BUSY, CLOSE_POLICY, Client, running
from sysmon.aggregator.refusal import Refusal, error_body, refusal_of
from sysmon.errors import SysmonError

if TYPE_CHECKING:
    from sysmon.aggregator.push_head import PushHead
    from sysmon.aggregator.service import Aggregator
    from sysmon.aggregator.storage import Written

log = logging.getLogger(__name__)

Scope = dict[str, Any]

_THREADS: Final = 10
_OFF_LOOP_BYTES: Final = (
    64 * 1024
)  # what takes longer than about a millisecond to decode does not hold up the loop
_LINGER_BYTES: Final = 4 << 20
_LINGER_S: Final = 1.0
_OK_HEADERS: Final = [(b"content-type", b"application/json"), *ASGI_API_HEADERS]


class Front:
    """The ASGI application."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator
        self._ingest = aggregator.ingest
        self._limits = aggregator.settings.limits
        self._rest: Any = WSGIMiddleware(cast("Any", aggregator.app), workers=_THREADS)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if scope["path"] == "/api/metrics" and scope["method"] == "POST":
                await self._push(scope, receive, send)
            else:
                await self._rest(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _push(self, scope: Scope, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        unread = True
        try:
            if not self._aggregator.auth.may_push(push_token(headers)):
                raise unauthorized()
            head = self._ingest.head(headers)
            body = await self._body(receive, head.length)
            unread = False
            reply = await self._take(head, body)
        except SysmonError as error:
            refusal = refusal_of(error)
        except Exception:
            log.exception("a push failed")
            refusal = Refusal(500, "internal", "the aggregator failed; its log says how")
        else:
            await send(
                {"type": "http.response.start", "status": 200, "headers": [*_OK_HEADERS, _length(reply)]}
            )
            await send({"type": "http.response.body", "body": reply})
            return
        self._ingest.refused(refusal)
        await _refuse(send, refusal, receive if unread else None)

    async def _take(self, head: PushHead, body: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        if head.length > _OFF_LOOP_BYTES:
            begun = await loop.run_in_executor(None, self._ingest.begin, head, body)
        else:
            begun = self._ingest.begin(head, body)
        if isinstance(begun, bytes):
            return begun
        future: asyncio.Future[Written] = loop.create_future()
        self._aggregator.storage.submit(begun.write, future)
        return self._ingest.finish(begun, await future)

    async def _body(self, receive: Any, length: int) -> bytes:
        message: dict[str, Any] = await receive() if length <= _OFF_LOOP_BYTES else {"more_body": True}
        if not message.get("more_body", False):
            return bytes(message.get("body", b""))
        # Not all of it came with the headers: the sender gets so long for the rest, and no longer.
        parts = [message.get("body", b"")]
        try:
            async with asyncio.timeout(self._limits.body_timeout_s):
                while message.get("more_body", False):
                    message = await receive()
                    parts.append(message.get("body", b""))
        except TimeoutError:
            raise Refusal(
                408, "body_timeout", f"no whole body within {self._limits.body_timeout_s:g} s"
            ) from None
        return b"".join(parts)

    async def _socket(self, scope: Scope, receive: Any, send: Any) -> None:
        await receive()  # websocket.connect
        if not self._may_listen(scope):
            await send({"type": "websocket.close", "code": CLOSE_POLICY})  # before accept: HTTP 403
            return
        await send({"type": "websocket.accept"})
        client = self._aggregator.hub.join(scope["client"][0] if scope.get("client") else "")
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
            self._aggregator.auth.check("read", token=push_token(headers), cookie=cookie, host=host)
        except Refusal:
            return False
        return True

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        async with running(self._aggregator.hub):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _send_all(client: Client, send: Any) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # the client left; `receive` tells so
        while not client.lagging:
            text = await client.queue.get()
            await send({"type": "websocket.send", "text": text.decode()})
        await send({"type": "websocket.close", "code": CLOSE_BUSY})


async def _refuse(send: Any, refusal: Refusal, receive: Any | None) -> None:
    """Answers an error; with `receive` the body was not read to its end, and the connection ends."""
    body = error_body(refusal.code, str(refusal))
    headers = [*_OK_HEADERS, _length(body)]
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
    if receive is not None:  # an unread body would be taken for the next request
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": receive is not None})
    if receive is not None:
        await _linger(receive)
        await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Any) -> None:
    """Swallows some of an unread body: closing on top of it would reset the connection, answer and all."""
    left = _LINGER_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def push_token(headers: dict[bytes, bytes]) -> str | None:
    return token_of(_text(headers, b"x-sysmon-token"), _text(headers, b"authorization"))


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _cookie(header: str | None) -> str | None:
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return None


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)
