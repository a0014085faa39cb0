"""kill -9 of the real aggregator under load; the agents themselves keep count of what was acknowledged."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import apsw

from aggregator_process import TOKEN, AggregatorProcess
from faults.dies_before_reply import DIE_AT
from faults.oracle import BrokenError
from faults.shifted_clock import AHEAD_MS, clock_ms

AGENTS = 4
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RAW_AGE_MS = 3 * DAY_MS
SETTINGS = "retention: {raw: 3d}\nlimits: {journal_bytes: 40000}\n"
PYTHONPATH = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])


class Agent:
    """Sends its batches in order, each again until it is acknowledged, as the real one does."""

    def __init__(self, number: int) -> None:
        self.host = f"host{number}"
        self._stream = f"{number:032x}"
        self._times = [0]  # ms, by seq; from 1
        self.ahead_ms = 0  # of its clock
        self.acked = 0
        self.duplicates = 0  # committed, and the reply lost with the aggregator
        self.answers = 0
        self.too_old = 0  # batches that retention took, when it was looked last

    def _body(self, seq: int) -> bytes:
        if seq == len(self._times):
            self._times.append(max(clock_ms(self.ahead_ms), self._times[-1] + 1))
        # Every 50th batch shows a new series: key sets must survive with the rows that need them.
        metrics = [
            {"type": "a.b", "value": seq},
            {"type": "a.c", "value": seq, "tags": {"n": str(seq // 50)}},
        ]
        push = {"hostname": self.host, "timestamp": self._times[seq] / 1000, "metrics": metrics}
        return json.dumps(push).encode()

    def send(self, address: tuple[str, int], stop: threading.Event | None = None) -> None:
        """Sends until the aggregator is gone, or until `stop`; without one, a single batch.

        Raises:
            BrokenError: the aggregator answered what it must not.
        """
        connection = http.client.HTTPConnection(*address, timeout=10)
        try:
            while stop is None or not stop.is_set():
                self._send(connection)
                if stop is None:
                    return
        except (OSError, http.client.HTTPException):
            return  # killed under us: the batch goes again to the next one
        finally:
            connection.close()

    def _send(self, connection: http.client.HTTPConnection) -> None:
        seq = self.acked + 1
        headers = {
            "X-SysMon-Token": TOKEN,
            "Content-Type": "application/json",
            "X-SysMon-Stream": self._stream,
            "X-SysMon-Seq": str(seq),
        }
        connection.request("POST", "/api/metrics", self._body(seq), headers)
        answer = connection.getresponse()
        reply = json.loads(answer.read())
        if answer.status != 200 or reply["acked"] != [seq, seq]:
            raise BrokenError("acked_lost", f"{self.host} {seq}: {answer.status} {reply}")
        self.acked = seq
        self.duplicates += reply["duplicate"]
        self.answers += 1

    def check(self, running: AggregatorProcess) -> None:
        """Every acknowledged batch is there, once; of the one that was under way, nothing or all.

        Samples may be gone by retention; the cells made of them may not.

        Raises:
            BrokenError
        """
        ledger = get(running, f"/api/hosts/{self.host}/ledger")
        (stream,) = ledger["streams"]
        settled = stream["mark"]
        if ledger["gaps"] or settled not in (self.acked, self.acked + 1):
            raise BrokenError("acked_lost", f"{self.host}: {self.acked} acknowledged, {ledger}")
        plain = self._stored(running, "a.b")
        first = plain[0] if plain else settled + 1
        raw_from_ms = (clock_ms(self.ahead_ms) - RAW_AGE_MS) // DAY_MS * DAY_MS
        if self._times[first - 1] >= raw_from_ms:
            raise BrokenError("acked_lost", f"{self.host}: all before {first}")
        self.too_old = first - 1
        if plain != list(range(first, settled + 1)):
            missing = sorted(set(range(first, settled + 1)) - set(plain))
            raise BrokenError("acked_lost" if missing else "duplicates", f"{self.host}: {missing or plain}")
        if self._stored(running, "a.c") != plain:
            raise BrokenError("torn", f"{self.host}: a batch is there in part")
        hours: dict[int, int] = {}
        for seq in range(1, settled + 1):
            hour = self._times[seq] // HOUR_MS
            hours[hour] = hours.get(hour, 0) + seq
        sums = self._stored(running, "a.b", "&step=1h&agg=sum")
        if sums != list(hours.values()):
            raise BrokenError("duplicates", f"{self.host}: hours sum up to {sums}, not {hours}")

    def _stored(self, running: AggregatorProcess, metric: str, more: str = "") -> list[int]:
        """The values of a metric, over all its series, in the order of their times."""
        start = self._times[1] / 1000
        answer = get(running, f"/api/metrics?host={self.host}&type={metric}&start={start}{more}")
        pairs = [
            (time_s, value)
            for one in answer["series"]
            for time_s, value in zip(one["times"], one["values"], strict=True)
            if value is not None
        ]
        return [int(value) for _, value in sorted(pairs)]


def get(running: AggregatorProcess, path: str) -> Any:
    connection = http.client.HTTPConnection(*running.address, timeout=30)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@dataclass
class Tally:
    """What was tried."""

    kills: int = 0
    acked: int = 0
    replies_lost: int = 0
    too_old: int = 0  # samples that retention took


class _Ahead(AggregatorProcess):
    """Its clock is ahead by `ahead_ms` from the next start on."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, PYTHONPATH=PYTHONPATH)
        self.ahead_ms = 0

    def start(self, *args: str, module: str = "faults.shifted_clock") -> None:
        self.env[AHEAD_MS] = str(self.ahead_ms)
        super().start(*args, module=module)


