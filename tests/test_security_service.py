"""Statements S1 to S29 of the security design where no other test holds them; docs/security.md has all."""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from aggregator_process import TOKEN, AggregatorProcess
from command_table import parameters
from running_aggregator import RunningAggregator
from service_kit import ServiceKit
from sysmon.aggregator import auth, database_file, serve
from sysmon.aggregator.headers import PAGE_HEADERS
from sysmon.aggregator.main import main as aggregator_main
from sysmon.aggregator.settings import Settings
from sysmon.cli import main
from sysmon.cli.output import csv_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

ROOT = Path(__file__).parent.parent
READ = "r" * 40
CPU = ("cpu.total_usage", 1.0)
BODY = b'{"hostname": "web01", "metrics": [{"type": "cpu.total_usage", "value": 1}]}'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AggregatorProcess]:
    with AggregatorProcess(tmp_path_factory.mktemp("security"), SYSMON_READ_TOKENS=READ) as process:
        yield process


def exchange(running: AggregatorProcess, request: bytes) -> bytes:
    """All that comes back for these bytes until the server closes, or has said nothing more for a while."""
    got = b""
    with socket.create_connection(running.address, timeout=20) as sock:
        sock.sendall(request)
        # A reset comes with what was not read of a refused request.
        with contextlib.suppress(ConnectionResetError, TimeoutError):
            while piece := sock.recv(65_536):
                got += piece
                sock.settimeout(2)
    return got


# ---- tokens (S1–S12) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [main, aggregator_main], ids=["sysmon", "sysmon-aggregator"])
def test_s03_no_program_takes_a_secret_as_an_argument(program: click.Command) -> None:
    named = {name for option in parameters(program) for name in option.opts}
    assert len(named) > 4
    assert not [name for name in named if re.search("token|secret|password", name)]


def test_s04_tokens_are_compared_as_hashes_in_constant_time() -> None:
    source = inspect.getsource(auth.Auth)
    assert source.count("hmac.compare_digest(digest, known)") == 2
    assert not re.search(r"token\s*[!=]=|[!=]=\s*token", source)
    held = vars(auth.Auth(Settings(auth_tokens=(TOKEN,), read_tokens=(READ,)), lambda: 0.0))
    assert TOKEN not in repr(held)
    assert READ not in repr(held)


def test_s06_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert Settings().host == "127.0.0.1"
    assert Settings().reads_are_open


@pytest.mark.parametrize("more", [{"host": "0.0.0.0"}, {"allowed_hosts": ("central",)}, {"trusted_hops": 1}])
def test_s06_open_reads_must_be_written_down_and_are_warned_about(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    assert not Settings(**more).reads_are_open
    kit = ServiceKit(tmp_path / "open", read_auth="open", **more)
    assert any("read_auth: open" in text for text in kit.get("/api/health")["warnings"])
    kit.service.close()
    local = ServiceKit(tmp_path / "local", read_auth="open")
    assert local.get("/api/health")["warnings"] == []
    local.service.close()


@pytest.mark.parametrize(
    "path", ["/", "/api/hosts", "/api/metrics", "/api/session", "/static/app.js", "/none"]
)
def test_s08_another_origin_gets_no_leave(running: AggregatorProcess, path: str) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        asked = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            "Origin: http://evil.example",
            "Access-Control-Request-Method: DELETE",
            "Access-Control-Request-Headers: x-sysmon-token",
            "Content-Length: 0",
            "Connection: close",
        ]
        answer = exchange(running, "\r\n".join([*asked, "", ""]).encode())
        assert answer.startswith(b"HTTP/1.1 ")
        assert b"access-control" not in answer.lower()


def test_s12_no_core_file_holds_a_token(running: AggregatorProcess) -> None:
    limits = Path(f"/proc/{running.process.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
    for unit in ("sysmon-agent", "sysmon-aggregator"):
        assert "LimitCORE=0\n" in (ROOT / f"python/sysmon/units/{unit}.service").read_text()


# ---- what comes in (S13–S18) -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Encoding": "br"}, "unsupported_encoding"),
        ({"Content-Encoding": "deflate"}, "unsupported_encoding"),
        ({"Content-Encoding": "gzip, gzip"}, "unsupported_encoding"),
        ({"Content-Type": "text/plain"}, "unsupported_type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "unsupported_type"),
    ],
)
def test_s16_other_encodings_and_types_are_415(kit: ServiceKit, headers: dict[str, str], code: str) -> None:
    response = kit.post(BODY, **headers)
    assert (response.status_code, response.get_json()["error"]["code"]) == (415, code)


