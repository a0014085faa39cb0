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

AGENTS = 4
TESTS = Path(__file__).parent.parent


class Agent:
    """Sends its batches in order, each again until it is acknowledged, as the real one does."""

    def __init__(self, number: int, epoch_ms: int) -> None:
        self.host = f"host{number}"
        self._stream = f"{number:032x}"
        self._epoch_ms = epoch_ms
        self.acked = 0
        self.duplicates = 0  # committed, and the reply lost with the aggregator
        self.answers = 0

    def _body(self, seq: int) -> bytes:
        time_s = (self._epoch_ms + seq) / 1000
        # Every 50th batch shows a new series: key sets must survive with the rows that need them.
        metrics = [
            {"type": "a.b", "value": seq},
            {"type": "a.c", "value": seq, "tags": {"n": str(seq // 50)}},
        ]
        return json.dumps({"hostname": self.host, "timestamp": time_s, "metrics": metrics}).encode()

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

        Raises:
            BrokenError
        """
        plain = self._stored(running, "a.b")
        expected = list(range(1, self.acked + 1))
        if plain[: self.acked] != expected:
            missing = sorted(set(expected) - set(plain))
            raise BrokenError("acked_lost" if missing else "duplicates", f"{self.host}: {missing or plain}")
        if plain[self.acked :] not in ([], [self.acked + 1]):
            raise BrokenError("duplicates", f"{self.host}: {plain[self.acked :]} after {self.acked}")
        if self._stored(running, "a.c") != plain:
            raise BrokenError("torn", f"{self.host}: a batch is there in part")
        ledger = get(running, f"/api/hosts/{self.host}/ledger")
        (stream,) = ledger["streams"]
        if (stream["mark"], ledger["gaps"]) != (len(plain), 0):
            raise BrokenError("torn", f"{self.host}: {len(plain)} samples, {ledger}")

    def _stored(self, running: AggregatorProcess, metric: str) -> list[int]:
        """The values of a metric, over all its series, in the order of their times."""
        start = self._epoch_ms / 1000
        answer = get(running, f"/api/metrics?host={self.host}&type={metric}&start={start}")
        pairs = [pair for one in answer["series"] for pair in zip(one["times"], one["values"], strict=True)]
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


def kill_under_load(seed: int, kills: int, home: Path) -> Tally:
    """Kills the aggregator so many times at random while agents push, and checks what is there.

    Raises:
        BrokenError: with a note that says after how many kills.
    """
    chance = Random(seed)
    agents = [Agent(number, int(time.time() * 1000) - 600_000) for number in range(AGENTS)]
    tally = Tally()
    with AggregatorProcess(home) as running:
        try:
            while tally.kills < kills:
                _kill_once(running, agents, chance)
                tally.kills += 1
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
    agent = Agent(1, int(time.time() * 1000) - 60_000)
    tally = Tally()
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    home.mkdir()
    while tally.kills < kills:
        commits = chance.randint(1, 5)
        running = AggregatorProcess(home, PYTHONPATH=path, **{DIE_AT: str(commits)})
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
