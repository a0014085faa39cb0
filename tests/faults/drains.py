"""Backlogs that wait for an aggregator: a day of one host (F13), an hour of a thousand (F28)."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from aggregator_process import TOKEN, AggregatorProcess
from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.kills import get
from faults.oracle import BrokenError
from faults.spool_file import GZIP_BATCH, Record, write_spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_AGENT_ID: Final = "7b0c6c0e-6d4f-4a46-9a51-6a7c1b0a2f10"
_SERIES: Final = 250


@dataclass
class Drain(Tally):
    batches: int = 0
    drain_max_ms: int = 0  # from the agent's start to the last of the backlog
    live_age_max_ms: int = (
        0  # of the newest sample the aggregator could show meanwhile; a tick is every second
    )


def drain_backlog(seed: int, batches: int, home: Path) -> Drain:
    """The real agent finds a spool of so many batches, ten seconds apart, and a healthy aggregator (F13)."""
    with Lab(home, seed, _SERIES) as lab:
        agent = lab.agent(interval="1s")
        agent.url = lab.aggregator.url  # nothing in between that would take time
        write_spool(agent.spool, _backlog(lab, batches))
        (agent.spool / "agent_id").write_text(_AGENT_ID + "\n")
        (agent.spool / "agent_id").chmod(0o600)
        lab.ledger.spooled(agent.spool)
        oldest: list[float] = [0.0]
        began = time.monotonic()
        agent.start()

        def is_drained() -> bool:
            hosts = get(lab.aggregator, "/api/metrics/latest?type=synthetic.tick")["metrics"]
            if hosts and hosts[0]["timestamp"] > time.time() - 60:
                oldest[0] = max(oldest[0], time.time() - hosts[0]["timestamp"])
            if not hosts:
                return False
            return bool(get(lab.aggregator, "/api/hosts/web01/ledger")["committed"] >= batches)

        wait_until(is_drained, "the backlog is drained", 300)
        took = time.monotonic() - began
        tally = Drain(
            batches=batches, drain_max_ms=round(took * 1000), live_age_max_ms=round(oldest[0] * 1000)
        )
        assert agent.stop() == 0
        # What came while it drained was seen by nobody but the aggregator.
        tally.add(_judge_backlog(lab, batches))
    return tally


def _backlog(lab: Lab, batches: int) -> Iterator[Record]:
    """An earlier run's batches up to a minute ago."""
    stream = Random(lab.seed).randbytes(16).hex()
    first_ms = int((time.time() - 60 - 10 * batches) * 1000)
    for tick in range(batches):
        values = lab.ledger.values("web01", tick)
        metrics = [{"type": "synthetic.tick", "value": tick}]
        metrics += [
            {"type": "synthetic.value", "value": value, "tags": {"index": str(index)}}  # type: ignore[dict-item]
            for index, value in enumerate(values)
        ]
        time_ms = first_ms + 10_000 * tick
        body = {"hostname": "web01", "agent_id": _AGENT_ID, "timestamp": time_ms / 1000, "interval": 10}
        payload = gzip.compress(json.dumps({**body, "metrics": metrics}).encode(), 6)
        yield Record(GZIP_BATCH, stream, tick + 1, time_ms, payload, len(metrics))


def _judge_backlog(lab: Lab, batches: int) -> Tally:
    ledger = get(lab.aggregator, "/api/hosts/web01/ledger")
    if ledger["gaps"] or ledger["dropped"]:
        raise BrokenError("undeclared_lost", f"{ledger}")
    known = {batch.time_ms: batch.tick for batch in lab.ledger.batches.values()}
    found: dict[int, list[float]] = {}
    start = min(known) / 1000
    while start < time.time():
        answer = get(
            lab.aggregator, f"/api/metrics?host=web01&type=synthetic.*&start={start}&end={start + 20_000}"
        )
        for one in sorted(answer["series"], key=lambda one: int(one["tags"].get("index", -1))):
            for time_s, value in zip(one["times"], one["values"], strict=True):
                found.setdefault(round(time_s * 1000), []).append(value)
        start += 20_000
    for time_ms, tick in known.items():
        if found.get(time_ms) != [tick, *lab.ledger.values("web01", tick)]:
            raise BrokenError("acked_lost", f"tick {tick} at {time_ms}: {found.get(time_ms)}")
    if ledger["committed"] != len(found):
        raise BrokenError("duplicates", f"{ledger['committed']} rows of {len(found)} times")
    return Tally(sealed=batches, acked=batches, stored=batches)


# ---- the herd ----------------------------------------------------------------------------------------------