def test_s17_every_table_is_strict_and_every_connection_defensive(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data")
    kit.push("web01", CPU)
    path = kit.settings.data_dir / database_file.DATABASE
    reader = database_file.open_reader(path, None)
    for db in (kit.service.storage._db, reader):  # type: ignore[attr-defined]
        assert db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1) == 1
        assert db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1) == 0
        tables = [
            (name, kind, strict)
            for _, name, kind, _, _, strict in db.execute("PRAGMA table_list")
            if not name.startswith("sqlite_")
        ]
        assert len(tables) > 5
        assert [name for name, kind, strict in tables if kind == "table" and not strict] == []
    reader.close()
    kit.service.close()


def test_s17_what_hosts_say_never_becomes_sql(kit: ServiceKit) -> None:
    evil = "x'; DROP TABLE hosts; --"
    kit.push("web01", ("cpu.total_usage", 1.0, {"device": evil}), tags={"role": evil})
    assert kit.get("/api/hosts")["hosts"][0]["tags"]["role"] == evil
    for text in (evil, "' OR 1=1 --", "%", "*"):
        kit.client.get("/api/metrics", query_string={"host": text, "type": text, "tag": f"device:{text}"})
        kit.client.get("/api/hosts", query_string={"cursor": text, "tag": f"role:{text}"})
    assert kit.get("/api/hosts")["count"] == 1


@pytest.mark.parametrize("value", ["größe", "データ", "🙂", "a b", "'\"<>&;|$`\\", "=1+1"])
def test_s18_any_printable_tag_value_is_taken(kit: ServiceKit, value: str) -> None:
    kit.push("web01", ("disk.used_bytes", 1.0, {"mountpoint": value}), tags={"role": value})
    (found,) = kit.get("/api/metrics/latest")["metrics"]
    assert found["tags"] == {"mountpoint": value}


@pytest.mark.parametrize("value", ["\x00", "a\nb", "\x1b[2J", "\x7f", "\x9b", "\u202e", "\u2066"])
def test_s18_controls_and_turning_marks_are_refused(kit: ServiceKit, value: str) -> None:
    for body in (
        {"hostname": "web01", "tags": {"role": value}, "metrics": []},
        {"hostname": value, "metrics": []},
    ):
        assert kit.post(body).status_code in {400, 422}
    reply = kit.push("web01", ("disk.used_bytes", 1.0, {"mountpoint": value}))
    assert (reply["accepted"], reply["rejected"]) == (0, 1)


@pytest.mark.parametrize("name", ["a b", "1a", "-a", "a/b", "a{b}", "ä", "", "a\n", "a" * 300])
def test_s18_names_have_a_small_alphabet(kit: ServiceKit, name: str) -> None:
    reply = kit.push("web01", (name, 1.0), ("a.b", 1.0, {name: "x"}), ("good.one", 1.0))
    assert (reply["accepted"], reply["rejected"]) == (1, 2)


# ---- the page (S19–S25) ------------------------------------------------------------------------------------


def test_s19_the_policy_is_the_strictest() -> None:
    assert dict(PAGE_HEADERS)["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )


def test_s19_the_page_has_no_inline_code_and_nothing_from_elsewhere() -> None:
    page = (ROOT / "python/sysmon/api/dashboard-multi.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", page)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)


def test_s20_headers_of_every_answer(kit: ServiceKit) -> None:
    for path in ("/", "/api/health", "/api/none"):
        headers = kit.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert (
            headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
        )
        assert set(re.findall(r"\w+=(\S+?)(?:,|$)", headers["Permissions-Policy"])) == {"()"}
        if path.startswith("/api/"):
            assert headers["Cache-Control"] == "no-store"


def test_s21_no_string_becomes_markup() -> None:
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\("
        r"|new Function|createContextualFragment|DOMParser|srcdoc"
    )
    sources = [*ROOT.glob("web/src/**/*.ts"), *ROOT.glob("web/src/**/*.tsx")]
    assert len(sources) > 20
    for source in sources:
        code = re.sub(r"//.*|/\*.*?\*/", "", source.read_text())
        assert not sinks.search(code), source


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_s22_no_cell_begins_as_a_formula(first: str) -> None:
    cell = csv_cell(f"{first}cmd|' /C calc'!A0")
    assert cell[0] not in "=+-@\t\r"
    assert csv_cell(-1.5) == "-1.5"  # numbers are numbers


def test_s23_sockets_have_their_bounds(tmp_path: Path) -> None:
    limits = Settings().limits
    assert (limits.ws_clients, limits.ws_clients_per_address) == (64, 8)
    assert (limits.ws_message_bytes, limits.ws_queue) == (4_096, 256)
    with ServiceKitServing(tmp_path) as config:
        assert (config.ws_max_size, config.ws_ping_interval) == (4_096, 25)


