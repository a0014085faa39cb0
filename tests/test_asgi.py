"""The front on a real socket: bodies of every kind of honesty, keep-alive, and the live channel."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from aggregator_process import TOKEN, AggregatorProcess
from service_kit import ServiceKit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = b'{"hostname": "web01", "interval": 0.1, "metrics": [{"type": "cpu.total_usage", "value": 1}]}'
HEADERS = {"X-SysMon-Token": TOKEN, "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AggregatorProcess]:
    home = tmp_path_factory.mktemp("asgi")
    (home / ".sysmon").mkdir()
    (home / ".sysmon" / "aggregator.yaml").write_text(
        "stale_min_s: 0.2\noffline_min_s: 1\nlimits: {body_timeout_s: 0.3, ws_clients: 3}\n"
    )
    with AggregatorProcess(home) as process:
        yield process


def raw(running: AggregatorProcess, *parts: bytes) -> tuple[int, bytes]:
    """(status, everything that came) after sending these bytes and reading until the end."""
    with socket.create_connection(running.address, timeout=20) as sock:
        for part in parts:
            sock.sendall(part)
        got = b""
        while chunk := sock.recv(65536):
            got += chunk
    return int(got.split(b" ", 2)[1]), got


def head(*lines: str, method: str = "POST", path: str = "/api/metrics") -> bytes:
    common = [
        "Host: localhost",
        "Content-Type: application/json",
        f"X-SysMon-Token: {TOKEN}",
        "Connection: close",
    ]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *common, *lines, "", ""]).encode()


def code(answer: bytes) -> str:
    return str(json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["code"])


def test_one_connection_carries_many_pushes(running: AggregatorProcess) -> None:
    connection = http.client.HTTPConnection(*running.address, timeout=20)
    for _ in range(5):
        connection.request("POST", "/api/metrics", BODY, HEADERS)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["status"]) == (200, "ok")
        connection.request("GET", "/api/hosts")  # through the threads, on the same connection
        assert connection.getresponse().read()
        connection.request("POST", "/api/metrics", b"{", HEADERS)  # read whole: the connection stays
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (400, None)
        answer.read()
    connection.close()


def test_too_busy_for_bundles_is_not_too_busy_for_live_batches(tmp_path: Path) -> None:
    (tmp_path / ".sysmon").mkdir()
    (tmp_path / ".sysmon" / "aggregator.yaml").write_text("limits: {bundles: 0}\n")
    bundle = HEADERS | {"Content-Encoding": "gzip", "X-SysMon-Stream": "a" * 32, "X-SysMon-Seq": "1-64"}
    with AggregatorProcess(tmp_path) as process:
        connection = http.client.HTTPConnection(*process.address, timeout=20)
        for _ in range(3):
            connection.request("POST", "/api/metrics", gzip.compress(BODY) * 64, bundle)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Retry-After")) == (503, "1")
            assert json.loads(answer.read())["error"]["code"] == "too_many_bundles"
            connection.request("POST", "/api/metrics", BODY, HEADERS)  # the connection stays
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["accepted"]) == (200, 1)
        connection.close()


def test_a_chunked_body_is_411(running: AggregatorProcess) -> None:
    status, answer = raw(running, head("Transfer-Encoding: chunked"), b'5\r\n{"a":\r\n0\r\n\r\n')
    assert (status, code(answer)) == (411, "length_required")
    assert b"connection: close" in answer.lower()


def test_a_body_that_stops_is_408(running: AggregatorProcess) -> None:
    status, answer = raw(running, head(f"Content-Length: {len(BODY) + 10}"), BODY)
    assert (status, code(answer)) == (408, "body_timeout")


def test_a_body_in_small_pieces_is_taken(running: AggregatorProcess) -> None:
    pieces = [BODY[at : at + 7] for at in range(0, len(BODY), 7)]
    assert raw(running, head(f"Content-Length: {len(BODY)}"), *pieces)[0] == 200


def test_a_large_body_is_taken(running: AggregatorProcess) -> None:
    padded = BODY + b" " * 500_000
    assert raw(running, head(f"Content-Length: {len(padded)}"), padded)[0] == 200


def test_too_large_a_body_gets_its_answer(running: AggregatorProcess) -> None:
    body = b"x" * 3_000_000
    status, answer = raw(running, head(f"Content-Length: {len(body)}"), body)
    assert (status, code(answer)) == (413, "body_too_large")


def test_what_only_says_that_it_is_large_is_refused_at_once(running: AggregatorProcess) -> None:
    status, answer = raw(running, head(f"Content-Length: {1 << 30}"), b"x" * 1000)
    assert (status, code(answer)) == (413, "body_too_large")
    assert b"connection: close" in answer.lower()


def test_without_a_token_the_body_is_not_looked_at(running: AggregatorProcess) -> None:
    request = head(f"Content-Length: {len(BODY)}").replace(TOKEN.encode(), b"wrong")
    status, answer = raw(running, request, BODY)
    assert (status, code(answer)) == (401, "unauthorized")
    assert b"www-authenticate: bearer" in answer.lower()


@pytest.mark.parametrize(
    "lines", [["Content-Length: 5", "Content-Length: 6"], ["Content-Length: -1"], ["Content-Length: 1e3"]]
)
def test_what_is_not_http_is_400(running: AggregatorProcess, lines: list[str]) -> None:
    assert raw(running, head(*lines), BODY)[0] == 400


def test_headers_without_end_are_cut_off(running: AggregatorProcess) -> None:
    with socket.create_connection(running.address, timeout=20) as sock:
        with contextlib.suppress(OSError):  # a reset is an answer too
            for _ in range(100):
                sock.sendall(b"A" * 65536)
        with contextlib.suppress(OSError):
            assert sock.recv(65536)[9:12] in (b"400", b"")
    assert raw(running, head(f"Content-Length: {len(BODY)}"), BODY)[0] == 200


def test_the_front_and_flask_answer_alike(running: AggregatorProcess) -> None:
    connection = http.client.HTTPConnection(*running.address, timeout=20)
    connection.request("POST", "/api/metrics", BODY, {**HEADERS, "X-SysMon-Token": "wrong"})
    front = connection.getresponse()
    front_body = front.read()
    connection.close()
    connection.request("DELETE", "/api/hosts/web01", headers={"X-SysMon-Token": "wrong"})
    flask = connection.getresponse()
    assert (front.status, front_body) == (flask.status, flask.read())
    connection.close()

    def kept(answer: http.client.HTTPResponse) -> set[tuple[str, str]]:
        return {(name.lower(), value) for name, value in answer.getheaders()} - {("connection", "close")}

    dates = {"date"}
    assert {h for h in kept(front) if h[0] not in dates} == {h for h in kept(flask) if h[0] not in dates}


def test_a_slow_body_is_408_on_every_route(running: AggregatorProcess) -> None:
    status, answer = raw(running, head("Content-Length: 40", path="/api/session"), b'{"token": ')
    assert (status, code(answer)) == (408, "body_timeout")
    assert b"connection: close" in answer.lower()


def test_a_header_with_an_underscore_is_not_the_one_with_a_dash(running: AggregatorProcess) -> None:
    with_dash = head("Content-Length: 2", method="PATCH", path="/api/hosts/web01")
    assert raw(running, with_dash, b"{}")[0] == 403  # a token that pushes only
    assert raw(running, with_dash.replace(b"X-SysMon-Token", b"X_SysMon_Token"), b"{}")[0] == 401


def test_a_head_has_the_length_and_no_body(running: AggregatorProcess) -> None:
    connection = http.client.HTTPConnection(*running.address, timeout=20)
    for method in ("HEAD", "GET"):
        connection.request(method, "/api/health")
        answer = connection.getresponse()
        assert (answer.status, int(answer.getheader("Content-Length") or 0) > 10) == (200, True)
        assert bool(answer.read()) == (method == "GET")
    connection.close()


# ---- the live channel --------------------------------------------------------------------------------------


def listen(running: AggregatorProcess, **more: Any) -> Any:
    return connect(running.url.replace("http", "ws") + "/ws", **more)


def push(running: AggregatorProcess) -> None:
    assert raw(running, head(f"Content-Length: {len(BODY)}"), BODY)[0] == 200


def test_hello_then_deltas_then_silence_is_offline(running: AggregatorProcess) -> None:
    push(running)
    with listen(running, origin=running.url) as channel:
        assert json.loads(channel.recv(10))["kind"] == "hello"
        push(running)
        seen = []
        while "offline" not in seen:
            for change in json.loads(channel.recv(10))["hosts"]:
                seen.append(change.get("status"))
    assert seen.index("stale") < seen.index("offline")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_another_sites_page_may_not_listen(running: AggregatorProcess, origin: str) -> None:
    with pytest.raises(InvalidStatus) as caught, listen(running, origin=origin):
        pass
    assert caught.value.response.status_code == 403


def test_a_foreign_host_may_not_listen(running: AggregatorProcess) -> None:
    with pytest.raises(InvalidStatus), listen(running, additional_headers={"Host": "evil.example"}):
        pass


@pytest.mark.parametrize(("message", "close_code"), [("junk", 1008), ("x" * 5_000, 1009)])
def test_who_talks_nonsense_is_closed(running: AggregatorProcess, message: str, close_code: int) -> None:
    with listen(running) as channel:
        channel.send(message)
        with pytest.raises(ConnectionClosed) as caught:
            for _ in range(100):
                channel.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == close_code


def test_too_many_listeners_are_told_to_come_back(running: AggregatorProcess) -> None:
    with listen(running) as a, listen(running) as b, listen(running) as c:
        for channel in (a, b, c):
            channel.recv(10)
        with listen(running) as fourth:
            with pytest.raises(ConnectionClosed) as caught:
                fourth.recv(10)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1013


def test_where_reads_are_closed_a_cookie_or_a_token_listens(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "closed", read_auth="token", read_tokens=("r" * 40,))
    cookie = kit.service.auth.open_session("r" * 40) or ""

    def may(*headers: tuple[bytes, bytes], path: str = "/ws") -> bool:
        return kit.service.asgi._may_listen(
            {"path": path, "headers": [(b"host", b"localhost:9000"), *headers]}
        )

    session = (b"cookie", b"other=1; sysmon_session=" + cookie.encode())
    assert not may()
    assert may(session)
    assert may(session, (b"origin", b"http://localhost:9000"))
    assert not may(session, (b"origin", b"http://localhost:9001"))
    assert not may(session, path="/other")
    assert may((b"authorization", b"Bearer " + b"r" * 40))
    assert not may((b"x-sysmon-token", TOKEN.encode()))
    kit.service.close()
