"""HTTP on one connection: pushes are answered here, without a task each; everything else is uvicorn's.

A push needs no scope, no task, one write and no timer this way. What uvicorn lacks is here too: a bound on
the bytes and the seconds of a request's head, and on silence.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sysmon.aggregator.auth import token_in
from sysmon.aggregator.headers import ASGI_API_HEADERS, address_of
from sysmon.aggregator.refusal import Refusal, error_body, refusal_of
from sysmon.errors import StorageError, SysmonError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from sysmon.aggregator.ingest import Pending
    from sysmon.aggregator.push_head import PushHead
    from sysmon.aggregator.room import Room
    from sysmon.aggregator.service import Aggregator
    from sysmon.aggregator.storage import Written

log = logging.getLogger(__name__)

SILENCE_S: Final = 75  # longer than the agents' usual interval, so that they keep their connection
_HEAD_S: Final = 10
_HEAD_BYTES: Final = 32 * 1024
_OFF_LOOP_BYTES: Final = 64 * 1024  # what takes longer than about a millisecond to decode holds up no loop
_LINGER_BYTES: Final = 4 << 20
_LINGER_S: Final = 1.0
_TARGET: Final = b"/api/metrics"

Field = tuple[bytes, bytes]

# What a connection is doing. Up to _LINGERING it reads.
_IDLE: Final = 0  # or busy with a request that is uvicorn's
_IN_HEAD: Final = 1
_IN_BODY: Final = 2
_UNWANTED: Final = 3  # reads the body of a bundle that will be refused; nothing of it is kept
_LINGERING: Final = 4  # a push was refused before its body had come
_WAITING: Final = 5  # for a commit
_CLOSED: Final = 6
_READING: Final = (_IN_HEAD, _IN_BODY, _UNWANTED)


class AnswerHeads:
    """The heads of plain answers, as all connections share them; made again when the date moves on."""

    def __init__(self) -> None:
        self._dated: list[Field] = []
        self._heads: dict[int, bytes] = {}

    def of(self, status: int, dated: list[Field]) -> bytes:
        """`dated`: uvicorn's own fields, a new list each second."""
        if dated is not self._dated:
            self._dated, self._heads = dated, {}
        head = self._heads.get(status)
        if head is None:
            head = self._heads[status] = head_of(status, dated, ())
        return head


def head_of(status: int, dated: Sequence[Field], more: Sequence[Field]) -> bytes:
    """A head that ends where the number of the body's bytes follows."""
    fields = [*dated, (b"content-type", b"application/json"), *ASGI_API_HEADERS, *more]
    return STATUS_LINE[status] + b"".join(b"%b: %b\r\n" % field for field in fields) + b"content-length: "


