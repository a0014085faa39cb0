"""F20: the aggregator's name is not answered, moves, or leads to where nobody is."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from faults.agent_links import check_ticks
from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.fault_proxy import address_of
from faults.island import FILES, NOWHERE, NOWHERE_6, Island
from faults.name_server import Mood, NameServer
from faults.oracle import BrokenError
from faults.spool_file import read_spool

if TYPE_CHECKING:
    from pathlib import Path

    from faults.agents import AgentProcess

_NAME: Final = "aggregator.test"
_INTERVAL_S: Final = 0.25  # a request that waits its 15 s fills no ring of 64 ticks
_HEAL_S: Final = 15.0  # the request that is under way when all is mended, and ours, on a busy machine
_EXIT_S: Final = 5.5
_MISSED: Final = 6  # batches that are kept meanwhile, at least


class Trouble(NamedTuple):
    """What the network says while it lasts."""

    mood: Mood = "well"
    addresses: tuple[str, ...] = ("127.0.0.1",)
    hosts: str = ""  # more lines of /etc/hosts


# Those that let nothing through, and one that must not matter.
OUTAGES: Final = {
    "no such name": Trouble("unknown"),
    "moved": Trouble(addresses=(NOWHERE,)),
    "server fails": Trouble("failing"),
    "no answer": Trouble("silent"),
    "junk": Trouble("junk"),
    "moved, IPv6": Trouble(addresses=(NOWHERE_6,)),
    "wrong in /etc/hosts": Trouble(hosts=f"{NOWHERE} {_NAME}\n"),
}
HARMLESS: Final = Trouble(addresses=(NOWHERE_6, "127.0.0.1"))


@dataclass
class Names(Tally):
    troubles: int = 0
    exit_max_ms: int = 0
    heal_ms: list[int] = field(default_factory=list)  # from the right answer to an acknowledged batch


class _Sea:
    """The island's names and files, and the agent on it."""

    def __init__(self, island: Island, names: NameServer, lab: Lab) -> None:
        self._island = island
        self._names = names
        self.agent = lab.agent(interval=f"{_INTERVAL_S * 1000:.0f}ms")
        self.agent.url = f"http://{_NAME}:{address_of(lab.proxy.url)[1]}"
        self.agent.wrapper = island.enter

    def be_patient(self) -> None:
        """The resolver waits as long as it would with three servers and a domain to search."""
        self._island.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:20 attempts:1\n")

    def be(self, trouble: Trouble) -> None:
        self._names.mood = trouble.mood
        self._names.addresses = list(trouble.addresses)
        self._island.write("hosts", FILES["hosts"] + trouble.hosts)


def lose_name(seed: int, tries: int, home: Path) -> Names:
    """So many outages of the name, each mended after a while; IPv6 that is no way; the end without an answer.

    Raises:
        BrokenError: also where IPv6 holds anything up, or a question without answer the agent's end.
    """
    tally = Names()
    outages = list(OUTAGES.values())
    outages = [outages[number % len(outages)] for number in range(tries)]
    Random(seed).shuffle(outages)
    with ExitStack() as opened:
        island = opened.enter_context(Island(home / "island"))
        names = opened.enter_context(NameServer(island.names))
        lab = opened.enter_context(Lab(home, seed, listener=island.listener))
        sea = _Sea(island, names, lab)
        sea.be(HARMLESS)
        sea.agent.start()
        lab.acked(3, _HEAL_S)
        for outage in outages:
            sea.be(outage)
            _cut_off(sea.agent)
            acked = len(lab.ledger.acked)
            sea.be(Trouble())
            if len(lab.ledger.acked) != acked:
                raise BrokenError("error", f"{outage}: batches were acknowledged")
            tally.heal_ms.append(round(lab.acked(1, _HEAL_S) * 1000))
            tally.troubles += 1
        lab.drained()
        tally.exit_max_ms = _end_unanswered(sea)
        sea.be(Trouble())
        sea.agent.start()
        lab.acked(2)
        lab.drained()
        tally.add(lab.judge())
        check_ticks(lab)
        if not names.asked:
            raise AssertionError("nobody asked our name server")
    return tally


def _cut_off(agent: AgentProcess) -> None:
    """The agent asks for the name anew, says once that it gets nowhere, and keeps its batches."""
    before = len(agent.log.read_text())
    agent.signal(signal.SIGHUP)
    wait_until(lambda: "cannot push" in agent.log.read_text()[before:], "it says that it gets nowhere")
    waiting = len(read_spool(agent.spool).batches)
    wait_until(lambda: len(read_spool(agent.spool).batches) >= waiting + _MISSED, "batches are kept")


def _end_unanswered(sea: _Sea) -> int:
    """Milliseconds from SIGTERM to the end while a question waits for an answer that does not come."""
    sea.be_patient()
    sea.be(Trouble("silent"))
    _cut_off(sea.agent)
    began = time.monotonic()
    code = sea.agent.stop()
    took_s = time.monotonic() - began
    if code != 0 or took_s > _EXIT_S:
        raise BrokenError("undeclared_lost", f"exit code {code} after {took_s:.1f} s")
    return round(took_s * 1000)
