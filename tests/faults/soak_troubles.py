"""F44, how each kind of trouble begins and ends."""

from __future__ import annotations

import re
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, Self

import apsw

from faults.agents import Lab, wait_until
from faults.disk_full import small_disk, take_all
from faults.fault_proxy import NOTHING, Fault, Request, canned, error
from faults.oracle import BrokenError
from faults.soak_plan import AGGREGATOR, LINK, Size, Trouble
from sysmon.client import Client
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from faults.agents import AgentProcess

MAX_DB_BYTES: Final = 32 << 20
_JOURNAL_BYTES: Final = 1 << 20  # so that the compactor has something to do within minutes
_DATABASE_DISK: Final = "96m"
_SPOOL_DISK: Final = "8m"
_PAGE: Final = "<html><body>Please accept the terms</body></html>"

Rule = "Callable[[Request], Fault]"


class Scene:
    """The lab of a run, and who is in trouble."""

    def __init__(self, home: Path, seed: int, size: Size, *, has_disks: bool) -> None:
        """has_disks: the database and the first agent's spool lie on small disks of their own."""
        self.lab = Lab(home, seed)
        self.lab.limits |= {"min_free_bytes": 0, "journal_bytes": _JOURNAL_BYTES}
        self.lab.aggregator.env["SYSMON_MAX_DB_BYTES"] = str(MAX_DB_BYTES)
        self.data = self.lab.aggregator.data  # as we see it
        self.has_disks = has_disks
        self._size = size
        self._opened = ExitStack()
        self._threads = ThreadPoolExecutor(1)
        self._at_work: Future[None] | None = None
        self.backups = 0

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            if self.has_disks:
                enter, self.data = opened.enter_context(small_disk(self.lab.aggregator.data, _DATABASE_DISK))
                self.lab.aggregator.wrapper = enter
            opened.enter_context(self.lab)
            opened.enter_context(self._threads)
            for number in range(self._size.agents):
                agent = self.lab.agent(f"web{number:02}", interval=self._size.interval)
                if self.has_disks and number == 0:
                    inside = agent.spool
                    agent.settings = [f"spool: {{dir: {inside}}}"]
                    agent.wrapper, agent.spool = opened.enter_context(small_disk(inside, _SPOOL_DISK))
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for agent in self.lab.agents:
            if agent.is_running():
                agent.signal(signal.SIGCONT)
        self._opened.__exit__(kind, error, trace)

    def agent_of(self, trouble: Trouble) -> AgentProcess:
        return self.lab.agents[int(trouble.target.removeprefix("agent"))]

    def can(self, trouble: Trouble) -> bool:
        return self.has_disks or trouble.kind != "disk_full"

    def concerns(self, trouble: Trouble) -> set[str]:
        """The hosts whose pushes it keeps back."""
        if trouble.kind in ("reload", "compact", "backup", "latency", "slow", "replay", "poison"):
            return set()
        if trouble.target in (LINK, AGGREGATOR):
            return {agent.host for agent in self.lab.agents}
        return {self.agent_of(trouble).host}

    def begin(self, trouble: Trouble) -> None:
        if trouble.target == LINK:
            self.lab.proxy.rule = _RULES[trouble.kind](Random(trouble.draw))
        elif trouble.target == AGGREGATOR:
            self._hurt_aggregator(trouble)
        else:
            self._hurt_agent(self.agent_of(trouble), trouble)

    def end(self, trouble: Trouble) -> None:
        """Raises BrokenError where what it should have come to is not so."""
        if trouble.target == LINK:
            self.lab.proxy.rule = lambda _: NOTHING
            if trouble.kind == "reorder":
                self.lab.proxy.release(newest_first=True)
            elif trouble.kind == "refused":
                self.reload_agents()  # it would wait for a minute and more
        elif trouble.target == AGGREGATOR:
            self._mend_aggregator(trouble)
        else:
            self._mend_agent(self.agent_of(trouble), trouble)

    @staticmethod
    def start(agent: AgentProcess) -> None:
        """Starts it, until it may be told to reload: before, the signal would end it."""
        agent.start()
        wait_until(lambda: _catches(agent.pid, signal.SIGHUP), f"{agent.host} catches signals")

    def reload_agents(self) -> None:
        for agent in self.lab.agents:
            if agent.is_running():
                agent.signal(signal.SIGHUP)

    # ---- the agents ----

    def _hurt_agent(self, agent: AgentProcess, trouble: Trouble) -> None:
        match trouble.kind:
            case "kill":
                agent.kill()
                self.lab.ledger.spooled(agent.spool)
            case "terminate":
                if (code := agent.stop()) != 0:
                    raise BrokenError("error", f"{agent.host} ended with {code}")
                self.lab.ledger.spooled(agent.spool)
            case "freeze":
                agent.signal(signal.SIGSTOP)
            case "reload":
                agent.write_config("push_interval: never")
                agent.signal(signal.SIGHUP)
            case "disk_full":
                take_all(agent.spool / "filler")

    def _mend_agent(self, agent: AgentProcess, trouble: Trouble) -> None:
        match trouble.kind:
            case "kill" | "terminate":
                self.start(agent)
            case "freeze":
                agent.signal(signal.SIGCONT)
            case "reload":
                agent.write_config()
                agent.signal(signal.SIGHUP)
            case "disk_full":
                (agent.spool / "filler").unlink()

    # ---- the aggregator ----

    def _hurt_aggregator(self, trouble: Trouble) -> None:
        aggregator = self.lab.aggregator
        match trouble.kind:
            case "kill":
                aggregator.kill()
            case "kill_at_work":
                chance = Random(trouble.draw)
                self._at_work = self._threads.submit(chance.choice((self._compact, self._back_up)))
                with suppress(TimeoutError):
                    self._at_work.exception(chance.uniform(0.0, 0.1))
                aggregator.kill()
            case "terminate":
                if (code := aggregator.stop()) != 0:
                    raise BrokenError("error", f"the aggregator ended with {code}")
            case "freeze":
                aggregator.process.send_signal(signal.SIGSTOP)
            case "reload":
                aggregator.process.send_signal(signal.SIGHUP)
            case "compact":
                self._at_work = self._threads.submit(self._compact)
            case "backup":
                self._at_work = self._threads.submit(self._back_up)
            case "disk_full":
                take_all(self.data / "filler", 1 << 20)
                take_all(self.data / "filler2")

    def _mend_aggregator(self, trouble: Trouble) -> None:
        aggregator = self.lab.aggregator
        match trouble.kind:
            case "kill" | "terminate":
                aggregator.start()
            case "kill_at_work":
                with suppress(ApiError):
                    self._wait_for_work()
                aggregator.start()
            case "freeze":
                aggregator.process.send_signal(signal.SIGCONT)
            case "compact" | "backup":
                self._wait_for_work()
            case "disk_full":
                (self.data / "filler").unlink()
                (self.data / "filler2").unlink()

    def _wait_for_work(self) -> None:
        assert self._at_work is not None
        self._at_work.result(60)

    def _admin(self) -> Client:
        return Client(self.lab.aggregator.url, (self.data / "admin_token").read_text().strip())

    def _compact(self) -> None:
        with self._admin() as admin:
            admin.compact()

    def _back_up(self) -> None:
        """A copy is whole, or not there."""
        copy = self.lab.home / f"copy{self.backups}.db"
        self.backups += 1
        try:
            with self._admin() as admin:
                admin.backup(str(copy))
        finally:
            if copy.exists():
                with apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY) as db:
                    found = db.pragma("integrity_check")
                db.close()
                if found != "ok":
                    raise BrokenError("corrupt", f"a copy: {found}")
            for left in self.lab.home.glob(f"{copy.name}*"):
                left.unlink()


