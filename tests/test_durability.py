"""What was acknowledged is there after kill -9, once: the real process, killed under load at random."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from typing import TYPE_CHECKING

import apsw

from aggregator_process import TOKEN, AggregatorProcess

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 20
AGENTS = 4


class Agent:
    """Sends its batches in order, each again until it is acknowledged, as the real one does."""

    def __init__(self, number: int, epoch_ms: int) -> None:
        self.host = f"host{number}"
        self._stream = f"{number:032x}"
        self._epoch_ms = epoch_ms
        self.acked = 0
        self.answers = 0

    def _body(self, seq: int) -> bytes:
        time_s = (self._epoch_ms + seq) / 1000
        # Every 50th batch shows a new series: key sets must survive with the rows that need them.
        metrics = [
            {"type": "a.b", "value": seq},
            {"type": "a.c", "value": seq, "tags": {"n": str(seq // 50)}},
        ]
        return json.dumps({"hostname": self.host, "timestamp": time_s, "metrics": metrics}).encode()

    def run(self, address: tuple[str, int], stop: threading.Event) -> None:
        connection = http.client.HTTPConnection(*address, timeout=10)
        try:
            while not stop.is_set():
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
                assert answer.status == 200, reply
                assert reply["acked"] == [seq, seq]
                self.acked = seq
                self.answers += 1
        except (OSError, http.client.HTTPException):
            return  # killed under us: the batch goes again to the next one
        finally:
            connection.close()


def test_acknowledged_batches_survive_kill_9(tmp_path: Path) -> None:
    chance = random.Random(20)
    agents = [Agent(number, int(time.time() * 1000) - 600_000) for number in range(AGENTS)]
    with AggregatorProcess(tmp_path) as running:
        for _ in range(KILLS):
            stop = threading.Event()
            threads = [threading.Thread(target=agent.run, args=(running.address, stop)) for agent in agents]
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
            assert sum(agent.answers for agent in agents) >= wanted
            running.start()
        for agent in agents:
            check(running, agent)
        assert running.stop() == 0
    with apsw.Connection(str(running.data / "sysmon.db")) as db:
        assert db.pragma("integrity_check") == "ok"


def check(running: AggregatorProcess, agent: Agent) -> None:
    """Every acknowledged batch is there, once; of the one that was on the way, nothing or all."""
    assert agent.acked > KILLS
    connection = http.client.HTTPConnection(*running.address, timeout=10)
    connection.request("GET", f"/api/metrics?host={agent.host}&type=a.b")
    (series,) = json.loads(connection.getresponse().read())["series"]
    stored = [int(value) for value in series["values"]]
    assert stored in (list(range(1, agent.acked + 1)), list(range(1, agent.acked + 2)))
    connection.request("GET", f"/api/metrics?host={agent.host}&type=a.c")
    tagged = json.loads(connection.getresponse().read())["series"]
    assert sorted(int(value) for one in tagged for value in one["values"]) == stored
    connection.request("GET", f"/api/hosts/{agent.host}/ledger")
    ledger = json.loads(connection.getresponse().read())
    assert (ledger["committed"], ledger["gaps"]) == (len(stored), 0)
    connection.close()
