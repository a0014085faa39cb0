"""The same questions to other agents, where they are installed: what of what they acknowledged arrives?

vmagent takes pushes and acknowledges them (204). The Prometheus agent scrapes: a sample that it fetched
counts as acknowledged. Both send on by remote-write to a receiver of ours.
"""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from faults.agents import wait_until
from faults.remote_write import Receiver

if TYPE_CHECKING:
    from pathlib import Path

_METRIC: Final = "lab_tick"
_QUIET_S: Final = 12.0  # longer than their flushes and retries take


@dataclass
class PeerLoss:
    """What a peer lost is its figure, not a failure of ours."""

    kills: int = 0
    peer_acked: int = 0
    peer_lost: int = 0
    peer_duplicates: int = 0


class _Peer:
    def __init__(self, command: list[Any], port: int, log: Path) -> None:
        self._command = command
        self.port = port
        self._log = log

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(self._answers, f"{self._command[0]} answers")

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            assert self.process.poll() is None, self._log.read_text()[-2000:]
            return False
        return True

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(60)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def vmagent() -> str | None:
    return shutil.which("vmagent")


def prometheus() -> str | None:
    return shutil.which("prometheus")


def kill_vmagent(seed: int, kills: int, home: Path) -> PeerLoss:
    """kill -9 of vmagent so many times while it takes pushes."""
    chance = Random(seed)
    home.mkdir(parents=True)
    tally = PeerLoss()
    port = _free_port()
    with Receiver(_METRIC) as receiver:
        peer = _Peer(
            [
                "vmagent",
                f"-httpListenAddr=127.0.0.1:{port}",
                f"-remoteWrite.url={receiver.url}/write",
                f"-remoteWrite.tmpDataPath={home / 'vmagent'}",
            ],
            port,
            home / "log",
        )
        acked: list[int] = []
        peer.start()
        try:
            for _ in range(kills):
                _push(port, acked, chance.randrange(60, 180))
                peer.end(signal.SIGKILL)
                tally.kills += 1
                peer.start()
            _push(port, acked, 20)
            time.sleep(_QUIET_S)
        finally:
            if peer.process.poll() is None:
                peer.end(signal.SIGKILL)
    return _compare(tally, acked, receiver.received)


def _push(port: int, acked: list[int], count: int) -> None:
    """One sample a request, 20 ms apart, each with the next number."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for _ in range(count):
        number = (acked[-1] if acked else 0) + 1
        line = f"{_METRIC} {number} {time.time_ns() // 1_000_000}\n"
        connection.request("POST", "/api/v1/import/prometheus", line)
        answer = connection.getresponse()
        answer.read()
        if answer.status in (200, 204):
            acked.append(number)
        time.sleep(0.02)  # the load's rate
    connection.close()


def restart_prometheus(seed: int, restarts: int, home: Path) -> PeerLoss:
    """A clean restart of the Prometheus agent while its receiver is away."""
    home.mkdir(parents=True)
    port = _free_port()
    tally = PeerLoss()
    with Receiver(_METRIC) as receiver:
        config = home / "prometheus.yml"
        address = receiver.url.removeprefix("http://")
        config.write_text(
            "global: {scrape_interval: 500ms, scrape_timeout: 400ms}\n"
            "scrape_configs:\n- job_name: lab\n"
            f"  static_configs: [{{targets: ['{address}']}}]\n"
            f"remote_write: [{{url: '{receiver.url}/write'}}]\n"
        )
        peer = _Peer(
            [
                "prometheus",
                "--enable-feature=agent",
                f"--config.file={config}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--storage.agent.path={home / 'agent'}",
                "--storage.remote.flush-deadline=10s",  # a minute is the default
            ],
            port,
            home / "log",
        )
        peer.start()
        try:
            for _ in range(restarts):
                wait_until(lambda: receiver.received, "samples arrive")
                receiver.away = True
                wanted = len(receiver.scraped) + 40
                wait_until(lambda: len(receiver.scraped) >= wanted, "a backlog")  # noqa: B023 - called at once
                peer.end(signal.SIGTERM)
                receiver.away = False
                peer.start()
                tally.kills += 1
                wanted = len(receiver.scraped) + 5
                wait_until(lambda: len(receiver.scraped) >= wanted, "new samples")  # noqa: B023
            scraped = list(receiver.scraped)
            time.sleep(_QUIET_S)
        finally:
            if peer.process.poll() is None:
                peer.end(signal.SIGKILL)
    return _compare(tally, scraped, receiver.received)


def _compare(tally: PeerLoss, acked: list[int], received: list[int]) -> PeerLoss:
    tally.peer_acked = len(acked)
    tally.peer_lost = len(set(acked) - set(received))
    tally.peer_duplicates = len(received) - len(set(received))
    return tally
