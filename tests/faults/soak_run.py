"""F44, the run: troubles begin and end; in between all is judged, and meanwhile the processes are watched."""

from __future__ import annotations

import math
import signal
import sys
import time
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from faults.agent_disk import can_mount
from faults.disk_full import check_file
from faults.kills import get
from faults.oracle import BrokenError
from faults.soak_plan import AGGREGATOR, ENDS_LIFE, Size, Trouble, plan
from faults.soak_report import Report, Soak, weigh
from faults.soak_troubles import Scene
from faults.soak_visitor import Visitor
from faults.soak_vitals import Life, summary
from faults.spool_file import read_spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faults.agents import AgentProcess
    from faults.fault_proxy import Seen

_POLL_S: Final = 0.02
_LOOKS: Final = 3_000  # at the processes, in a run; at most one a second
_DRAIN_S: Final = 180.0


@dataclass
class _Healing:
    """From the end of a trouble to a batch of each host that was taken after it, and acknowledged."""

    kind: str
    began_s: float
    after_ms: int
    hosts: set[str]


class _Run:
    """One run on its scene."""

    def __init__(self, scene: Scene, report: Report, size: Size) -> None:
        self._scene = scene
        self._lab = scene.lab
        self._report = report
        self._size = size
        self._began_s = time.monotonic()
        self._look_s = max(1.0, size.seconds / _LOOKS)
        self._next_look_s = 0.0
        self._lives: list[Life] = []
        self._away: set[str] = set()  # hosts whose agents are killed, ended or stopped just now
        self._healing: list[_Healing] = []
        self._newest_ms: dict[str, int] = {}  # of what is acknowledged, by host
        self._lab.proxy.on_seen = self._answered

    def _answered(self, seen: Seen) -> None:
        """On the proxy's thread."""
        ledger = self._lab.ledger
        ledger.answered(seen)
        for seq in seen.request.seqs[-1:]:
            key = (seen.request.stream, seq)
            batch = ledger.batches.get(key)
            if batch is not None and key in ledger.acked:
                self._newest_ms[batch.host] = max(batch.time_ms, self._newest_ms.get(batch.host, 0))

    # ---- the run ----

    def chapters(self, chapters: list[list[Trouble]]) -> None:
        self._note_life(AGGREGATOR, self._lab.aggregator.process.pid)
        for agent in self._lab.agents:
            self._scene.start(agent)
            self._note_life(agent.host, agent.pid)
        self._pass(2.0)
        ended_s = 0.0
        for number, troubles in enumerate(chapters):
            self._live_through(troubles, ended_s)
            ended_s = self._size.seconds / self._size.chapters * (number + 1)
            self._drain()
            self._judge()
            self._report.chapters += 1
            self._report.tally.faults = self._report.faults.total()
            if self._report.chapters % max(1, len(chapters) // 20) == 0:
                print(self._progress(), file=sys.stderr, flush=True)

    def _live_through(self, troubles: list[Trouble], start_s: float) -> None:
        began_s = time.monotonic() - start_s
        ends: list[tuple[float, int, Trouble]] = []
        for number, trouble in enumerate(troubles):
            self._end_those(ends, began_s, trouble.at_s)
            self._pass_until(began_s + trouble.at_s)
            if not self._scene.can(trouble):
                self._report.skipped[trouble.name] += 1
                continue
            self._begin(trouble)
            heappush(ends, (trouble.at_s + trouble.lasts_s, number, trouble))
        self._end_those(ends, began_s, math.inf)

    def _end_those(self, ends: list[tuple[float, int, Trouble]], began_s: float, until_s: float) -> None:
        while ends and ends[0][0] <= until_s:
            at_s, _, trouble = heappop(ends)
            self._pass_until(began_s + at_s)
            self._end(trouble)

    def _begin(self, trouble: Trouble) -> None:
        hosts = self._scene.concerns(trouble)
        for one in [one for one in self._healing if one.hosts & hosts]:
            self._healing.remove(one)
            self._report.overtaken += 1
        try:
            self._scene.begin(trouble)
        except BaseException as error:
            error.add_note(f"at the beginning of {trouble}")
            raise
        if trouble.takes_agent_away:
            self._away |= hosts

    def _end(self, trouble: Trouble) -> None:
        try:
            self._scene.end(trouble)
        except BaseException as error:
            error.add_note(f"at the end of {trouble}")
            raise
        if trouble.kind in ENDS_LIFE:
            if trouble.target == AGGREGATOR:
                self._note_life(AGGREGATOR, self._lab.aggregator.process.pid)
            else:
                agent = self._scene.agent_of(trouble)
                self._note_life(agent.host, agent.pid)
        self._report.faults[trouble.name] += 1
        hosts = self._scene.concerns(trouble)
        if trouble.takes_agent_away:
            self._away -= hosts
        hosts -= self._away
        if hosts:
            now_s = time.monotonic()
            self._healing.append(_Healing(trouble.name, now_s, time.time_ns() // 1_000_000, hosts))

    # ---- time passes ----

    def _pass(self, seconds: float) -> None:
        self._pass_until(time.monotonic() + seconds)

    def _pass_until(self, at_s: float) -> None:
        while True:
            now_s = time.monotonic()
            self._see_healing(now_s)
            if now_s >= self._next_look_s:
                self._next_look_s = now_s + self._look_s
                self._look(now_s)
            if now_s >= at_s:
                return
            time.sleep(min(_POLL_S, at_s - now_s))

    def _wait_until(self, ready: Callable[[], bool], what: str) -> None:
        until_s = time.monotonic() + _DRAIN_S
        while not ready():
            if time.monotonic() > until_s:
                raise BrokenError("error", f"not within {_DRAIN_S:g} s: {what}")
            self._pass(0.2)

    def _see_healing(self, now_s: float) -> None:
        for one in list(self._healing):
            one.hosts = {host for host in one.hosts if self._newest_ms.get(host, 0) < one.after_ms}
            if not one.hosts:
                self._healing.remove(one)
                self._report.heals_ms.setdefault(one.kind, []).append(round((now_s - one.began_s) * 1000))

    def _note_life(self, name: str, pid: int) -> None:
        self._lives.append(Life(name, pid))

    def _look(self, now_s: float) -> None:
        living: dict[str, Life] = {}
        for life in self._lives:
            living[life.name] = life  # the last one of each
        for life in living.values():
            life.look(now_s - self._began_s)
        for agent in self._lab.agents:
            if not agent.is_running() and agent.host not in self._away:
                raise BrokenError("error", f"{agent.host} has ended by itself: {agent.process}")
        report = self._report
        database, wal = (self._scene.data / name for name in ("sysmon.db", "sysmon.db-wal"))
        report.db_max_bytes = max(report.db_max_bytes, _size(database))
        report.wal_max_bytes = max(report.wal_max_bytes, _size(wal))
        report.spool_max_bytes = max(report.spool_max_bytes, *self._spool_bytes())

    def _spool_bytes(self) -> list[int]:
        return [sum(_size(file) for file in agent.spool.glob("segment-*")) for agent in self._lab.agents]

    # ---- calm ----

    def _drain(self) -> None:
        """Nothing is broken any more; by itself everything must arrive."""
        began_s = time.monotonic()
        self._scene.reload_agents()  # one whose token was refused waits for a minute and more
        lab = self._lab
        seen = lab.ledger.sealed()
        self._wait_until(lambda: seen <= lab.ledger.settled(), "the backlog is drained")
        self._wait_until(lambda: all(map(_is_empty, lab.agents)), "no spool holds anything old")
        self._wait_until(lambda: not self._healing, "fresh batches of every host")
        self._report.drain_max_s = max(self._report.drain_max_s, time.monotonic() - began_s)
        self._report.spool_drained_max_bytes = max(self._report.spool_drained_max_bytes, *self._spool_bytes())

    def _judge(self) -> None:
        """All that came since the last time, while the agents hold their breath."""
        with self._frozen():
            spools = [agent.spool for agent in self._lab.agents]
            self._report.tally.add(self._lab.ledger.judge(self._lab.aggregator, spools, forget=True))
            for agent in self._lab.agents:
                ledger = get(self._lab.aggregator, f"/api/hosts/{agent.host}/ledger")
                if ledger["unexplained"]:
                    raise BrokenError("undeclared_lost", f"{agent.host}: {ledger}")

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        for agent in self._lab.agents:
            agent.signal(signal.SIGSTOP)
        try:
            self._pass(0.2)  # what they sent is on its way
            self._wait_until(lambda: not self._lab.proxy.delivering, "every request is answered")
            yield
        finally:
            for agent in self._lab.agents:
                agent.signal(signal.SIGCONT)

    def end(self) -> None:
        """Everybody ends as they are asked to; a last judgement, and one of the file."""
        self._report.tally.add(self._lab.judge())
        if (code := self._lab.aggregator.stop()) != 0:
            raise BrokenError("error", f"the aggregator ended with {code}")
        check_file(self._scene.data, self._lab.home)

    # ---- what it was like ----

    def tell_processes(self) -> None:
        lives: dict[str, list[Life]] = {}
        for life in self._lives:
            lives.setdefault(life.name, []).append(life)
        self._report.processes = {name: summary(found) for name, found in lives.items()}

    def _progress(self) -> str:
        passed_s = round(time.monotonic() - self._began_s)
        tally = self._report.tally
        return f"{passed_s} s: {tally.faults} troubles, {tally.sealed} batches sealed, {tally.stored} stored"


def _is_empty(agent: AgentProcess) -> bool:
    """But for the newest few: something is always under way."""
    with suppress(FileNotFoundError):
        found = read_spool(agent.spool)
        return len(found.batches) < 5 and not found.drops
    return False


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def live_through(seed: int, size: Size, home: Path) -> Report:
    """Runs it. What did not hold is in the report; nothing is raised."""
    report = Report(seed, size.seconds, size.agents)
    try:
        with Scene(home, seed, size, has_disks=can_mount() is True) as scene:
            run = _Run(scene, report, size)
            with Visitor(lambda: scene.lab.aggregator.address) as visitor:
                try:
                    run.chapters(plan(seed, size))
                finally:
                    report.answers = visitor.answers
                    run.tell_processes()
            run.end()
    except Exception as error:
        kind = error.kind if isinstance(error, BrokenError) else "error"
        report.not_held.append((kind, traceback.format_exc()))
    report.tally.heal_ms = [ms for heals_ms in report.heals_ms.values() for ms in heals_ms]
    weigh(report)
    return report


def random_faults(seed: int, seconds: int, home: Path) -> Soak:
    """The part of `make faults`. Raises BrokenError."""
    report = live_through(seed, Size(seconds), home)
    if report.not_held:
        kind, what = report.not_held[0]
        raise BrokenError(kind, what)  # type: ignore[arg-type]
    return report.tally
