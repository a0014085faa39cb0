"""An agent's life, made hard: clocks that step, sleep, signals, copies of its state (F26, F27, F38–F40)."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

from aggregator_process import TOKEN
from faults.agent_links import AWAY
from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.fault_proxy import NOTHING, Fault, Request
from faults.kills import get
from faults.oracle import BrokenError
from faults.spool_file import read_spool

# ---- clocks ------------------------------------------------------------------------------------------------

_FAKETIME: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
HOUR: Final = 3600
DAY: Final = 24 * HOUR
# How far the host's wall clock is set away from the truth, in seconds, in turn.
CLOCKS: Final = {
    "an hour ahead": (0, HOUR),
    "an hour behind": (0, -HOUR),
    "a day ahead and back": (0, DAY, 0),
    "a day behind and back": (0, -DAY, 0),
    "1970": (0, "1970"),
    "2040": (0, "2040"),
    "steps of a second": (0, 1, 2, 3, 4, 5, 6, 7, 8),
    "wrong from the start": (-HOUR, 0),
}
_ERROR_MS: Final = 10_000  # the bar is a second; a busy machine's way to the aggregator may take longer
_YEARS: Final = {"1970": 86_400, "2040": 2_208_988_800}


def libfaketime() -> Path | None:
    return _FAKETIME[0] if _FAKETIME else None


@dataclass
class Clocks(Tally):
    clocks: int = 0
    error_max_ms: int = 0  # of a stored time


def set_clocks(seed: int, tries: int, home: Path, batches: int = 15) -> Clocks:
    """Sets the wall clock of a running agent; its monotonic clocks go on as they are (F26).

    Raises:
        BrokenError: also where a sample is stored far from when it was taken.
    """
    tally = Clocks()
    for number in range(seed - 1, seed - 1 + tries):
        name = list(CLOCKS)[number % len(CLOCKS)]
        worst_ms, lab_tally = _set_clock(seed, CLOCKS[name], home / f"clock{number}", batches)
        tally.add(lab_tally)
        tally.clocks += 1
        tally.error_max_ms = max(tally.error_max_ms, worst_ms)
        if worst_ms > _ERROR_MS:
            raise BrokenError("corrupt", f"{name}: a sample is stored {worst_ms} ms from its time")
    return tally


def _set_clock(seed: int, offsets: tuple[Any, ...], home: Path, batches: int) -> tuple[int, Tally]:
    library = libfaketime()
    assert library is not None
    with Lab(home, seed) as lab:
        stamp = home / "clock"
        agent = lab.agent()
        agent.env = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(stamp),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        for index, offset in enumerate(offsets):
            seconds = _YEARS[offset] - time.time() if offset in _YEARS else offset
            whole = home / "clock.new"
            whole.write_text(f"{seconds:+.3f}\n")
            whole.rename(stamp)
            if index == 0:
                agent.start()
            lab.acked(batches)
        tally = lab.judge(by_tick=True)
        reach = f"start={time.time() - 400}&end={time.time() + 60}"
        answer = get(lab.aggregator, f"/api/metrics?host=web01&type=synthetic.tick&{reach}")
        (ticks,) = answer["series"]
        booted_ms = round((time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)) * 1000)
        taken = {batch.tick: booted_ms + batch.boottime_ms for batch in lab.ledger.batches.values()}
        worst = 0
        for time_s, tick in zip(ticks["times"], ticks["values"], strict=True):
            worst = max(worst, abs(round(time_s * 1000) - taken[int(tick)]))
        return worst, tally


@dataclass
class Sleeps(Tally):
    sleeps: int = 0
    burst_max: int = 0  # batches within an interval of waking up


def suspend_agent(seed: int, seconds: float, home: Path) -> Sleeps:
    """Stops the agent's process for a while (F27): one hole, and no burst of ticks to make up for it."""
    tally = Sleeps(sleeps=1)
    with Lab(home, seed) as lab:
        agent = lab.agent(interval="200ms")
        agent.start()
        lab.acked(5)
        agent.signal(signal.SIGSTOP)
        time.sleep(seconds)  # it is the fault itself
        agent.signal(signal.SIGCONT)
        lab.acked(8)
        tally.add(lab.judge())
        times = sorted(batch.time_ms for batch in lab.ledger.batches.values())
        steps = [after - before for before, after in pairwise(times)]
        holes = [at for at, step in enumerate(steps) if step > 500 * seconds]
        if len(holes) != 1:
            raise BrokenError("corrupt", f"{len(holes)} holes of more than {seconds / 2} s: {steps}")
        after = times[holes[0] + 1 :]
        tally.burst_max = sum(time_ms < after[0] + 190 for time_ms in after) - 1
        if tally.burst_max > 1:
            raise BrokenError("corrupt", f"a burst of {tally.burst_max}: {steps}")
    return tally


