"""F30: the aggregator has fewer descriptors than clients; the agent runs out of descriptors and memory."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import psutil

from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.fault_proxy import NOTHING, Fault
from faults.hostile import WAIT_S, GoodHost, with_limits, within
from faults.kills import get
from faults.oracle import BrokenError
from faults.spool_file import read_spool

if TYPE_CHECKING:
    from aggregator_process import AggregatorProcess
    from faults.agents import AgentProcess

FILES: Final = 200  # of the aggregator: 72 connections, and what is kept for everything else
_PUSHES: Final = 50
_CPU_SHARE: Final = 0.5  # the bar is 0.2; the pushes and questions that go on meanwhile are in it, too
_LOG_BYTES: Final = 20_000
_MISSED: Final = 10
_BEGINS: Final = "pushing to "  # what an agent says once its first batch was taken


@dataclass
class Crowd:
    clients: int = 0
    cpu_max_percent: int = 0
    p99_during_max_us: int = 0
    heal_ms: list[int] = field(default_factory=list)
    hostile_inputs: int = 0
    hostile_5xx: int = 0


def crowd_out(seed: int, tries: int, folder: Path) -> Crowd:
    """So many clients hold connections to an aggregator that has fewer descriptors.

    Raises:
        BrokenError: a host that was there before is not served, a question fails otherwise than by its
            connection, the processor or the log is busy with it, or it does not pass.
    """
    tally = Crowd(hostile_inputs=tries)
    running = with_limits(folder)
    running.wrapper = ["prlimit", f"--nofile={FILES}:{FILES}"]
    with running, GoodHost(running) as good, contextlib.ExitStack() as opened:
        good.pushes(_PUSHES)
        process = psutil.Process(running.process.pid)
        files = process.num_fds()
        crowd = [
            opened.enter_context(socket.create_connection(running.address, WAIT_S)) for _ in range(tries)
        ]
        used, began = sum(process.cpu_times()[:2]), time.monotonic()
        time.sleep(2)  # asyncio tries again to accept every second
        tally.p99_during_max_us = round(good.pushes(_PUSHES) * 1e6)
        share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
        tally.cpu_max_percent = round(100 * share)
        Random(seed).shuffle(crowd)
        tally.hostile_5xx = _ask_all(crowd)
        tally.clients = len(crowd)
        opened.close()
        healed_s = within(WAIT_S, lambda: _is_served(running), "a new client is served")
        tally.heal_ms.append(round(healed_s * 1000))
        within(WAIT_S, lambda: process.num_fds() <= files + 2, "their descriptors are free again")
        good.check()
        said = running.log.stat().st_size
    if share > _CPU_SHARE or said > _LOG_BYTES or tally.hostile_5xx:
        raise BrokenError("error", f"{tally}; {said} bytes in the log")
    return tally


def _ask_all(crowd: list[socket.socket]) -> int:
    """How many of their questions are answered with a 5xx; those that were closed get no answer."""
    failed = 0
    for one in crowd:
        with contextlib.suppress(OSError):
            one.sendall(b"GET /api/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n")
            failed += one.recv(65_536)[9:10] == b"5"
    return failed


def _is_served(running: AggregatorProcess) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return bool(get(running, "/api/hosts")["hosts"])
    return False


# ---- the agent ---------------------------------------------------------------------------------------------


@dataclass
class Starved(Tally):
    limits: int = 0
    ended: int = 0  # lives for which the memory was not enough
    heal_ms: list[int] = field(default_factory=list)  # from room to an acknowledged batch


def starve_agent(seed: int, tries: int, home: Path) -> Starved:
    """Gives the agent too few descriptors while it runs, then too little memory to start with, and so on.

    It may live on or end, as by kill -9; started again with what it needs, it has lost nothing.

    Raises:
        BrokenError
    """
    tally = Starved()
    chance = Random(seed)
    with Lab(home, seed, series=300) as lab:
        agent = lab.agent()
        agent.start()
        lab.acked(3)
        needs = psutil.Process(agent.pid).memory_info().vms
        for number in range(tries):
            if number % 2 == 0:
                _take_descriptors(lab, agent, chance)
            else:
                tally.ended += _live_in(lab, agent, round(needs * chance.uniform(0.02, 0.3)))
            tally.limits += 1
            tally.heal_ms.append(round(lab.acked(1) * 1000))
            lab.drained()
        tally.add(lab.judge())
    return tally


def _take_descriptors(lab: Lab, agent: AgentProcess, chance: Random) -> None:
    """It loses its connection and is told to make another while there is no descriptor for one, or few."""
    before = resource.prlimit(agent.pid, resource.RLIMIT_NOFILE)
    most = max(int(file.name) for file in Path(f"/proc/{agent.pid}/fd").iterdir()) + chance.randrange(3)
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, (most, before[1]))
    lab.proxy.rule = lambda _: Fault(cut_reply=0)
    waiting = len(read_spool(agent.spool).batches)
    agent.signal(signal.SIGHUP)
    wait_until(lambda: len(read_spool(agent.spool).batches) >= waiting + _MISSED, "it keeps its batches")
    if not agent.is_running():
        raise BrokenError("error", "without descriptors it ended")
    resource.prlimit(agent.pid, resource.RLIMIT_NOFILE, before)
    lab.proxy.rule = lambda _: NOTHING


def _live_in(lab: Lab, agent: AgentProcess, space: int) -> bool:
    """One life in so many bytes of address space, on the spool of the last; whether that ended it."""
    assert agent.stop() == 0
    lab.ledger.spooled(agent.spool)
    agent.wrapper = ["prlimit", f"--as={space}"]
    before = lab.proxy.requests
    agent.start()
    wait_until(lambda: not agent.is_running() or lab.proxy.requests > before + 3, "it pushes, or ends")
    has_ended = not agent.is_running()
    agent.kill()
    lab.ledger.spooled(agent.spool)
    agent.wrapper = ()
    lives = agent.log.read_text().count(_BEGINS)
    agent.start()
    wait_until(lambda: agent.log.read_text().count(_BEGINS) > lives, "it has all it needs again")
    return has_ended