class PushProtocol(HttpToolsProtocol):
    """One connection. One push of it at most waits for its commit; what comes meanwhile is held back."""

    def __init__(self, aggregator: Aggregator, heads: AnswerHeads, room: Room, **given: Any) -> None:
        super().__init__(**given)
        self._aggregator = aggregator
        self._room = room
        self._ingest = aggregator.ingest
        self._heads = heads
        self._state = _IDLE
        self._heard = 0.0  # when something came last
        self._silence: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None  # of a head or body that is not whole
        self._head_bytes = 0
        self._head: PushHead | None = None
        self._parts: list[bytes] = []
        self._entered_s: float | None = None  # its push is a bundle, and has passed the gate
        self._linger_bytes = 0
        self._keep = True  # the connection, after the answer
        self._pending: Pending | None = None
        self._held = b""

    # ---- the connection ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._heard = self.loop.time()
        if not self._room.takes(len(self.connections), self._heard):
            self._close()
            return
        self._silence = self.loop.call_later(SILENCE_S, self._check_silence)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = _CLOSED
        self._cancel_timers()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._cancel_timers()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        if self._state >= _WAITING:
            self._hold(data)
            return
        self._heard = self.loop.time()
        super().data_received(data)
        if self._state in _READING:
            self._watch(len(data))

    def _hold(self, data: bytes) -> None:
        if self._state == _WAITING:
            self._held += data
            self.flow.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flow.resume_reading()

    def shutdown(self) -> None:
        if self._state in (_IN_BODY, _UNWANTED, _WAITING):
            self._keep = False
        else:
            super().shutdown()

    def _close(self) -> None:
        self._state = _CLOSED
        self.transport.close()

    # ---- how long, and how much ----------------------------------------------------------------------------

    def _check_silence(self) -> None:
        """Closes a connection that is of no use; one timer in its life, not one a request."""
        is_busy = self._state == _WAITING or (self.cycle is not None and not self.cycle.response_complete)
        left = SILENCE_S if is_busy else self._heard + SILENCE_S - self.loop.time()
        if left > 0:
            self._silence = self.loop.call_later(left, self._check_silence)
        else:
            self._close()

    def _watch(self, size: int) -> None:
        """The request is not whole yet: the rest has so long to come."""
        if self._state == _IN_HEAD:
            self._head_bytes += size
            if self._head_bytes > _HEAD_BYTES:
                self.send_400_response("Headers too large.")
                return
        if self._deadline is None:
            seconds = _HEAD_S if self._state == _IN_HEAD else self._aggregator.settings.limits.body_timeout_s
            self._deadline = self.loop.call_later(seconds, self._overdue)

    def _overdue(self) -> None:
        self._deadline = None
        if self._state in (_IN_BODY, _UNWANTED):
            seconds = self._aggregator.settings.limits.body_timeout_s
            self._refuse_unread(Refusal(408, "body_timeout", f"no whole body within {seconds:g} s"))
        else:
            self._close()

    def _in_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_timers(self) -> None:
        self._in_time()
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    # ---- what the parser finds -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._state != _IDLE:  # on the heels of a push, in the same packet; or after the last answer
            raise ValueError("not yet answered")
        self._state = _IN_HEAD
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_time()
        is_free = self.cycle is None or self.cycle.response_complete
        is_push = self.url == _TARGET and self.parser.get_method() == b"POST"
        if is_push and is_free and not self.parser.should_upgrade():
            self._open()
        else:  # uvicorn's; also a push on the heels of another request, which goes to Flask then
            self._state = _IDLE
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._state == _IN_BODY:
            self._parts.append(body)
        elif self._state == _LINGERING:
            self._linger_bytes -= len(body)
            if self._linger_bytes < 0:
                self._close()
        elif self._state == _IDLE:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._state == _IN_BODY:
            self._in_time()
            self._take()
        elif self._state == _UNWANTED:
            self._in_time()
            self._state = _WAITING
            self._refuse(self._ingest.gate.refusal())
        elif self._state == _LINGERING:
            self._close()
        elif self._state == _IDLE:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if self._state == _WAITING:  # what follows the push is wrong, or too early: its answer is the last
            self._keep = False
        elif self._state != _CLOSED:
            if self._state != _LINGERING:
                super().send_400_response(msg)
            self._close()

    # ---- a push --------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """The head of a push: is there anything in it that rules the body out?"""
        self._state = _IN_BODY
        self._keep = self.parser.should_keep_alive()
        headers = dict(self.headers)
        try:
            token = token_in(headers)
            peer = self.client[0] if self.client else ""
            address = address_of(peer, self.headers, self._aggregator.settings.trusted_hops)
            if not self._aggregator.auth.may_push(token, address):
                raise self._aggregator.auth.unauthorized(token, address)
            self._head = self._ingest.head(headers)
        except Exception as error:
            self._refuse_unread(_refusal(error))
            return
        if self._head.is_bundle and self._ingest.gate.is_full:
            self._state = _UNWANTED
        if self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take(self) -> None:
        """A push that came whole."""
        head, self._head = self._head, None
        parts, self._parts = self._parts, []
        if head is None:
            return
        self._state = _WAITING
        if head.is_bundle:
            if self._ingest.gate.is_full:  # by others, while this body came
                self._refuse(self._ingest.gate.refusal())
                return
            self._entered_s = self._ingest.gate.enter()
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if len(body) > _OFF_LOOP_BYTES:
            decoding = self.loop.run_in_executor(None, self._ingest.begin, head, body)
            decoding.add_done_callback(self._decoded)
            return
        try:
            begun = self._ingest.begin(head, body)
        except Exception as error:
            self._refuse(_refusal(error))
        else:
            self._commit(begun)

    def _decoded(self, decoding: asyncio.Future[bytes | Pending]) -> None:
        error = decoding.exception()
        if error is None:
            self._commit(decoding.result())
        else:
            self._refuse(_refusal(error))

    def _commit(self, begun: bytes | Pending) -> None:
        if isinstance(begun, bytes):
            self._answer(200, begun)
            return
        self._pending = begun
        try:
            self._aggregator.storage.submit(begun.write, self)
        except StorageError as error:
            self._refuse(_refusal(error))

    # storage.Waiter

    def committed(self, written: Written) -> None:
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            reply = self._ingest.finish(pending, written)
        except Exception as error:
            self._refuse(_refusal(error))
        else:
            self._answer(200, reply)

    def failed(self, error: StorageError) -> None:
        self._pending = None
        self._refuse(_refusal(error))

    # ---- answers -------------------------------------------------------------------------------------------

    def _answer(self, status: int, body: bytes, more: Sequence[Field] = ()) -> None:
        if self._entered_s is not None:
            self._ingest.gate.leave(self._entered_s)
            self._entered_s = None
        if self._state == _CLOSED:  # the client left
            return
        dated = self.server_state.default_headers
        if self._keep and not more:
            head = self._heads.of(status, dated)
        else:
            head = head_of(status, dated, more if self._keep else [*more, (b"connection", b"close")])
        self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        if self._state == _WAITING:
            self._go_on()

    def _go_on(self) -> None:
        if not self._keep:
            self._close()
            return
        self._state = _IDLE
        if self._held:
            data, self._held = self._held, b""
            self.data_received(data)
        if self.flow.write_paused:  # a client that sends and does not read
            self.flow.pause_reading()
        elif self._state != _WAITING:
            self.flow.resume_reading()

    def _refuse(self, refusal: Refusal) -> None:
        self._ingest.refused(refusal)
        more: list[Field] = []
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            more.append((b"www-authenticate", b"Bearer"))
        if refusal.retry_after_s is not None:
            more.append((b"retry-after", b"%d" % refusal.retry_after_s))
        self._answer(refusal.status, error_body(refusal.code, str(refusal)), more)

    def _refuse_unread(self, refusal: Refusal) -> None:
        """Refuses before the body has come, which would be taken for the next request: so this is the last.

        Closing on top of a body would reset the connection, answer and all: some of it is swallowed first.
        """
        self._in_time()
        self._keep = False
        self._state = _LINGERING
        self._linger_bytes = _LINGER_BYTES
        self._parts = []
        self._refuse(refusal)
        self._deadline = self.loop.call_later(_LINGER_S, self._overdue)


def _refusal(error: BaseException) -> Refusal:
    if isinstance(error, SysmonError):
        return refusal_of(error)
    log.error("a push failed", exc_info=error)
    return Refusal(500, "internal", "the aggregator failed; its log says how")
