"""F25: certificates that the agent must not believe: expired, of another name, of an unknown authority."""

from __future__ import annotations

import shutil
import signal
import ssl
import warnings
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from faults.agent_links import check_ticks
from faults.agents import Lab, wait_until
from faults.certificates import Authority, self_signed, with_key
from faults.delivery import Tally
from faults.oracle import BrokenError
from faults.spool_file import read_spool

if TYPE_CHECKING:
    from pathlib import Path

    from faults.agents import AgentProcess

# What the server shows, and the words by which the agent's one line must say what is wrong with it.
REASONS: Final = {
    "expired": "certificate has expired",
    "of tomorrow": "certificate is not yet valid",
    "of another name": "subject name",
    "of an unknown authority": "unable to get local issuer certificate",
    "of nobody": "self-signed certificate",
    "TLS 1.1": "SSL_connect",  # asyncio closes before the alert that would say why has left
}
UNKNOWN: Final = "of an unknown authority"
_ATTEMPTS: Final = 10  # intervals, at least, in which it could have changed its mind


def openssl() -> str | None:
    return shutil.which("openssl")


@dataclass
class Doubts(Tally):
    refused: int = 0
    heal_ms: list[int] = field(default_factory=list)  # from the right certificate to an acknowledged batch


class _Front:
    """What the server in front shows to those who connect from now on."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs")
        self.known, self.foreign = ours.certificate, theirs.certificate
        self._right = ours.issue("right")
        self._wrong = {
            "expired": ours.issue("expired", from_day=-9, to_day=-1),
            "of tomorrow": ours.issue("tomorrow", from_day=1, to_day=9),
            "of another name": ours.issue("other", "DNS:other.example,IP:127.0.0.2"),
            UNKNOWN: theirs.issue("foreign"),
            "of nobody": with_key(self_signed(folder, "nobody")),
            "TLS 1.1": self._right,
        }
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or openssl itself would refuse to speak TLS 1.1
        self.show()

    def show(self, what: str | None = None) -> None:
        """None: the right one."""
        self.context.load_cert_chain(self._right if what is None else self._wrong[what])
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            old, new = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.MAXIMUM_SUPPORTED
            self.context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            self.context.maximum_version = old if what == "TLS 1.1" else new


def distrust(seed: int, rounds: int, home: Path) -> Doubts:
    """Shows the agent each certificate it must not believe, so many times, and the right one after each.

    Raises:
        BrokenError: also where one request came through meanwhile, or the log does not say why not.
    """
    tally = Doubts()
    chance = Random(seed)
    home.mkdir(parents=True)
    front = _Front(home)
    with Lab(home, seed, tls=front.context) as lab:
        agent = lab.agent(settings=[_trust(front.known)])
        agent.start()
        lab.acked(3)
        for _ in range(rounds):
            for what in chance.sample(list(REASONS), len(REASONS)):
                front.show(what)
                _refuse(lab, agent, what)
                tally.refused += 1
                if what == UNKNOWN:
                    _read_again(agent, front.foreign)
                else:
                    front.show()
                tally.heal_ms.append(round(lab.acked(1) * 1000))
                lab.drained()
                if what == UNKNOWN:
                    front.show()
                    _read_again(agent, front.known)
                    lab.acked(2)
        tally.add(lab.judge())
        check_ticks(lab)
    return tally


def _refuse(lab: Lab, agent: AgentProcess, what: str) -> None:
    """The agent connects anew, is shown `what`, and keeps its batches."""
    before = len(agent.log.read_text())
    agent.signal(signal.SIGHUP)

    def complaints() -> list[str]:
        return [line for line in agent.log.read_text()[before:].splitlines() if "cannot push" in line]

    wait_until(complaints, f"it says what is wrong with a certificate {what}")
    asked, acked = lab.proxy.requests, len(lab.ledger.acked)
    waiting = len(read_spool(agent.spool).batches)
    wait_until(lambda: len(read_spool(agent.spool).batches) >= waiting + _ATTEMPTS, "batches are kept")
    if (lab.proxy.requests, len(lab.ledger.acked)) != (asked, acked):
        raise BrokenError("undeclared_lost", f"{what}: {lab.proxy.requests - asked} requests were sent")
    said = complaints()
    if len(said) != 1 or REASONS[what] not in said[0]:
        raise AssertionError(f"{what}: the agent said {said}")


def _trust(authority: Path) -> str:
    return f"tls: {{ca_file: {authority}}}"


def _read_again(agent: AgentProcess, authority: Path) -> None:
    agent.settings = [_trust(authority)]
    agent.write_config()
    agent.signal(signal.SIGHUP)