@dataclass
class Herd:
    agents: int = 0
    batches: int = 0
    drain_max_ms: int = 0
    live_pushes: int = 0
    live_p50_max_ms: int = 0
    live_p99_max_ms: int = 0  # from due to acknowledged
    overloaded: int = 0  # 429 and 503
    other_5xx: int = 0
    rss_max_mib: int = 0
    peak_over_mean_max_percent: int = 0  # requests in a second, after the first thirty


@dataclass
class _World:
    port: int
    answers: Counter[int] = field(default_factory=Counter)
    live_s: list[float] = field(default_factory=list)
    arrivals: Counter[int] = field(default_factory=Counter)
    draining: int = 0
    began: float = 0.0
    drained: float = 0.0
    stop: bool = False


class _Bodies:
    """Gzip members of 250 metrics, compressed once: a thousand agents have more than this one processor."""

    def __init__(self, seed: int) -> None:
        chance = Random(seed)
        self._tails = []
        for _ in range(16):
            metrics = [
                {"type": "herd.value", "value": round(chance.uniform(0, 100), 2), "tags": {"n": str(n)}}
                for n in range(_SERIES)
            ]
            text = ('"metrics":' + json.dumps(metrics) + "}").encode()
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            self._tails.append((text, packer.compress(text) + packer.flush()))

    def member(self, host: str, time_s: float, tick: int) -> bytes:
        head = f'{{"hostname":"{host}","timestamp":{time_s:.3f},"interval":10,'.encode()
        text, tail = self._tails[tick % len(self._tails)]
        stored = (
            struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + head
        )  # a block that is not compressed
        end = struct.pack("<II", zlib.crc32(text, zlib.crc32(head)), len(head) + len(text))
        return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + stored + tail + end


class _HerdAgent:
    """As docs/agent.md says it behaves: two lanes over one connection, backoff with full jitter."""

    def __init__(self, world: _World, bodies: _Bodies, number: int, backlog: int, seed: int) -> None:
        self._world = world
        self._bodies = bodies
        self._chance = Random(seed * 100_003 + number)
        self.host = f"herd{number:04}"
        self._stream = self._chance.randbytes(16).hex()
        self._began = time.time()
        self._waiting = list(range(1, backlog + 1))  # seqs, 10 s apart up to now
        self._backlog = backlog
        self._next_seq = backlog + 1
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.acked: set[int] = set()
        self._frozen: tuple[list[int], bytes] = ([], b"")  # what was not taken is sent again as it is

    def _time(self, seq: int) -> float:
        return self._began - 10 * (self._backlog - seq) + self._phase

    async def run(self) -> None:
        self._phase = self._chance.uniform(0, 10)
        live_at = time.monotonic() + self._phase
        backlog_at, cap = 0.0, 1.0
        hold_until = backlog_hold = 0.0
        was_up = False
        while not self._world.stop:
            now = time.monotonic()
            if now >= max(live_at, hold_until):
                due, live_at = live_at, live_at + 10
                seqs = [self._next_seq]
                self._next_seq += 1
            elif self._waiting and now >= max(backlog_at, hold_until, backlog_hold):
                due, backlog_at = 0.0, now + 0.1
                seqs = self._waiting[:64]
            else:
                wake = max(live_at, hold_until)
                if self._waiting:
                    wake = min(wake, max(backlog_at, hold_until, backlog_hold))
                await asyncio.sleep(max(0.001, min(wake - now, 1.0)))
                continue
            status, retry_after = await self._push(seqs)
            now = time.monotonic()
            if status == 200:
                if due:
                    self._world.live_s.append(now - due)
                self._acknowledge(seqs)
                cap = 1.0
                if not was_up:  # a fleet that waited does not drain in the same instant
                    was_up, backlog_at = True, now + self._chance.random()
                continue
            if due:
                self._waiting.append(seqs[0])
            if status in (429, 503) and was_up and len(seqs) > 1:
                backlog_hold = now + retry_after + self._chance.random()
                continue
            if status in (429, 503) and retry_after:
                hold_until = now + retry_after + self._chance.random()
            backlog_at = now + self._chance.uniform(0, cap)
            cap = min(cap * 2, 60.0)
            was_up = was_up and status != 0

    def _acknowledge(self, seqs: list[int]) -> None:
        self.acked.update(seqs)
        done = set(seqs)
        had = bool(self._waiting)
        self._waiting = [seq for seq in self._waiting if seq not in done]
        if had and not self._waiting:
            self._world.draining -= 1
            self._world.drained = time.monotonic()

    async def _push(self, seqs: list[int]) -> tuple[int, float]:
        contiguous = [seq for index, seq in enumerate(seqs) if seq == seqs[0] + index]
        seqs[:] = contiguous
        if self._frozen[0] != seqs:
            members = [self._bodies.member(self.host, self._time(seq), seq) for seq in seqs]
            body = b"".join(members)
            if len(seqs) > 1:
                self._frozen = (list(seqs), body)
        else:
            body = self._frozen[1]
        head = (
            f"POST /api/metrics HTTP/1.1\r\nHost: a\r\nX-SysMon-Token: {TOKEN}\r\nContent-Encoding: gzip\r\n"
            f"X-SysMon-Stream: {self._stream}\r\nX-SysMon-Seq: {seqs[0]}-{seqs[-1]}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(15):
                if self._connection is None:
                    self._connection = await asyncio.open_connection("127.0.0.1", self._world.port)
                reader, writer = self._connection
                writer.write(head.encode() + body)
                await writer.drain()
                answer = await reader.readuntil(b"\r\n\r\n")
                fields = {
                    name.strip().lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in answer.decode().split("\r\n")[1:])
                }
                text = await reader.readexactly(int(fields["content-length"]))
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError):
            self._close()
            return 0, 0.0
        status = int(answer[9:12])
        self._world.answers[status] += 1
        self._world.arrivals[int(time.monotonic())] += 1
        if status == 200 and json.loads(text)["acked"] != [seqs[0], seqs[-1]]:
            raise BrokenError("acked_lost", f"{seqs}: {text!r}")
        if fields.get("connection") == "close":
            self._close()
        return status, float(fields.get("retry-after", 0))

    def _close(self) -> None:
        if self._connection is not None:
            self._connection[1].close()
            self._connection = None


