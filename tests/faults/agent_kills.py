"""kill -9 of the real agent: at random (F01), and at each system call by which it touches its spool (F02)."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.fault_proxy import NOTHING, Fault, Request, error
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.agents import AgentProcess

AWAY: Final = error(503, "storage_unavailable")  # without Retry-After: only the backlog waits


@dataclass
class Kills(Tally):
    kills: int = 0
    resent: int = 0  # batches that were sent more than once: replies that were lost with the agent
    restart_max_ms: int = 0  # from exec to the first request


def kill_agent(seed: int, kills: int, home: Path) -> Kills:
    """Kills the agent so many times at random, and the link with it at times.

    Raises:
        BrokenError
    """
    chance = Random(seed)
    tally = Kills()
    with Lab(home, seed) as lab:
        agent = lab.agent()
        for _ in range(kills):
            # Three kinds of run: all is well; nothing gets through; the replies are lost.
            lab.proxy.rule = chance.choice((_well, _well, lambda _: AWAY, lambda _: Fault(cut_reply=0)))
            tally.restart_max_ms = max(tally.restart_max_ms, _start(lab, agent))
            lab.requested(chance.randrange(6))
            time.sleep(chance.random() * 0.06)  # anywhere between two ticks
            agent.kill()
            tally.kills += 1
            lab.ledger.spooled(agent.spool)
        lab.proxy.rule = _well
        _start(lab, agent)
        lab.drained()
        tally.add(lab.judge())
        tally.resent = sum(count > 1 for count in lab.ledger.attempts.values())
    return tally


def _well(_: Request) -> Fault:
    return NOTHING


def _start(lab: Lab, agent: AgentProcess) -> int:
    """Milliseconds from exec to the first request."""
    before = lab.proxy.requests
    agent.start()
    return round(wait_until(lambda: lab.proxy.requests > before, "the first request") * 1000)


# ---- F02 ---------------------------------------------------------------------------------------------------

CALLS: Final = (
    "openat",
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "ftruncate",
    "renameat",
    "unlinkat",
    "mkdir",
)
_SEGMENTS: Final = 200  # names told to strace: more than a life ever makes


@dataclass
class Scenario:
    """A way to live; over once `until` holds. The rule is made anew for each life."""

    name: str
    rule: Callable[[], Callable[[Request], Fault]]
    until: Callable[[Lab, int], bool]  # the lab, acknowledgements before this life
    settings: tuple[str, ...] = ()
    spool: str = ""
    series: int = 3


def _away_for(requests: int) -> Callable[[], Callable[[Request], Fault]]:
    def make() -> Callable[[Request], Fault]:
        left = requests

        def rule(_: Request) -> Fault:
            nonlocal left
            left -= 1
            return AWAY if left >= 0 else NOTHING

        return rule

    return make


def _every_fourth(fault: Fault) -> Callable[[], Callable[[Request], Fault]]:
    """What holds every fourth number is refused, whenever it comes."""
    return lambda: lambda request: fault if any(seq % 4 == 2 for seq in request.seqs) else NOTHING


def _in_every_other_stream(fault: Fault) -> Callable[[], Callable[[Request], Fault]]:
    """Every fourth number is somebody else's, whenever it comes, in the first, third, … stream seen.

    Were it so in all of them, every batch would end in a stream of its own, and they would never all be sent.
    """
    is_taken: dict[str, bool] = {}

    def rule(request: Request) -> Fault:
        taken = is_taken.setdefault(request.stream, len(is_taken) % 2 == 0)
        return fault if taken and any(seq % 4 == 2 for seq in request.seqs) else NOTHING

    return lambda: rule


def _acked(count: int) -> Callable[[Lab, int], bool]:
    return lambda lab, before: len(lab.ledger.acked) >= before + count


SCENARIOS: Final = (
    Scenario("well", lambda: _well, _acked(40)),
    Scenario("synced", lambda: _well, _acked(30), spool="sync: always"),
    Scenario("away", _away_for(30), lambda lab, before: _acked(10)(lab, before) and lab.is_drained()),
    Scenario("full", _away_for(60), _acked(10), spool="max_bytes: 64KiB", series=300),
    Scenario("poison", _every_fourth(error(400, "bad_json")), _acked(30)),
    Scenario("conflict", _in_every_other_stream(error(409, "seq_conflict")), _acked(20)),
)


@dataclass
class Points(Tally):
    points: int = 0
    restart_max_ms: int = 0


def strace() -> str | None:
    """The tracer, where there is one that works."""
    return shutil.which("strace")


def kill_at_syscalls(seed: int, tries: int, home: Path, most: int = 1 << 30) -> Points:
    """Kills the agent at the first, second, … call of each kind on its spool, as many as a life makes.

    Each life goes on in the spool the one before left. `seed` chooses the scenario; `tries` is 1.

    Args:
        most: kills of a kind of call, spread over all there are.

    Raises:
        BrokenError
    """
    scenario = SCENARIOS[(seed - 1) % len(SCENARIOS)]
    tally = Points()
    with Lab(home, seed, scenario.series) as lab:
        settings = (
            f"spool: {{dir: {home / 'agent0' / 'state'}{', ' + scenario.spool if scenario.spool else ''}}}"
        )
        agent = lab.agent(settings=[*scenario.settings, settings])
        counts = _calls_of_a_life(lab, agent, scenario)
        for call, count in counts.items():
            step = max(1, -(-count // most))
            for number in range(1, count + 1, step):
                killed, ms = _live(lab, agent, scenario, f"inject={call}:signal=SIGKILL:when={number}")
                _check_spool(lab, agent, f"{scenario.name}: {call} {number}")
                tally.points += killed
                tally.restart_max_ms = max(tally.restart_max_ms, ms)
        agent.wrapper = ()
        lab.proxy.rule = _well
        agent.start()
        lab.acked(2)
        lab.drained(600)  # the drops of each life are a request of their own
        tally.add(lab.judge())
    return tally


def _check_spool(lab: Lab, agent: AgentProcess, where: str) -> None:
    """What was sealed and is not settled yet lies in the spool, as a batch or as a drop."""
    found = lab.ledger.spooled(agent.spool)
    lost = lab.ledger.sealed() - lab.ledger.settled() - found.batches.keys() - found.drops.keys()
    if lost:
        raise BrokenError("undeclared_lost", f"{where}: {sorted(lost)[:5]} are neither spooled nor settled")


def _calls_of_a_life(lab: Lab, agent: AgentProcess, scenario: Scenario) -> dict[str, int]:
    log = lab.home / "calls"
    _live(lab, agent, scenario, None, log)
    found = re.findall(r"(?m)^(?:\d+ +)?(\w+)\(", log.read_text())
    return {call: found.count(call) for call in CALLS if call in found}


def _live(
    lab: Lab, agent: AgentProcess, scenario: Scenario, inject: str | None, log: Path | None = None
) -> tuple[bool, int]:
    """One life: whether it was killed, and how long its first request took in milliseconds (0: none came)."""
    lab.proxy.rule = scenario.rule()
    agent.wrapper = traced(agent.spool, inject, log)
    before, acked = lab.proxy.requests, len(lab.ledger.acked)
    began = time.monotonic()
    agent.start()
    first_ms = 0

    def is_over() -> bool:
        nonlocal first_ms
        if not first_ms and lab.proxy.requests > before:
            first_ms = round((time.monotonic() - began) * 1000)
        return not agent.is_running() or scenario.until(lab, acked)

    wait_until(is_over, f"{scenario.name}: {inject}")
    if agent.is_running():
        agent.stop()
    return agent.wait() != 0, first_ms


def traced(spool: Path, inject: str | None, log: Path | None = None) -> list[Any]:
    """strace with its options, for an agent on this spool; only calls on the spool's files count."""
    names = ["cursor", "quarantine", "agent_id", "agent_id.new"]
    paths = [spool, *(spool / name for name in names)]
    known = sorted(spool.glob("segment-*"))
    first = int(known[0].name.removeprefix("segment-")) if known else 1
    paths += [spool / f"segment-{number:012}" for number in range(first, first + _SEGMENTS)]
    command: list[Any] = ["strace", "-f", "-qq", "-y", "-o", log or "/dev/null", "-e", "signal=none"]
    command += ["-e", f"trace={','.join(CALLS)}"]
    for path in paths:
        command += ["-P", path]
    return command + (["-e", inject] if inject else [])