def _catches(pid: int, number: signal.Signals) -> bool:
    caught = re.search(r"(?m)^SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text())
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


# ---- the link ----------------------------------------------------------------------------------------------


def _often(chance: Random, fault: Callable[[], Fault]) -> Rule:
    """Of four requests three suffer."""
    return lambda _: fault() if chance.random() < 0.75 else NOTHING


def _latency(chance: Random) -> Rule:
    return lambda _: Fault(latency_s=chance.uniform(0.01, 1.0))


def _slow(chance: Random) -> Rule:
    return lambda _: Fault(bytes_per_s=8_000, slice_bytes=chance.choice((7, 100, 1460)))


def _cut_request(chance: Random) -> Rule:
    return _often(chance, lambda: Fault(cut_request=chance.randrange(900)))


def _cut_reply(chance: Random) -> Rule:
    return _often(chance, lambda: Fault(cut_reply=chance.choice((0, chance.randrange(400)))))


def _hang(chance: Random) -> Rule:
    return lambda _: Fault(hang=True) if chance.random() < 0.2 else NOTHING


def _overload(chance: Random) -> Rule:
    answers = (
        error(503, "storage_unavailable", Retry_After="1"),
        error(503, "storage_unavailable"),
        error(429, "too_many_requests", Retry_After="1"),
    )
    return _often(chance, lambda: chance.choice(answers))


def _bad_gateway(chance: Random) -> Rule:
    return _often(chance, lambda: canned(chance.choice((408, 500, 502, 504)), _PAGE))


def _portal(chance: Random) -> Rule:
    return _often(chance, lambda: canned(chance.choice((200, 201, 204)), _PAGE, Content_Type="text/html"))


def _refused(chance: Random) -> Rule:
    status = chance.choice((401, 403, 404, 405, 301, 307))
    return lambda _: canned(status, _PAGE, Location="http://127.0.0.1:1/api/metrics")


def _poison(_: Random) -> Rule:
    left = 1

    def rule(request: Request) -> Fault:
        nonlocal left
        if len(request.seqs) != 1 or not left:
            return NOTHING
        left -= 1
        return error(400, "bad_json")

    return rule


def _replay(chance: Random) -> Rule:
    return lambda _: Fault(copies=chance.randint(1, 5))


def _reorder(chance: Random) -> Rule:
    return lambda _: Fault(hold=True) if chance.random() < 0.4 else NOTHING


_RULES: Final[dict[str, Callable[[Random], Rule]]] = {
    "latency": _latency,
    "slow": _slow,
    "cut_request": _cut_request,
    "cut_reply": _cut_reply,
    "hang": _hang,
    "overload": _overload,
    "bad_gateway": _bad_gateway,
    "portal": _portal,
    "refused": _refused,
    "poison": _poison,
    "replay": _replay,
    "reorder": _reorder,
}