def stampede(seed: int, agents: int, home: Path, backlog: int = 360) -> Herd:
    """So many agents with an hour of backlog each wait for an aggregator that starts (F28).

    Raises:
        BrokenError: a batch that was acknowledged is not there, or is there twice; a 5xx that is no 503.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    running = AggregatorProcess(home)
    try:
        return asyncio.run(_stampede(seed, agents, running, port, backlog))
    finally:
        if running.url and running.process.poll() is None:
            running.stop()


async def _stampede(seed: int, agents: int, running: AggregatorProcess, port: int, backlog: int) -> Herd:
    world = _World(port, draining=agents)
    bodies = _Bodies(seed)
    herd = [_HerdAgent(world, bodies, number, backlog, seed) for number in range(agents)]
    tasks = [asyncio.create_task(agent.run()) for agent in herd]
    await asyncio.sleep(12)  # everybody has been refused at least once
    running.home.mkdir(exist_ok=True)
    await asyncio.to_thread(running.start, "--port", str(port))
    world.began = time.monotonic()
    rss = 0.0
    while world.draining > 0:
        await asyncio.sleep(0.25)
        rss = max(rss, running.rss_mib())
        for task in tasks:
            if task.done():
                task.result()
        if time.monotonic() > world.began + 900:
            raise BrokenError("undeclared_lost", f"{world.draining} agents have not drained: {world.answers}")
    await asyncio.sleep(20)  # live pushes of a fleet that is well again
    rss = max(rss, running.rss_mib())
    world.stop = True
    await asyncio.gather(*tasks)
    for agent in herd:
        ledger = await asyncio.to_thread(get, running, f"/api/hosts/{agent.host}/ledger")
        if ledger["committed"] < len(agent.acked) or ledger["gaps"]:
            raise BrokenError("acked_lost", f"{agent.host}: {len(agent.acked)} acknowledged, {ledger}")
        if ledger["committed"] > ledger["streams"][0]["highest"]:
            raise BrokenError("duplicates", f"{agent.host}: {ledger}")
    other = sum(count for status, count in world.answers.items() if status >= 500 and status != 503)
    if other:
        raise BrokenError("corrupt", f"{world.answers}")
    return _figures(world, herd, rss)


def _figures(world: _World, herd: list[_HerdAgent], rss: float) -> Herd:
    live = sorted(world.live_s)
    late = [count for second, count in world.arrivals.items() if second > world.began + 30]
    return Herd(
        agents=len(herd),
        batches=sum(len(agent.acked) for agent in herd),
        drain_max_ms=round((world.drained - world.began) * 1000),
        live_pushes=len(live),
        live_p50_max_ms=round(live[len(live) // 2] * 1000),
        live_p99_max_ms=round(live[int(len(live) * 0.99)] * 1000),
        overloaded=world.answers[429] + world.answers[503],
        rss_max_mib=round(rss),
        peak_over_mean_max_percent=round(100 * max(late) * len(late) / sum(late)) if late else 0,
    )