# ---- signals -----------------------------------------------------------------------------------------------


@dataclass
class Ends(Tally):
    ends: int = 0
    exit_max_ms: int = 0


def terminate(seed: int, times: int, home: Path) -> Ends:
    """SIGTERM so many times, wherever a request happens to be (F38): exit code 0 within 5 s, nothing lost."""
    chance = Random(seed)
    tally = Ends()
    with Lab(home, seed) as lab:
        agent = lab.agent()
        for _ in range(times):
            rules = (
                NOTHING,
                NOTHING,
                AWAY,
                Fault(latency_s=0.05),
                Fault(cut_reply=0),
                Fault(cut_request=100),
            )
            fault = chance.choice(rules)
            lab.proxy.rule = lambda _, fault=fault: fault  # type: ignore[misc]
            agent.start()
            lab.requested(chance.randrange(1, 5))
            time.sleep(chance.random() * 0.06)  # anywhere between two ticks
            began = time.monotonic()
            code = agent.stop()
            took_ms = round((time.monotonic() - began) * 1000)
            tally.exit_max_ms = max(tally.exit_max_ms, took_ms)
            lab.ledger.spooled(agent.spool)
            if code != 0 or took_ms > 5_500:
                raise BrokenError("undeclared_lost", f"exit code {code} after {took_ms} ms")
            tally.ends += 1
        lab.proxy.rule = lambda _: NOTHING
        agent.start()
        lab.acked(2)
        lab.drained()
        tally.add(lab.judge())
    return tally


@dataclass
class Reloads(Tally):
    reloads: int = 0


def reload_under_load(seed: int, times: int, home: Path) -> Reloads:
    """SIGHUP so many times, with an invalid and a valid file in turn (F39): invalid ones change nothing."""
    chance = Random(seed)
    tally = Reloads()
    with Lab(home, seed) as lab:
        agent = lab.agent()
        lab.proxy.rule = lambda _: chance.choice((NOTHING, NOTHING, NOTHING, AWAY, Fault(cut_reply=0)))
        agent.start()
        lab.acked(2)
        for number in range(times):
            valid = number % 2 == 1
            agent.write_config(*([f"host_tags: {{n: '{number}'}}"] if valid else ["push_interval: never"]))
            said = "the configuration was read again" if valid else "the old one stays"
            before = agent.log.read_text().count(said)
            agent.signal(signal.SIGHUP)
            wait_until(lambda: agent.log.read_text().count(said) > before, said)  # noqa: B023 - called at once
            tally.reloads += 1
        lab.proxy.rule = lambda _: NOTHING
        agent.write_config()
        agent.signal(signal.SIGHUP)
        lab.acked(2)
        lab.drained()
        streams = {stream for stream, _ in lab.ledger.batches}
        if len(streams) != 1:
            raise BrokenError("undeclared_lost", f"{len(streams)} streams: a reload began a new one")
        tally.add(lab.judge())
    return tally


# ---- copies ------------------------------------------------------------------------------------------------


@dataclass
class Copies(Tally):
    copies: int = 0


