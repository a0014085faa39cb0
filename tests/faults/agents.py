"""The real sysmon-agent as a process to be stopped, killed and traced; and a lab with all it needs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from agent_program import AGENT
from aggregator_process import TOKEN, AggregatorProcess
from faults.delivery import Ledger, Tally
from faults.fault_proxy import FaultProxy, address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

SERIES: Final = 3
WAIT_S: Final = 60.0  # asserted is what happens, not how fast
_POLL_S: Final = 0.005


def wait_until(ready: Callable[[], Any], what: str = "", limit_s: float = WAIT_S) -> float:
    """Waits for a condition; how many seconds that took."""
    began = time.monotonic()
    while not ready():
        took = time.monotonic() - began
        assert took < limit_s, f"not within {limit_s} s: {what}"
        time.sleep(_POLL_S)
    return time.monotonic() - began


class AgentProcess:
    """A `sysmon-agent --synthetic` with a home of its own; `settings` are lines below `agent:`."""

    def __init__(
        self,
        home: Path,
        url: str,
        *,
        host: str = "web01",
        seed: int = 1,
        series: int = SERIES,
        interval: str = "50ms",
        token: str | None = TOKEN,
        settings: Sequence[str] = (),
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.host = host
        self.spool = home / "state"
        self.config = home / "agent.yaml"
        self.log = home / "agent.log"
        self.url = url
        self.token = token  # None: the settings say where it is
        self.interval = interval
        self.settings = list(settings)
        self.synthetic = f"{seed}:{series}"
        self.wrapper: Sequence[str | Path] = ()  # before the agent's command: strace, unshare
        self.env: Mapping[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def write_config(self, *more: str) -> None:
        text = (
            f"agent:\n  mode: distributed\n  aggregator_url: {self.url}\n  push_interval: {self.interval}\n"
        )
        text += f"  hostname: {self.host}\n"
        if self.token:
            text += f"  auth_token: {self.token}\n"
        if not any(line.startswith("spool:") for line in (*self.settings, *more)):
            text += f"  spool: {{dir: {self.spool}}}\n"
        text += "".join(f"  {line}\n" for line in (*self.settings, *more))
        whole = self.config.with_suffix(".new")
        whole.write_text(text)
        whole.chmod(0o600)
        whole.rename(self.config)

    def start(self) -> Self:
        if not self.config.exists():
            self.write_config()
        command = [*self.wrapper, AGENT, "--config", self.config, "--synthetic", self.synthetic]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env={"HOME": str(self.home), "PATH": os.environ["PATH"], **self.env}, stderr=log
            )
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running():
            self.kill()
        if error is not None:
            error.add_note(f"the agent said:\n{self.log.read_text(errors='replace')[-1500:]}")

    @property
    def pid(self) -> int:
        """Of the agent, whatever it is wrapped in."""
        assert self.process is not None
        if not self.wrapper:
            return self.process.pid
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = children.read_text().split()
        return int(pids[0]) if pids else self.process.pid

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self.is_running():
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Asks it to end; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, limit_s: float = WAIT_S) -> int:
        assert self.process is not None
        return self.process.wait(limit_s)

    def said(self, part: str) -> bool:
        return self.log.exists() and part in self.log.read_text(errors="replace")


class Lab:
    """An aggregator, the proxy before it, the ledger that is told of both, and agents."""

    def __init__(self, home: Path, seed: int, series: int = SERIES, **link: Any) -> None:
        """`link`: of the FaultProxy."""
        self.home = home
        self.seed = seed
        self.series = series
        self.ledger = Ledger(seed, series)
        self.aggregator = AggregatorProcess(home / "aggregator")
        self.proxy = FaultProxy(lambda: address_of(self.aggregator.url), **link)
        self.proxy.on_sent = self.ledger.sent
        self.proxy.on_seen = self.ledger.answered
        self.agents: list[AgentProcess] = []
        self.limits: dict[str, int] = {"query_series": 5_000}  # of the aggregator; the oracle asks for all

    def agent(self, name: str = "web01", **more: Any) -> AgentProcess:
        """Not started yet."""
        home = self.home / f"agent{len(self.agents)}"
        made = AgentProcess(home, self.proxy.url, host=name, seed=self.seed, series=self.series, **more)
        self.agents.append(made)
        return made

    def acked(self, more: int, limit_s: float = WAIT_S) -> float:
        """Waits for so many further acknowledgements."""
        wanted = len(self.ledger.acked) + more
        return wait_until(lambda: len(self.ledger.acked) >= wanted, f"{more} more acknowledged", limit_s)

    def drained(self, limit_s: float = WAIT_S) -> float:
        """Waits until all that was seen by now is settled."""
        seen = self.ledger.sealed()
        return wait_until(lambda: seen <= self.ledger.settled(), "the backlog is drained", limit_s)

    def is_drained(self) -> bool:
        """All but the newest few is settled: something is always under way."""
        return len(self.ledger.sealed() - self.ledger.settled()) < 3

    def requested(self, more: int) -> float:
        wanted = self.proxy.requests + more
        return wait_until(lambda: self.proxy.requests >= wanted, f"{more} more requests")

    def judge(self, **more: Any) -> Tally:
        """Ends the agents and compares what they sealed with what is there."""
        for agent in self.agents:
            if agent.is_running():
                assert agent.stop() == 0, agent.log.read_text()
        spools = [agent.spool for agent in self.agents if agent.spool.is_dir()]
        return self.ledger.judge(self.aggregator, spools, **more)

    def __enter__(self) -> Self:
        settings = self.aggregator.home / ".sysmon"
        settings.mkdir(parents=True)
        limits = ", ".join(f"{name}: {value}" for name, value in self.limits.items())
        (settings / "aggregator.yaml").write_text(f"limits: {{{limits}}}\n")
        self.proxy.__enter__()
        self.aggregator.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for agent in self.agents:
            if agent.is_running():
                agent.kill()
        with contextlib.suppress(ProcessLookupError):
            if self.aggregator.process.poll() is None:
                self.aggregator.process.send_signal(signal.SIGCONT)
        self.aggregator.__exit__(kind, error, trace)
        self.proxy.__exit__(kind, error, trace)
        if error is not None:
            error.add_note(f"seed {self.seed}; agents said:\n{self._logs()}")

    def _logs(self) -> str:
        return "\n".join(
            agent.log.read_text(errors="replace")[-1500:] for agent in self.agents if agent.log.exists()
        )


@contextlib.contextmanager
def ruled(proxy: FaultProxy, rule: Callable[[Any], Any]) -> Iterator[None]:
    """The rule holds inside the block."""
    before, proxy.rule = proxy.rule, rule
    try:
        yield
    finally:
        proxy.rule = before