def kill_under_load(seed: int, kills: int, home: Path) -> Tally:
    """Kills the aggregator so many times at random while agents push, and checks what is there.

    Raises:
        BrokenError: with a note that says after how many kills.
    """
    chance = Random(seed)
    agents = [Agent(n) for n in range(AGENTS)]
    (home / ".sysmon").mkdir(parents=True)
    (home / ".sysmon" / "aggregator.yaml").write_text(SETTINGS)
    tally = Tally()
    with _Ahead(home) as running:
        try:
            while tally.kills < kills:
                _kill_once(running, agents, chance)
                tally.kills += 1
                # Each time later, by a day at times: hours are packed, days rolled up and the oldest deleted.
                running.ahead_ms += DAY_MS if tally.kills % 3 == 0 else chance.choice((0, HOUR_MS))
                for agent in agents:
                    agent.ahead_ms = running.ahead_ms
                running.start()
                if tally.kills % 20 == 0 or tally.kills == kills:
                    for agent in agents:
                        agent.check(running)
        except BaseException as error:
            error.add_note(f"seed {seed}: after {tally.kills} kills")
            raise
        assert running.stop() == 0
    with apsw.Connection(str(running.data / "sysmon.db")) as db:
        if (check := db.pragma("integrity_check")) != "ok":
            raise BrokenError("corrupt", check)
    tally.acked = sum(agent.acked for agent in agents)
    tally.replies_lost = sum(agent.duplicates for agent in agents)
    tally.too_old = sum(agent.too_old for agent in agents)
    return tally


def _kill_once(running: AggregatorProcess, agents: list[Agent], chance: Random) -> None:
    stop = threading.Event()
    failures: list[BrokenError] = []

    def run(agent: Agent) -> None:
        try:
            agent.send(running.address, stop)
        except BrokenError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(agent,)) for agent in agents]
    before = sum(agent.answers for agent in agents)
    for thread in threads:
        thread.start()
    # Killed after a random number of acknowledgements, wherever the next commit happens to be then.
    wanted = before + chance.randrange(1, 150)
    while sum(agent.answers for agent in agents) < wanted and any(t.is_alive() for t in threads):
        time.sleep(chance.random() / 1000)
    running.kill()
    stop.set()
    for thread in threads:
        thread.join(20)
    if failures:
        raise failures[0]
    assert sum(agent.answers for agent in agents) >= wanted, running.log.read_text()


def lose_reply(seed: int, kills: int, home: Path) -> Tally:
    """Kills the aggregator between a COMMIT and the reply to it, so many times at a random commit.

    Raises:
        BrokenError
    """
    chance = Random(seed)
    agent = Agent(1)
    tally = Tally()
    home.mkdir()
    while tally.kills < kills:
        commits = chance.randint(1, 5)
        running = AggregatorProcess(home, PYTHONPATH=PYTHONPATH, **{DIE_AT: str(commits)})
        running.start(module="faults.dies_before_reply")
        before = agent.acked
        for _ in range(commits):
            agent.send(running.address)
        assert running.wait() < 0  # killed
        assert agent.acked == before + commits - 1
        tally.kills += 1
        with running:
            agent.send(running.address)
            if agent.duplicates != tally.kills:
                raise BrokenError("acked_lost", f"seed {seed}: kill {tally.kills}: a commit is gone")
            agent.check(running)
    tally.acked, tally.replies_lost = agent.acked, agent.duplicates
    return tally
