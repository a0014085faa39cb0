"""The API's client: what it asks, and what it makes of answers that no aggregator gives."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from scripted_server import Reply, ScriptedServer
from sysmon.client import Client
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

OK: Reply = (200, {}, b"{}")


def error(code: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _: OK) as running:
        yield running


def asked(server: ScriptedServer) -> str:
    return server.requests[-1].path


def test_every_call_asks_for_its_route(server: ScriptedServer) -> None:
    client = Client(server.url + "/", "secret-token")
    server.script = [(200, {}, b'{"hosts": []}')]
    client.hosts(status="online", tags=["role:web server"])
    assert asked(server) == "/api/hosts?limit=500&tag=role%3Aweb+server&status=online"
    client.host("../etc/x?y#z")
    assert asked(server) == "/api/hosts/..%2Fetc%2Fx%3Fy%23z"
    client.metrics(
        types=["cpu.*", "load.avg1"], host="a", tags=["core:0"], start=1.5, end=20.0, step_s=60, agg="max"
    )
    assert asked(server) == (
        "/api/metrics?type=cpu.%2A&type=load.avg1&tag=core%3A0&host=a&agg=max&start=1.5&end=20&step=60"
    )
    client.latest(host="a", types=["x"])
    assert asked(server) == "/api/metrics/latest?type=x&host=a"
    client.compare(["a", "b"], start=1, end=2)
    assert asked(server) == "/api/compare?hosts=a%2Cb&start=1.000&end=2.000"
    client.health()
    assert asked(server) == "/api/health"
    client.add_host("web9", {"role": "web"})
    assert (server.requests[-1].method, json.loads(server.requests[-1].body)) == (
        "POST",
        {"hostname": "web9", "tags": {"role": "web"}},
    )
    assert {request.headers["X-SysMon-Token"] for request in server.requests} == {"secret-token"}
    client.close()


def test_all_pages_of_hosts_are_one_answer(server: ScriptedServer) -> None:
    pages = [
        {"hosts": [{"hostname": "a"}], "count": 2, "next_cursor": "c/1"},
        {"hosts": [{"hostname": "b"}], "count": 2},
    ]
    server.script = [(200, {}, json.dumps(page).encode()) for page in pages]
    with Client(server.url) as client:
        assert client.hosts() == {"hosts": [{"hostname": "a"}, {"hostname": "b"}], "count": 2}
    assert asked(server) == "/api/hosts?limit=500&cursor=c%2F1"
    assert "X-SysMon-Token" not in server.requests[-1].headers


@pytest.mark.parametrize(
    ("reply", "status", "code", "message"),
    [
        ((404, {}, error("unknown_host", "no host x")), 404, "unknown_host", "no host x"),
        ((401, {}, error("unauthorized", "m")), 401, "unauthorized", "refused the token"),
        ((200, {}, b"<html>Sign in to the hotel</html>"), 200, "not_an_aggregator", "but not as a sysmon"),
        ((200, {}, b"[1]"), 200, "not_an_aggregator", "but not as a sysmon"),
        ((502, {}, b"Bad gateway"), 502, "not_an_aggregator", "answered 502"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), 302, "not_an_aggregator", "answered 302"),
        ((500, {}, b'{"error": "text"}'), 500, "not_an_aggregator", "answered 500"),
    ],
)  # fmt: skip
def test_a_refusal_keeps_its_status_and_code(
    server: ScriptedServer, reply: Reply, status: int, code: str, message: str
) -> None:
    server.script = [reply]
    with Client(server.url, "t") as client, pytest.raises(ApiError, match=message) as caught:
        client.host("x")
    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(server.requests) == 1  # a redirect is not followed, a refusal is not asked again


def test_a_reply_without_end_is_cut_off(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysmon.client.MAX_REPLY_BYTES", 100_000)
    server.script = [(200, {}, b" " * 200_000)]
    with Client(server.url) as client, pytest.raises(ApiError) as caught:
        client.health()
    assert caught.value.code == "reply_too_large"


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        port = taken.getsockname()[1]
        with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ApiError, match="refused") as caught:
            client.health()
    assert (caught.value.status, caught.value.code) == (None, "unreachable")


def test_a_server_that_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout_s=0.1) as client, pytest.raises(ApiError, match="in time") as caught:
            client.health()
    assert (caught.value.status, caught.value.code) == (None, "timeout")


def test_a_connection_closed_halfway_is_unreachable(server: ScriptedServer) -> None:
    server.script = [(200, {"Content-Length": "1000", "Connection": "close"}, b"{")]
    with Client(server.url, timeout_s=2) as client, pytest.raises(ApiError) as caught:
        client.health()
    assert caught.value.status is None


@pytest.mark.parametrize("url", ["central", "ftp://central", "http://", ""])
def test_what_is_no_url_is_said_so(url: str) -> None:
    with pytest.raises(ApiError) as caught:
        Client(url)
    assert caught.value.code == "bad_url"


def test_the_proxy_of_the_environment_is_not_asked(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Client(server.url) as client:
        assert client.health() == {}
