"""`prometheus.listen`: a real agent on loopback says what its aggregator says of it, to local names only."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from agent_program import AGENT
from running_aggregator import TOKEN, RunningAggregator
from test_prometheus import check_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.native


def config_of(folder: Path, url: str, *lines: str) -> Path:
    path = folder / "agent.yaml"
    text = f"agent:\n  mode: distributed\n  aggregator_url: {url}\n  auth_token: {TOKEN}\n  hostname: web01\n"
    text += f"  push_interval: 200ms\n  spool: {{dir: {folder}/state}}\n"
    path.write_text(text + "".join(f"  {line}\n" for line in lines))
    path.chmod(0o600)
    return path


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def exporting(folder: Path, url: str) -> Iterator[int]:
    """The port of an agent of this machine."""
    port = free_port()
    config = config_of(folder, url, f"prometheus: {{listen: '127.0.0.1:{port}'}}")
    with (folder / "log").open("w") as log:
        agent = subprocess.Popen([AGENT, "--config", config], stderr=log)
        try:
            for _ in range(100):
                if "sysmon_load1 " in said(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"):
                    break
                time.sleep(0.1)
            yield port
        finally:
            agent.send_signal(signal.SIGTERM)
            assert agent.wait(30) == 0, (folder / "log").read_text()


def said(port: int, request: str) -> str:
    """The whole answer to raw bytes; "" where there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(request.encode("latin-1"))
            parts = []
            while part := connection.recv(65_536):
                parts.append(part)
        return b"".join(parts).decode()
    except ConnectionError:
        return ""


def page(port: int, query: str = "") -> str:
    head, _, body = said(port, f"GET /metrics{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").partition(
        "\r\n\r\n"
    )
    assert head.startswith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n")
    assert f"Content-Length: {len(body.encode())}" in head
    return body


def fetched(url: str) -> str:
    """What an aggregator answers; "" as long as it does not know the host."""
    reply = urllib3.request("GET", url, retries=False)
    return reply.data.decode() if reply.status == 200 else ""


def series(text: str) -> dict[str, str]:
    """Kind of each series, by its name and labels."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: kinds[re.split("[{ ]", line)[0]] for line in lines}


def test_agent_and_aggregator_say_the_same(tmp_path: Path) -> None:
    with RunningAggregator(tmp_path / "data") as running, exporting(tmp_path, running.url) as port:
        ours: dict[str, str] = {}
        theirs: dict[str, str] = {}
        for _ in range(100):  # a disk that begins to work has a latency, and one of them knows it first
            ours = series(page(port, "?names=both"))
            theirs = series(fetched(f"{running.url}/metrics?host=web01&names=both"))
            if ours == theirs:
                break
            time.sleep(0.1)
        assert ours == theirs
        names = {name.split("{")[0] for name in ours}
        assert names >= {"sysmon_load1", "node_load1", "node_uname_info", "sysmon_agent_queue_bytes"}
        if shutil.which("promtool"):
            assert check_metrics(page(port)) == ""


def test_what_is_not_asked_for_properly_is_refused(tmp_path: Path) -> None:
    with exporting(tmp_path, "http://127.0.0.1:9") as port:
        host = f"Host: 127.0.0.1:{port}\r\n\r\n"
        for request, status in (
            (f"GET /metrics HTTP/1.1\r\nHOST: localhost:{port}\r\n\r\n", 200),
            (f"GET /metrics?names=node HTTP/1.1\r\n{host}", 200),
            (f"GET /metrics?names=x HTTP/1.1\r\n{host}", 400),
            (f"GET /metrics?x HTTP/1.1\r\n{host}", 400),
            (f"GET / HTTP/1.1\r\n{host}", 404),
            (f"POST /metrics HTTP/1.1\r\n{host}", 405),
            ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
            ("GET /metrics HTTP/1.1\r\n\r\n", 421),
            ("\r\n\r\n", 421),
        ):
            assert said(port, request).startswith(f"HTTP/1.1 {status} "), request
        assert said(port, "x" * 10_000) == ""
        with socket.create_connection(("127.0.0.1", port)):  # says nothing: the next one waits two seconds
            assert "sysmon_load1" in page(port)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:9101", "9101", "127.0.0.1", "127.0.0.1:0", "central:9101", "[::]:1"]
)
def test_only_loopback_addresses_are_taken(tmp_path: Path, listen: str) -> None:
    config = config_of(tmp_path, "http://127.0.0.1:9", f"prometheus: {{listen: '{listen}'}}")
    result = subprocess.run([AGENT, "--check", "--config", config], capture_output=True, text=True)
    assert result.returncode == 3
    assert "is not a loopback address" in result.stderr


def test_a_port_in_use_ends_the_start_with_a_word(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = config_of(
            tmp_path, "http://127.0.0.1:9", f"prometheus: {{listen: '127.0.0.1:{taken.getsockname()[1]}'}}"
        )
        result = subprocess.run([AGENT, "--config", config], capture_output=True, text=True, timeout=30)
    assert result.returncode == 1
    assert "prometheus.listen" in result.stderr


def test_nobody_listens_unless_asked(tmp_path: Path) -> None:
    config = config_of(tmp_path, "http://127.0.0.1:9")
    agent = subprocess.Popen([AGENT, "--config", config], stderr=subprocess.DEVNULL)
    try:
        while not (tmp_path / "state" / "agent_id").exists():
            time.sleep(0.05)
        links = [str(path.readlink()) for path in Path(f"/proc/{agent.pid}/fd").iterdir()]
        sockets = {link[len("socket:[") : -1] for link in links if link.startswith("socket:")}
        listening = [
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[3] == "0A"
        ]
        assert not sockets & set(listening)
    finally:
        agent.terminate()
        agent.wait(30)
