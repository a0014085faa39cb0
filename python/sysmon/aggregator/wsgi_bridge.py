"""Flask behind the loop: one hop to a thread and one back for a request, whatever it answers.

(a2wsgi lends a thread to a body that is slow to come, and ten such clients stop everybody's questions; here
the body is whole before a thread sees it. It also crosses over once for the head, once for each part of the
body and once for its end: 0.1 to 0.2 ms of a small answer's 1.3.)
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from sysmon.aggregator.headers import ASGI_API_HEADERS
from sysmon.aggregator.refusal import Refusal, error_body

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

Scope = dict[str, Any]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]  # status, headers, the whole body

_THREADS: Final = 10
_UNPREFIXED: Final = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


class WsgiBridge:
    """An ASGI application for `http` scopes around a WSGI one (PEP 3333).

    Args:
        app: answers with a whole body; it is never given more than `body_bytes`.
        body_bytes: what of a body is read; an application refuses a longer one by its Content-Length.
        body_timeout_s: how long a body may take to come.
    """

    def __init__(self, app: WSGIApplication, body_bytes: int, body_timeout_s: float) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._body_timeout_s = body_timeout_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="flask")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        try:
            environ = _environ(scope, await self._body(scope, receive))
        except Refusal as refusal:
            status, headers, body = _last_answer(refusal)
        else:
            loop = asyncio.get_running_loop()
            status, headers, body = await loop.run_in_executor(self._threads, _call, self._app, environ)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        """Lets the threads end; what they answer at the moment is still answered."""
        self._threads.shutdown(wait=False)

    async def _body(self, scope: Scope, receive: Any) -> bytes:
        """What belongs to the request, as far as its Content-Length is one that is read.

        A chunked body is not: it is refused, and the connection ends with it, so that nothing that a proxy in
        front took for a part of that body is read as a request.
        """
        if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
            raise Refusal(411, "length_required", "send Content-Length; chunked bodies are not taken")
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit() or not 0 < int(length) <= self._body_bytes:
            return b""
        try:
            async with asyncio.timeout(self._body_timeout_s):
                return await _whole(receive)
        except TimeoutError:
            message = f"no whole body within {self._body_timeout_s:g} s"
            raise Refusal(408, "body_timeout", message) from None


async def _whole(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):  # the end; or the client left, and nobody reads the answer
            return b"".join(parts)


def _environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    """The request as PEP 3333 wants it. Names with `_` are left out: they would pass for those with `-`."""
    server, port = scope.get("server") or ("localhost", 80)
    client, client_port = scope.get("client") or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            continue
        key = _UNPREFIXED.get(name) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _call(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """On a thread. Nothing is sent before the application has given all: a later head replaces the first."""
    head: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:  # noqa: ARG001
        head[:] = (status, headers)

    parts = app(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    status, headers = head
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return int(status[:3]), fields, body


def _last_answer(refusal: Refusal) -> Answer:
    """A refusal with the connection's end: the rest of the body would be taken for the next request."""
    body = error_body(refusal.code, str(refusal))
    headers = [
        (b"content-type", b"application/json"),
        *ASGI_API_HEADERS,
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    return refusal.status, headers, body
