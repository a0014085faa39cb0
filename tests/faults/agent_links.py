"""What lies between agent and aggregator misbehaves: outages, cuts, replays, strangers (F13–F18, F21–F24)."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import TYPE_CHECKING, Final

from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.fault_proxy import NOTHING, Fault, FaultProxy, Request, canned, error
from faults.oracle import BrokenError
from faults.spool_file import read_spool

if TYPE_CHECKING:
    from pathlib import Path

AWAY: Final = error(503, "storage_unavailable")


@dataclass
class Link(Tally):
    faults: int = 0
    live_max_requests: int = 0  # from the return of the aggregator to the first batch sealed after it
    drain_max_ms: int = 0


def lose_aggregator(seed: int, batches: int, home: Path, interval: str = "50ms") -> Link:
    """Ends the aggregator until so many batches wait, and starts it again (F13).

    Raises:
        BrokenError: also where the live lane does not come first.
    """
    tally = Link()
    with Lab(home, seed) as lab:
        agent = lab.agent(interval=interval)
        agent.start()
        lab.acked(3)
        assert lab.aggregator.stop() == 0
        wait_until(lambda: len(read_spool(agent.spool).batches) >= batches, "the backlog", 600)
        waiting = {key[1] for key in lab.ledger.spooled(agent.spool).batches}
        lab.aggregator.start()
        asked = lab.proxy.requests
        wait_until(lambda: any(seq > max(waiting) for _, seq in list(lab.ledger.acked)), "a live batch")
        tally.live_max_requests = lab.proxy.requests - asked
        tally.drain_max_ms = round(lab.drained() * 1000)
        tally.faults = 1
        tally.add(lab.judge())
    return tally


def freeze_aggregator(seed: int, seconds: float, home: Path, interval: str = "50ms") -> Link:
    """Stops the aggregator's process with its connections open (F14). The agent's ticks go on."""
    tally = Link(faults=1)
    with Lab(home, seed) as lab:
        agent = lab.agent(interval=interval)
        agent.start()
        lab.acked(3)
        lab.aggregator.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)  # it is the fault itself
        lab.aggregator.process.send_signal(signal.SIGCONT)
        lab.acked(10)
        lab.drained()
        tally.add(lab.judge())
        check_ticks(lab)
    return tally


def check_ticks(lab: Lab) -> None:
    """No tick was left out, whatever the link did (I6): within a stream each batch holds the next one."""
    ticks: dict[str, list[int]] = {}
    for (stream, _), batch in sorted(lab.ledger.batches.items()):
        ticks.setdefault(stream, []).append(batch.tick)
    for stream, seen in ticks.items():
        if seen != list(range(seen[0], seen[0] + len(seen))):
            raise BrokenError("undeclared_lost", f"stream {stream} left ticks out: {seen}")


def slow_link(seed: int, acknowledged: int, home: Path) -> Link:
    """64 kbit/s, latency, and pieces of 7 bytes (F15, what of it needs no kernel)."""
    chance = Random(seed)
    tally = Link(faults=1)
    with Lab(home, seed) as lab:
        lab.proxy.rule = lambda _: Fault(
            latency_s=chance.choice((0, 0.02, 0.2)),
            bytes_per_s=8_000,
            slice_bytes=chance.choice((7, 100, 1460)),
        )
        lab.agent(interval="100ms").start()
        lab.acked(acknowledged, 300)
        lab.proxy.rule = lambda _: NOTHING
        lab.drained()
        tally.add(lab.judge())
        check_ticks(lab)
    return tally


@dataclass
class Cuts(Tally):
    points: int = 0
    duplicates_answered: int = 0  # committed, the reply was lost, and sent again


def cut_everywhere(seed: int, step: int, home: Path) -> Cuts:
    """Resets the connection at each `step`-th byte of a request, and then of its reply (F16)."""
    tally = Cuts()
    with Lab(home, seed) as lab:
        sizes = {"request": 0, "reply": 0}

        def measure(request: Request) -> Fault:
            sizes["request"] = max(sizes["request"], len(request.head) + len(request.body))
            return NOTHING

        lab.proxy.rule = measure
        agent = lab.agent()
        agent.start()
        lab.acked(4)
        sizes["reply"] = 450
        cuts = [Fault(cut_request=at) for at in range(seed % step, sizes["request"] + 1, step)]
        cuts += [Fault(cut_reply=at) for at in range(seed % step, sizes["reply"], step)]
        left = list(reversed(cuts))

        def rule(request: Request) -> Fault:
            # Between two cuts one request goes through: the backoff must not make this take hours.
            return left.pop() if left and request.number % 2 else NOTHING

        lab.proxy.rule = rule
        wait_until(lambda: not left, "every cut", 600)
        lab.drained()
        tally.points = len(cuts)
        tally.duplicates_answered = sum(count > 1 for count in lab.ledger.attempts.values())
        tally.add(lab.judge())
        check_ticks(lab)
    return tally


def replay(seed: int, acknowledged: int, home: Path) -> Link:
    """Each request is delivered up to five times; all of them again at the end, and after a restart (F17)."""
    chance = Random(seed)
    tally = Link(faults=1)
    seen: list[Request] = []
    with Lab(home, seed) as lab:

        def rule(request: Request) -> Fault:
            seen.append(request)
            return Fault(copies=chance.randint(1, 5))

        lab.proxy.rule = rule
        agent = lab.agent()
        agent.start()
        lab.acked(acknowledged)
        assert agent.stop() == 0
        _deliver_again(lab, seen, chance)
        assert lab.aggregator.stop() == 0
        lab.aggregator.start()
        _deliver_again(lab, seen, chance)
        tally.add(lab.judge())
    return tally


def _deliver_again(lab: Lab, seen: list[Request], chance: Random) -> None:
    for request in chance.sample(seen, len(seen)):
        reply = lab.proxy.deliver(request)
        if not reply.startswith(b"HTTP/1.1 200") or b'"duplicate":true' not in reply.replace(b" ", b""):
            raise BrokenError("duplicates", f"{request.seqs} once more: {reply!r}")


def reorder(seed: int, acknowledged: int, home: Path) -> Link:
    """Requests are held and let go later, the newest first, while the agent sends them again (F18)."""
    chance = Random(seed)
    tally = Link(faults=1)
    with Lab(home, seed) as lab:
        lab.proxy.rule = lambda _: Fault(hold=True) if chance.random() < 0.4 else NOTHING
        agent = lab.agent()
        agent.start()
        wanted = 0
        while wanted < acknowledged:
            wanted += 10
            wait_until(lambda: len(lab.ledger.acked) >= wanted, "more acknowledged")  # noqa: B023 - called at once
            lab.proxy.release(newest_first=True, times=chance.randint(1, 2))
        lab.proxy.rule = lambda _: NOTHING
        lab.drained(300)  # what was acknowledged in between cuts the bundles short
        lab.proxy.release(newest_first=True)
        tally.add(lab.judge())
        check_ticks(lab)
    return tally


# ---- what others answer ------------------------------------------------------------------------------------


def overload(seed: int, rounds: int, home: Path) -> Link:
    """429 and 503 with every form of Retry-After (F21). Nothing is asked before the time that was said."""
    tally = Link()
    soon = datetime.now(UTC) + timedelta(seconds=2)
    forms = {
        "1": 1.0,
        "0": 0.0,
        format_datetime(soon, usegmt=True): 0.0,
        "-5": 0.0,
        "junk": 0.0,
        "": 0.0,
    }
    with Lab(home, seed) as lab:
        agent = lab.agent()
        agent.start()
        for status in (429, 503) * rounds:
            for form, least_s in forms.items():
                lab.acked(2)
                times: list[float] = []

                def rule(
                    _: Request, status: int = status, form: str = form, times: list[float] = times
                ) -> Fault:
                    times.append(time.monotonic())
                    code = "too_many_requests" if status == 429 else "storage_unavailable"
                    return error(status, code, Retry_After=form) if len(times) == 1 else NOTHING

                lab.proxy.rule = rule
                wait_until(lambda: len(times) >= 2, f"the attempt after {form}")  # noqa: B023 - called at once
                if times[1] - times[0] < least_s:
                    raise BrokenError(
                        "undeclared_lost", f"Retry-After {form}: asked again after {times[1] - times[0]} s"
                    )
                tally.faults += 1
        lab.proxy.rule = lambda _: NOTHING
        lab.drained()
        tally.add(lab.judge())
    return tally


def wrong_token(seed: int, batches: int, home: Path) -> Link:
    """The aggregator refuses the token until a reload brings the right one (F22)."""
    tally = Link(faults=1)
    with Lab(home, seed) as lab:
        agent = lab.agent()
        right, agent.token = agent.token, "w" * 40
        agent.start()
        wait_until(lambda: agent.said("refuses our batches"), "401")
        wait_until(lambda: len(read_spool(agent.spool).batches) >= batches, "the backlog", 600)
        asked = lab.proxy.requests
        agent.token = right
        agent.write_config()
        agent.signal(signal.SIGHUP)
        lab.acked(batches)
        lab.drained()
        if asked > 3:
            raise AssertionError(f"{asked} requests with a token that was refused")
        tally.add(lab.judge())
    return tally


def strangers(seed: int, rounds: int, home: Path) -> Link:
    """Captive portals, proxies' error pages, redirects to another host (F23): nobody but ours is believed."""
    tally = Link()
    page = "<html><body>Please accept the terms</body></html>"
    with Lab(home, seed) as lab, FaultProxy(lambda: ("127.0.0.1", 1)) as other:
        other.rule = lambda _: canned(200, page)
        answers = [
            canned(200, page, Content_Type="text/html"),
            canned(204),
            canned(201, '{"status": "ok", "stream": null, "acked": null}'),
            canned(200, '{"status": "ok"}'),
            canned(400, page),
            canned(301, page, Location=other.url + "/api/metrics"),
            canned(307, page, Location=other.url + "/api/metrics"),
            canned(404, page),
            canned(502, page),
        ]
        agent = lab.agent()
        agent.start()
        for answer in answers * rounds:
            lab.acked(2)
            lab.proxy.rule = lambda _, answer=answer: answer  # type: ignore[misc]
            lab.requested(2 if answer.canned and answer.canned[9:10] in b"25" else 1)
            lab.proxy.rule = lambda _: NOTHING
            agent.signal(signal.SIGHUP)  # a refusal lasts a minute; a reload ends it
            tally.faults += 1
        lab.acked(2)
        lab.drained()
        if other.requests:
            raise BrokenError("undeclared_lost", f"{other.requests} requests followed a redirect")
        tally.add(lab.judge())
    return tally


def too_big(seed: int, acknowledged: int, home: Path) -> Link:
    """Bundles are refused until they are small; one batch is poison (F24): it alone is given up."""
    tally = Link(faults=2)
    poison: set[tuple[str, int]] = set()
    with Lab(home, seed) as lab:
        lab.proxy.rule = lambda _: AWAY
        agent = lab.agent()
        agent.start()
        wait_until(lambda: len(read_spool(agent.spool).batches) >= 80, "the backlog")

        def rule(request: Request) -> Fault:
            if len(request.seqs) > 3:
                return error(413, "too_many_samples")
            if 20 in request.seqs:
                poison.add((request.stream, 20))
                return error(400, "bad_json")
            return NOTHING

        lab.proxy.rule = rule
        lab.acked(acknowledged)
        lab.drained(120)
        tally.add(lab.judge())
        if lab.ledger.declared != dict.fromkeys(poison, "quarantined"):
            raise BrokenError("undeclared_lost", f"given up: {lab.ledger.declared}, not {poison}")
    return tally