class ServiceKitServing:
    """uvicorn's settings for an aggregator."""

    def __init__(self, folder: Path) -> None:
        self.kit = ServiceKit(folder / "serving")

    def __enter__(self) -> Any:
        self.serving = serve.Serving(self.kit.service, "127.0.0.1", 0, lambda _: None, lambda: None)
        return self.serving._server.config

    def __exit__(self, *_: object) -> None:
        self.serving._socket.close()
        self.kit.service.close()


def test_s23_a_token_in_the_url_opens_nothing(tmp_path: Path) -> None:
    with RunningAggregator(tmp_path / "data", read_auth="token", read_tokens=(READ,)) as aggregator:
        socket_url = aggregator.url.replace("http", "ws") + "/ws"
        for query in (f"?token={READ}", f"?access_token={READ}", f"?ticket={READ}"):
            with pytest.raises(InvalidStatus) as refused, connect(socket_url + query):
                pass
            assert refused.value.response.status_code == 403
        with connect(socket_url, additional_headers={"X-SysMon-Token": READ}) as channel:
            assert json.loads(channel.recv(10))["kind"] == "hello"


def test_s24_a_cookie_writes_nothing(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data", read_auth="token", read_tokens=(READ,))
    kit.push("web01", CPU)
    for token in (READ, kit.admin["X-SysMon-Token"]):
        assert kit.client.post("/api/session", json={"token": token}).status_code == 204
        for method, path in (
            ("POST", "/api/metrics"),
            ("POST", "/api/hosts"),
            ("PATCH", "/api/hosts/web01"),
            ("DELETE", "/api/hosts/web01"),
            ("POST", "/api/admin/compact"),
            ("POST", "/api/admin/backup"),
            ("POST", "/api/admin/check"),
        ):
            assert kit.client.open(path, method=method, json={}).status_code == 401, path
    form = kit.client.post("/api/session", data={"token": READ})
    assert form.status_code == 415
    kit.service.close()


@pytest.mark.parametrize(
    "path", ["..%2f..%2fetc%2fpasswd", "%2e%2e/server.py", "app.js%00.html", "/etc/passwd", "..\\app.js", "."]
)
def test_s25_no_path_of_a_request_is_opened(running: AggregatorProcess, path: str) -> None:
    for prefix in ("/static/", "/"):
        request = f"GET {prefix}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = exchange(running, request.encode())
        assert answer.split(b" ")[1] in (b"404", b"400"), answer
        assert b"root:" not in answer


# ---- behind a proxy (S27–S29) ------------------------------------------------------------------------------


def test_s27_forwarded_headers_count_only_behind_trusted_hops(tmp_path: Path) -> None:
    with ServiceKitServing(tmp_path) as config:
        assert config.proxy_headers is False
    kit = ServiceKit(tmp_path / "hops", trusted_hops=1)
    refused = kit.error("/api/hosts", Host="localhost", X_Forwarded_Host="evil.example")
    assert refused == (401, "unauthorized")  # x_host=0: the Host that was sent is the one that is checked
    kit.service.close()


SMUGGLED = b"GET /api/hosts/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
PUSH_HEAD = (
    b"POST /api/metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"X-SysMon-Token: " + TOKEN.encode() + b"\r\n"
)
CHUNKED = b"0\r\n\r\n"
LENGTH = str(len(CHUNKED + SMUGGLED)).encode()
CORPUS = {
    "CL.TE": PUSH_HEAD + b"Content-Length: " + LENGTH + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "TE.CL": PUSH_HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "TE.TE": PUSH_HEAD + b"Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "TE identity": PUSH_HEAD + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "TE space": PUSH_HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED,
    "TE tab": PUSH_HEAD + b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "TE folded": PUSH_HEAD + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "CL.CL": PUSH_HEAD + b"Content-Length: 0\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + CHUNKED,
    "CL list": PUSH_HEAD + b"Content-Length: 0, " + LENGTH + b"\r\n\r\n" + CHUNKED,
    "CL plus": PUSH_HEAD + b"Content-Length: +5\r\n\r\n" + CHUNKED,
    "CL hex": PUSH_HEAD + b"Content-Length: 0x5\r\n\r\n" + CHUNKED,
    "CL space": PUSH_HEAD + b"Content-Length : 5\r\n\r\n" + CHUNKED,
    "CL huge": PUSH_HEAD + b"Content-Length: 18446744073709551621\r\n\r\n" + CHUNKED,
    "CR alone": PUSH_HEAD + b"X: y\rContent-Length: 0\r\n\r\n" + CHUNKED,
    "NUL": PUSH_HEAD + b"X: \x00\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
}


@pytest.mark.parametrize("name", CORPUS)
def test_s29_nothing_is_smuggled_in(running: AggregatorProcess, name: str) -> None:
    answer = exchange(running, CORPUS[name] + SMUGGLED)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    assert answer.count(b"HTTP/1.1 ") == 1, answer  # the second request, hidden in the first, has no answer
    assert b"smuggled" not in answer
