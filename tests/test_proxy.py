"""Behind nginx and Caddy, as shipped: pushes, refusals, the page, the live channel, whose address counts."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import ssl
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from agent_program import AGENT
from aggregator_process import TOKEN, AggregatorProcess
from proxies import CADDY, NGINX, PACKAGING, Proxy, free_port
from sysmon.aggregator.headers import PAGE_HEADERS
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from urllib3 import BaseHTTPResponse

READ = "r" * 40
WAIT_S = 60.0
PER_ADDRESS = LimitSettings().ws_clients_per_address
BUSY = 1013

KINDS = [
    pytest.param(
        "nginx", marks=pytest.mark.skipif(NGINX is None, reason="no nginx: tools/setup.sh test installs it")
    ),
    pytest.param(
        "caddy", marks=pytest.mark.skipif(CADDY is None, reason="no caddy: tools/setup.sh test installs it")
    ),
]


class Site:
    """A proxy and, behind it, an aggregator that trusts one hop."""

    def __init__(self, folder: Path, kind: str, hops: int = 1) -> None:
        self.port = free_port()
        (folder / "proxy").mkdir()
        self.proxy = Proxy(kind, folder / "proxy", self.port)
        self.aggregator = AggregatorProcess(
            folder / "home",
            SYSMON_READ_TOKENS=READ,
            SYSMON_READ_AUTH="token",
            SYSMON_ALLOWED_HOSTS="localhost",
            SYSMON_TRUSTED_HOPS=str(hops),
        )
        (folder / "home").mkdir()

    def start(self) -> None:
        self.aggregator.start("--port", str(self.port))

    def push(self, body: bytes, **headers: str) -> BaseHTTPResponse:
        fields = {"X-SysMon-Token": TOKEN, "Content-Type": "application/json"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.proxy.http.request("POST", f"{self.proxy.url}/api/metrics", body=body, headers=fields)

    def get(self, path: str, **headers: str) -> BaseHTTPResponse:
        fields = {"X-SysMon-Token": READ} | headers
        return self.proxy.http.request("GET", self.proxy.url + path, headers=fields)

    def live(self, source: str = "127.0.0.1", forwarded: str | None = None) -> ClientConnection:
        headers = {"X-SysMon-Token": READ, "Origin": self.proxy.url}
        if forwarded is not None:
            headers |= {"X-Forwarded-For": forwarded, "X-Real-IP": forwarded, "Forwarded": f"for={forwarded}"}
        context = self.proxy.tls()
        # One thread reads while another writes, which Python's TLS 1.3 does not always survive: the tickets
        # that come first get in the way of the request.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return connect(
            self.proxy.url.replace("https", "wss") + "/ws",
            ssl=context,
            additional_headers=headers,
            source_address=(source, 0),
            open_timeout=WAIT_S,
        )


@contextmanager
def running_site(folder: Path, kind: str, hops: int = 1) -> Iterator[Site]:
    made = Site(folder, kind, hops)
    made.start()
    try:
        with made.proxy:
            yield made
    finally:
        made.aggregator.stop()


@pytest.fixture(scope="module", params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp(request.param), request.param) as made:
        yield made


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def batch(host: str, value: float = 1.0) -> bytes:
    return json.dumps({"hostname": host, "metrics": [{"type": "cpu.total_usage", "value": value}]}).encode()


def said(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(socket.recv(WAIT_S)))


# ---- pushes ------------------------------------------------------------------------------------------------


def test_pushes_of_every_form_arrive(site: Site) -> None:
    assert site.push(batch("plain")).status == 200
    assert site.push(gzip.compress(batch("zipped")), Content_Encoding="gzip").status == 200
    members = b"".join(gzip.compress(batch("bundled", value)) for value in range(3))
    answer = site.push(members, Content_Encoding="gzip", X_SysMon_Stream="5" * 32, X_SysMon_Seq="1-3")
    assert (answer.status, answer.json()["acked"]) == (200, [1, 3])
    names = {host["hostname"] for host in site.get("/api/hosts").json()["hosts"]}
    assert {"plain", "zipped", "bundled"} <= names


def test_refusals_pass_through(site: Site) -> None:
    refused = site.push(b"{")
    assert (refused.status, refused.json()["error"]["code"]) == (400, "bad_json")
    wrong = site.push(batch("web01"), X_SysMon_Token="w" * 40)
    assert (wrong.status, wrong.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_body_beyond_the_limit_is_413(site: Site) -> None:
    limit = LimitSettings().body_bytes
    fits = batch("web01").ljust(limit)
    assert site.push(fits).status == 200
    assert site.push(fits + b" ").status == 413
    # Caddy keeps its client's connection, and takes what it has not read of that body for another request.
    site.proxy.http.clear()
    assert site.push(batch("web01")).status == 200


def test_an_agent_catches_up_through_the_proxy(tmp_path: Path, kind: str) -> None:
    site = Site(tmp_path, kind)
    config = tmp_path / "agent.yaml"
    config.write_text(
        f"agent:\n  mode: distributed\n  aggregator_url: {site.proxy.url}\n  auth_token: {TOKEN}\n"
        f"  hostname: web01\n  push_interval: 100ms\n  spool: {{dir: {tmp_path}/spool}}\n"
        f"  tls: {{ca_file: {site.proxy.certificate}}}\n"
    )
    config.chmod(0o600)
    with site.proxy:
        agent = subprocess.Popen(
            [str(AGENT), "--config", str(config)],
            env={"HOME": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert agent.stderr is not None
        try:
            # 502: there is nothing behind the proxy yet. Collectors may have said something before.
            assert any("cannot push" in line for line in agent.stderr)
            time.sleep(1)  # a backlog of about ten batches
            site.start()
            ledger: dict[str, Any] = {}
            deadline = time.monotonic() + WAIT_S
            while ledger.get("committed", 0) < 10 or ledger.get("gaps"):
                assert time.monotonic() < deadline, ledger
                time.sleep(0.1)
                ledger = dict(site.get("/api/hosts/web01/ledger").json())
            assert ledger["dropped"] == 0
        finally:
            agent.terminate()
            assert agent.wait(WAIT_S) == 0
            agent.stderr.close()
            site.aggregator.stop()


# ---- people ------------------------------------------------------------------------------------------------


def test_the_page_comes_whole_with_its_headers(site: Site) -> None:
    page = site.get("/")
    assert (page.status, b"app.js" in page.data) == (200, True)
    for name, value in PAGE_HEADERS:
        assert page.headers[name] == value
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "/" not in page.headers.get("Server", "")  # no version
    script = site.get("/static/app.js")
    assert (script.status, len(script.data) > 10_000) == (200, True)


def test_signing_in_gives_a_cookie_for_https_alone(site: Site) -> None:
    opened = site.proxy.http.request(
        "POST",
        f"{site.proxy.url}/api/session",
        json={"token": READ},
        headers={"Origin": site.proxy.url, "Sec-Fetch-Site": "same-origin"},
    )
    assert opened.status == 204
    assert "Secure" in opened.headers["Set-Cookie"]
    cookie = opened.headers["Set-Cookie"].partition(";")[0]
    assert site.get("/api/hosts", **{"X-SysMon-Token": "", "Cookie": cookie}).status == 200


def test_the_live_channel_passes(site: Site) -> None:
    with site.live() as socket:
        assert said(socket)["kind"] == "hello"
        site.push(batch("live", 42.0))
        told = said(socket)
        while "live" not in {host["hostname"] for host in told["hosts"]}:
            told = said(socket)
        assert told["kind"] == "delta"


def test_another_sites_page_gets_no_live_channel(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(
            site.proxy.url.replace("https", "wss") + "/ws",
            ssl=site.proxy.tls(),
            additional_headers={"X-SysMon-Token": READ, "Origin": "https://evil.example"},
        )
    assert refused.value.response.status_code == 403


# ---- whose address -----------------------------------------------------------------------------------------


def fill(site: Site, stack: ExitStack, *, forwarded: bool = False) -> None:
    """As many sockets as one address may have, each claiming another one."""
    for number in range(PER_ADDRESS):
        socket = site.live(forwarded=f"10.0.0.{number}" if forwarded else None)
        assert said(stack.enter_context(socket))["kind"] == "hello"


def is_refused(socket: ClientConnection) -> bool:
    with socket:
        try:
            return said(socket)["kind"] != "hello"
        except ConnectionClosed as closed:
            return closed.rcvd is not None and closed.rcvd.code == BUSY


def test_the_clients_own_address_counts_and_no_other(site: Site) -> None:
    with ExitStack() as stack:
        fill(site, stack, forwarded=True)
        assert is_refused(site.live())
        assert is_refused(site.live(forwarded="10.0.0.99"))
        assert not is_refused(site.live(source="127.0.0.2"))


def test_without_trusted_hops_all_are_the_proxy(tmp_path: Path, kind: str) -> None:
    with running_site(tmp_path, kind, hops=0) as site, ExitStack() as stack:
        fill(site, stack)
        assert is_refused(site.live(source="127.0.0.2"))


# ---- the files ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(NGINX is None, reason="no nginx: tools/setup.sh test installs it")
def test_nginx_has_the_bounds_of_a_public_door() -> None:
    text = (PACKAGING / "nginx" / "sysmon.conf").read_text()
    for line in (
        "client_header_timeout 10s;",
        "client_body_timeout 10s;",
        "client_max_body_size 1m;",
        "proxy_request_buffering on;",
        "limit_conn sysmon_connections 20;",
        "limit_req zone=sysmon_requests",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
    ):
        assert text.count(line) == 1, line


@pytest.mark.skipif(CADDY is None, reason="no caddy: tools/setup.sh test installs it")
def test_caddy_finds_its_file_valid_and_formatted(tmp_path: Path) -> None:
    file = tmp_path / "Caddyfile"
    shutil.copy(PACKAGING / "caddy" / "Caddyfile", file)
    env = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    validate = [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(file)]
    result = subprocess.run(validate, env=env, capture_output=True, text=True, timeout=60)
    assert (result.returncode, "Valid configuration" in result.stdout + result.stderr) == (0, True), result
    subprocess.run([str(CADDY), "fmt", "--overwrite", str(file)], env=env, check=True, timeout=60)
    assert file.read_text() == (PACKAGING / "caddy" / "Caddyfile").read_text()
