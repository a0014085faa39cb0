"""Agents and a real aggregator, in any order hypothesis likes; what must hold is a set of numbers.

Agents seal, send, send again, send out of order and in bundles, declare losses, start anew, and are cloned.
The aggregator is killed, compacts, and gets an older backup of its database. The model knows which (stream,
seq) are settled and what was in them; the store, the ledger and every reply must say the same.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service_kit import START_MS, ServiceKit, push_body

_TICK_MS: Final = 1_000
_HOSTS: Final = ("web01", "web02", "db01")
_BUNDLE: Final = 5

Key = tuple[str, int]  # stream, seq


@dataclass(frozen=True)
class Batch:
    """Sealed: its bytes never change."""

    host: str
    stream: str
    seq: int
    time_ms: int
    body: bytes


@dataclass
class Agent:
    """One run of an agent; `sealed` are its batches by number, whatever became of them."""

    host: str
    stream: str
    sealed: dict[int, Batch] = field(default_factory=dict)

    @property
    def next_seq(self) -> int:
        return max(self.sealed, default=0) + 1


@dataclass
class Truth:
    """What the aggregator has to know."""

    stored: dict[Key, Batch] = field(default_factory=dict)
    declared: dict[Key, str] = field(default_factory=dict)  # host
    known: dict[Key, bytes] = field(default_factory=dict)  # its bytes, of what was stored since the start

    def copy(self) -> Truth:
        return Truth(dict(self.stored), dict(self.declared))

    def settled(self, key: Key) -> bool:
        return key in self.stored or key in self.declared


class DeliveryMachine(RuleBasedStateMachine):
    """The rules. A failure prints the steps that lead to it, in their shortest form."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="sysmon-machine-"))
        self.kit = ServiceKit(self.home / "data0")
        self.truth = Truth()
        self.backups: list[tuple[Path, Truth]] = []
        self.agents: list[Agent] = []
        self.made = 0  # streams, batches, folders: whatever needs a number of its own

    def teardown(self) -> None:
        try:
            self.check_samples()
        finally:
            self.kit.service.close()
            shutil.rmtree(self.home)

    def number(self) -> int:
        self.made += 1
        return self.made

    # ---- agents --------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.start_agent(0)

    @rule(host=st.integers(0, len(_HOSTS) - 1))
    def start_agent(self, host: int) -> None:
        self.agents.append(Agent(_HOSTS[host], f"{self.number():032x}"))

    @rule(at=st.integers(0, 99))
    def clone_agent(self, at: int) -> None:
        """A copy of the machine goes on with its twin's stream and numbers."""
        twin = self.agents[at % len(self.agents)]
        self.agents.append(Agent(twin.host, twin.stream, dict(twin.sealed)))

    def seal(self, agent: Agent) -> Batch:
        time_ms = START_MS + self.number() * _TICK_MS
        content = push_body(
            agent.host,
            [("own.value", float(self.made))],
            timestamp=time_ms / 1000,
            agent_id=f"id-{agent.host}",
        )
        body = gzip.compress(json.dumps(content).encode(), mtime=0)
        batch = Batch(agent.host, agent.stream, agent.next_seq, time_ms, body)
        agent.sealed[batch.seq] = batch
        return batch

    @rule(at=st.integers(0, 99), kept=st.integers(0, 4))
    def send_newest(self, at: int, kept: int) -> None:
        """The live lane, after a few that could not be sent."""
        agent = self.agents[at % len(self.agents)]
        for _ in range(kept):
            self.seal(agent)
        self.send([self.seal(agent)])

    @precondition(lambda self: any(agent.sealed for agent in self.agents))
    @rule(at=st.integers(0, 99), first=st.integers(0, 99), count=st.integers(1, _BUNDLE))
    def send_some(self, at: int, first: int, count: int) -> None:
        """Backlog, again or for the first time, in any order."""
        agents = [agent for agent in self.agents if agent.sealed]
        agent = agents[at % len(agents)]
        start = 1 + first % (agent.next_seq - 1)
        self.send([agent.sealed[seq] for seq in range(start, min(start + count, agent.next_seq))])

    @rule(at=st.integers(0, 99), count=st.integers(1, _BUNDLE), with_batch=st.booleans())
    def declare_lost(self, at: int, count: int, with_batch: bool) -> None:
        """The oldest that are not settled will never come; told with the newest, or alone."""
        agent = self.agents[at % len(self.agents)]
        waiting = [seq for seq in agent.sealed if not self.truth.settled((agent.stream, seq))]
        if not waiting:
            return
        first = min(waiting)
        last = min(first + count - 1, agent.next_seq - 1)
        newest = [self.seal(agent)] if with_batch else []
        self.send(newest, agent, (first, last))

    def send(
        self, batches: list[Batch], agent: Agent | None = None, drop: tuple[int, int] | None = None
    ) -> None:
        """One request, and what its reply has to be."""
        stream = batches[0].stream if batches else agent.stream if agent else ""
        headers = {"X_SysMon_Stream": stream}
        if batches:
            headers |= {
                "X_SysMon_Seq": f"{batches[0].seq}-{batches[-1].seq}",
                "Content_Encoding": "gzip",
            }
            body: Any = b"".join(batch.body for batch in batches)
        else:
            assert agent is not None
            body = push_body(agent.host, agent_id=f"id-{agent.host}")
        if drop:
            headers["X_SysMon_Dropped"] = f"{drop[0]}-{drop[1]};samples=1;reason=spool_full"
        response = self.kit.post(body, **headers)
        keys = [(batch.stream, batch.seq) for batch in batches]
        known = [self.truth.known.get((batch.stream, batch.seq), batch.body) for batch in batches]
        if known != [batch.body for batch in batches]:
            assert response.status_code == 409, response.data
            return
        assert response.status_code == 200, response.data
        reply = response.get_json()
        assert reply["acked"] == ([batches[0].seq, batches[-1].seq] if batches else None)
        assert reply["duplicate"] == (bool(keys) and all(self.truth.settled(key) for key in keys))
        self.settle(batches, agent, drop)

    def settle(self, batches: list[Batch], agent: Agent | None, drop: tuple[int, int] | None) -> None:
        if drop and agent:
            for seq in range(drop[0], drop[1] + 1):
                if not self.truth.settled((agent.stream, seq)):
                    self.truth.declared[agent.stream, seq] = agent.host
                    self.truth.known[agent.stream, seq] = b""  # no batch is that one
        for batch in batches:
            key = (batch.stream, batch.seq)
            if not self.truth.settled(key):
                self.truth.stored[key] = batch
                self.truth.known[key] = batch.body

    # ---- the aggregator ------------------------------------------------------------------------------------

    @rule()
    def compact(self) -> None:
        self.kit.service.storage.maintain("compact")

    @rule()
    def stop_and_start(self) -> None:
        self.open_in(self.kit.settings.data_dir)

    @rule()
    def crash(self) -> None:
        """As kill -9: what lies on the disk is all there is."""
        folder = self.home / f"data{self.number()}"
        folder.mkdir(mode=0o700)
        for path in self.kit.settings.data_dir.iterdir():
            shutil.copy2(path, folder)
        self.open_in(folder)

    @rule()
    def back_up(self) -> None:
        path = self.home / f"backup{self.number()}.db"
        self.kit.service.storage.maintain("backup", path)
        self.backups.append((path, self.truth.copy()))

    @precondition(lambda self: self.backups)
    @rule(at=st.integers(0, 99))
    def restore(self, at: int) -> None:
        """What came after the backup is unknown to the aggregator; who still has it may send it again."""
        path, truth = self.backups[at % len(self.backups)]
        folder = self.home / f"data{self.number()}"
        folder.mkdir(mode=0o700)
        shutil.copy2(path, folder / "sysmon.db")
        self.truth = truth.copy()
        self.open_in(folder)

    def open_in(self, folder: Path) -> None:
        now_ms = self.kit.now_ms
        self.kit.service.close()
        self.kit = ServiceKit(folder)
        self.kit.now_ms = now_ms
        self.truth.known = {}

    # ---- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def ledger_is_right(self) -> None:
        for host in {agent.host for agent in self.agents}:
            keys = [key for key, batch in self.truth.stored.items() if batch.host == host]
            lost = [key for key, at in self.truth.declared.items() if at == host]
            response = self.kit.client.get(f"/api/hosts/{host}/ledger")
            if response.status_code == 404:
                assert not keys
                assert not lost
                continue
            ledger = response.get_json()
            settled: dict[str, set[int]] = {}
            for stream, seq in (*keys, *lost):
                settled.setdefault(stream, set()).add(seq)
            missing = {stream: max(seqs) - len(seqs) for stream, seqs in settled.items()}
            assert {one["stream"]: one["missing"] for one in ledger["streams"]} == missing
            assert ledger["stored"] == ledger["committed"] == len(keys)
            assert sum(ledger["declared"].values()) == len(lost)
            assert ledger["gaps"] == ledger["unexplained"] == sum(missing.values())

    def check_samples(self) -> None:
        """Every stored batch is there once, bit by bit, and nothing else is."""
        for host in {batch.host for batch in self.truth.stored.values()}:
            wanted = {
                batch.time_ms / 1000: (batch.time_ms - START_MS) / _TICK_MS
                for batch in self.truth.stored.values()
                if batch.host == host
            }
            end = START_MS / 1000 + self.made + 1
            path = f"/api/metrics?host={host}&type=own.value&start={START_MS / 1000}&end={end}"
            (series,) = self.kit.get(path)["series"]
            assert len(series["times"]) == len(wanted)
            assert dict(zip(series["times"], series["values"], strict=True)) == wanted
