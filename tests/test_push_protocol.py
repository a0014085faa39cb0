"""One connection's pushes, byte by byte: on a transport that remembers and a clock that is set by hand."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from service_kit import TOKEN, ServiceKit
from sysmon.aggregator.push_protocol import SILENCE_S, AnswerHeads, PushProtocol
from sysmon.aggregator.room import LEAST, Room
from sysmon.aggregator.storage import Ticket, Written
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysmon.aggregator.storage import Waiter, Write

BODY = b'{"hostname":"web01","metrics":[{"type":"cpu.total_usage","value":1}]}'


class HandLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run when the test says what time it is."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self.now

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Runs what is due on the way there, in order."""
        end = self.now + seconds
        while due := [timer for timer in self.timers if not timer.cancelled() and timer.when() <= end]:
            timer = min(due, key=lambda timer: timer.when())
            self.timers.remove(timer)
            self.now = timer.when()
            timer._run()
        self.now = end


class Wire(asyncio.Transport):
    """What the server does to its end of the connection."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.reads = True

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def take(self) -> list[tuple[int, dict[str, Any]]]:
        """(status, JSON) of the answers since the last call."""
        answers = []
        while self.sent:
            head, _, rest = self.sent.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body, self.sent = rest[:length], rest[length:]
            answers.append((int(head.split()[1]), json.loads(body) if body.startswith(b"{") else {}))
        return answers


class Line:
    """A connection to an aggregator whose store commits when the test says so."""

    def __init__(
        self, kit: ServiceKit, loop: HandLoop, monkeypatch: pytest.MonkeyPatch, others: int = 0
    ) -> None:
        self.loop = loop
        server = ServerState()
        server.connections.update(range(others))  # type: ignore[arg-type]
        self.queued: list[Waiter] = []
        monkeypatch.setattr(kit.service.storage, "submit", self._submit)
        config = uvicorn.Config(kit.service.asgi, ws="websockets-sansio", log_config=None)
        config.load()
        self.wire = Wire()
        self.protocol = PushProtocol(
            kit.service,
            AnswerHeads(),
            Room(0),
            config=config,
            server_state=server,
            app_state={},
            _loop=loop,
        )
        self.protocol.connection_made(self.wire)

    def _submit(self, write: Write, waiter: Waiter) -> Ticket:
        self.queued.append(waiter)
        for batch in write.batches:
            batch.stored = True
        return Ticket(waiter)

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    def commit(self) -> None:
        queued, self.queued = self.queued, []
        for waiter in queued:
            waiter.committed(Written())

    @property
    def statuses(self) -> list[int]:
        return [status for status, _ in self.wire.take()]


@pytest.fixture
def line(kit: ServiceKit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    loop = HandLoop()
    yield Line(kit, loop, monkeypatch)
    loop.close()


def request(body: bytes = BODY, *lines: str, token: str = TOKEN) -> bytes:
    fields = ["Host: localhost", f"X-SysMon-Token: {token}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(["POST /api/metrics HTTP/1.1", *fields, "", ""]).encode() + body


def test_a_push_is_answered_when_it_is_committed_and_not_before(line: Line) -> None:
    line.send(request())
    assert line.wire.take() == []
    line.commit()
    ((status, reply),) = line.wire.take()
    assert (status, reply["status"], reply["accepted"]) == (200, "ok", 1)
    assert not line.wire.closed


def test_it_may_come_byte_by_byte(line: Line) -> None:
    for byte in request():
        line.send(bytes([byte]))
    line.commit()
    assert line.statuses == [200]


def test_what_comes_while_a_push_waits_is_held_back(line: Line) -> None:
    line.send(request())
    line.send(request()[:30])
    assert not line.wire.reads
    line.commit()
    assert line.statuses == [200]
    assert line.wire.reads
    line.send(request()[30:])
    line.commit()
    assert line.statuses == [200]


def test_a_push_in_the_same_packet_as_the_one_before_is_not_taken(line: Line) -> None:
    line.send(request() + request())
    line.commit()
    assert line.statuses == [200]
    assert line.wire.closed  # a client that sent more knows by this that it has to send it again


def test_what_follows_a_push_and_is_not_http_does_not_spoil_its_answer(line: Line) -> None:
    line.send(request() + b"\0\0\0\0")
    line.commit()
    assert line.statuses == [200]
    assert line.wire.closed


def test_a_client_that_leaves_is_not_answered(line: Line) -> None:
    line.send(request())
    line.wire.close()
    line.protocol.connection_lost(None)
    line.commit()
    assert line.wire.take() == []


def test_a_commit_that_fails_is_503(line: Line) -> None:
    line.send(request())
    line.queued[0].failed(StorageError("disk full"))
    assert line.statuses == [503]
    assert not line.wire.closed


def test_close_is_what_the_client_asked_for(line: Line) -> None:
    line.send(request(BODY, "Connection: close"))
    line.commit()
    assert b"connection: close" in line.wire.sent
    assert line.wire.closed


def test_at_shutdown_a_push_is_answered_first(line: Line) -> None:
    line.send(request())
    line.protocol.shutdown()
    assert not line.wire.closed
    line.commit()
    assert b"connection: close" in line.wire.sent
    assert line.wire.closed


def test_100_continue_comes_when_the_head_will_do(line: Line) -> None:
    head, _, body = request(BODY, "Expect: 100-continue").partition(b"\r\n\r\n")
    line.send(head + b"\r\n\r\n")
    assert line.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    line.wire.sent = b""
    line.send(body)
    line.commit()
    assert line.statuses == [200]


def test_a_refused_body_is_swallowed_before_the_end(line: Line) -> None:
    whole = request(b"x" * 100, token="wrong")
    line.send(whole[:-50])
    assert line.statuses == [401]
    assert not line.wire.closed
    line.send(whole[-50:])
    assert line.wire.closed


def test_a_refused_body_that_does_not_come_is_not_waited_for(line: Line) -> None:
    line.send(request(b"x" * 100, token="wrong")[:-50])
    line.loop.advance(1.1)
    assert line.wire.closed


def test_who_sends_and_does_not_read_is_not_read_either(line: Line) -> None:
    line.protocol.pause_writing()
    line.send(request())
    line.commit()
    assert not line.wire.reads
    line.protocol.resume_writing()
    assert line.wire.reads


def test_descriptors_for_everything_else_are_kept(kit: ServiceKit, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = HandLoop()
    last = Line(kit, loop, monkeypatch, others=LEAST - 1)
    last.send(request())
    last.commit()
    assert last.statuses == [200]
    assert Line(kit, loop, monkeypatch, others=LEAST).wire.closed
    loop.close()
    many, now = Room(1_024), 0.0
    assert many.takes(1_024 - 128, now)
    assert not many.takes(1_024 - 127, now)


# ---- time --------------------------------------------------------------------------------------------------


def test_who_connects_may_send_later(line: Line) -> None:
    line.loop.advance(SILENCE_S - 1)
    line.send(request())
    line.commit()
    assert line.statuses == [200]


def test_a_silent_connection_is_closed(line: Line) -> None:
    line.loop.advance(SILENCE_S - 1)
    assert not line.wire.closed
    line.loop.advance(2)
    assert line.wire.closed


def test_who_sends_now_and_then_stays(line: Line) -> None:
    for _ in range(10):
        line.loop.advance(SILENCE_S - 1)
        line.send(request())
        line.commit()
    assert line.statuses == [200] * 10
    line.loop.advance(SILENCE_S + 1)
    assert line.wire.closed


def test_who_waits_for_a_commit_is_not_silent(line: Line) -> None:
    line.send(request())
    line.loop.advance(SILENCE_S * 3)
    assert not line.wire.closed


def test_a_head_that_has_begun_has_ten_seconds(line: Line) -> None:
    line.loop.advance(30)
    line.send(request()[:20])
    for _ in range(9):
        line.loop.advance(1)
        line.send(b"")
    assert not line.wire.closed
    line.loop.advance(1.1)
    assert line.wire.closed


def test_a_head_without_end_is_cut_off(line: Line) -> None:
    line.send(b"POST /api/metrics HTTP/1.1\r\n")
    for number in range(10):
        if not line.wire.closed:
            line.send(f"X-{number}: {'x' * 4_000}\r\n".encode())
    assert line.wire.closed
    assert line.wire.sent.startswith(b"HTTP/1.1 400")


def test_a_body_that_stops_is_408(line: Line) -> None:
    line.send(request()[:-1])
    line.loop.advance(9)
    assert line.statuses == []
    line.loop.advance(1.5)
    assert line.statuses == [408]
    line.loop.advance(1.1)
    assert line.wire.closed