def same_name(seed: int, batches: int, home: Path) -> Copies:
    """Two hosts of the same name (F40): both are there, under two names."""
    with Lab(home, seed) as lab:
        for _ in range(2):
            lab.agent("web01").start()
            lab.acked(batches)
        lab.acked(batches)
        names = {host["hostname"] for host in get(lab.aggregator, "/api/hosts")["hosts"]}
        if names != {"web01", "web01~2"}:
            raise BrokenError("corrupt", f"two hosts called web01 are {names}")
        return _tally(lab.judge())


def cloned_state(seed: int, batches: int, home: Path) -> Copies:
    """A machine with a backlog is copied, both run (F40): it is stored once, then each has its own stream."""
    with Lab(home, seed) as lab:
        lab.proxy.rule = lambda _: AWAY
        one = lab.agent()
        one.start()
        wait_until(lambda: len(read_spool(one.spool).batches) >= batches, "the backlog")
        one.kill()
        lab.ledger.spooled(one.spool)
        two = lab.agent()
        shutil.copytree(one.spool, two.spool)
        lab.proxy.rule = lambda _: NOTHING
        one.start()
        two.start()
        lab.acked(batches + 20)
        lab.drained()
        streams = {stream for stream, _ in lab.ledger.batches}
        if len(streams) != 3:
            raise BrokenError("corrupt", f"{len(streams)} streams of three lives")
        return _tally(lab.judge())


def taken_numbers(seed: int, batches: int, home: Path) -> Copies:
    """Somebody used our next numbers, as a machine that was snapshot would (F40): 409, and a new stream."""
    with Lab(home, seed) as lab:
        heads: list[Request] = []

        def rule(request: Request) -> Fault:
            heads.append(request)
            return NOTHING

        lab.proxy.rule = rule
        agent = lab.agent()
        agent.start()
        lab.acked(3)
        agent.signal(signal.SIGSTOP)
        stream, top = max(lab.ledger.batches)
        for seq in range(top + 1, top + 4):
            _push_as(lab, stream, seq)
        agent.signal(signal.SIGCONT)
        wait_until(lambda: len({stream for stream, _ in list(lab.ledger.acked)}) > 1, "a new stream")
        lab.acked(batches)
        wait_until(lambda: len(read_spool(agent.spool).batches) < 3, "all of it sealed again")
        return _tally(lab.judge())


def second_agent(seed: int, batches: int, home: Path) -> Copies:
    """Two agents on one spool (F40): the second one ends with 75, and the first does not notice."""
    with Lab(home, seed) as lab:
        one = lab.agent()
        one.start()
        lab.acked(2)
        two = lab.agent(settings=[f"spool: {{dir: {one.spool}}}"])
        code = two.start().wait()
        if code != 75:
            raise BrokenError("corrupt", f"the second agent on a spool ended with {code}")
        lab.acked(batches)
        return _tally(lab.judge())


def _tally(judged: Tally) -> Copies:
    tally = Copies(copies=1)
    tally.add(judged)
    return tally


def copies(seed: int, tries: int, home: Path) -> Copies:
    """Each kind of copy."""
    tally = Copies()
    kinds = (same_name, cloned_state, taken_numbers, second_agent)
    for number in range(tries):
        for kind in kinds:
            tally.add(kind(seed, 20, home / f"{kind.__name__}{number}"))
            tally.copies += 1
    return tally


def _push_as(lab: Lab, stream: str, seq: int) -> None:
    """What the other half of a snapshot says under this number: a heartbeat."""
    connection = http.client.HTTPConnection(*lab.aggregator.address, timeout=20)
    headers = {"X-SysMon-Token": TOKEN, "X-SysMon-Stream": stream, "X-SysMon-Seq": str(seq)}
    connection.request("POST", "/api/metrics", json.dumps({"hostname": "web01", "metrics": []}), headers)
    assert connection.getresponse().status == 200
    connection.close()
