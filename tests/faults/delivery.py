"""The ledger of an agent's batches, kept outside of agent and aggregator, and the judgement at the end.

A batch is known by (stream, seq) as soon as it was seen: on the wire, or in the spool of an agent that was
killed. What it holds can be computed again, and no two batches of a stream hold the same. Every number up to
the highest seen of a stream was sealed; at the end each must be stored, spooled, or declared to be lost.

A run that lasts too long to keep all of that is judged now and then, and forgets what was found well.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from faults.kills import get
from faults.oracle import BrokenError
from faults.spool_file import SpoolContent, read_spool
from synthetic_values import synthetic_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aggregator_process import AggregatorProcess
    from faults.fault_proxy import Request, Seen

Key = tuple[str, int]  # stream, seq
_WINDOW_MS: Final = 500_000  # of one question: at 50 ms its points stay within the limit


@dataclass(frozen=True)
class Batch:
    host: str
    time_ms: int
    tick: int
    digest: bytes
    boottime_ms: int = 0  # when it was taken, on the clock that nobody sets


@dataclass
class Tally:
    """What became of the batches; the loss columns are 0 or the run has failed."""

    sealed: int = 0
    acked: int = 0
    stored: int = 0
    spooled: int = 0
    declared_dropped: int = 0
    quarantined: int = 0

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            if name in Tally.__dataclass_fields__:
                setattr(self, name, getattr(self, name) + value)


@dataclass
class Ledger:
    """Told by the proxy (its thread) and by the tests; `judge` once nothing moves any more."""

    seed: int
    series: int
    batches: dict[Key, Batch] = field(default_factory=dict)
    acked: set[Key] = field(default_factory=set)  # the aggregator said so, whether or not the agent heard it
    declared: dict[Key, str] = field(default_factory=dict)  # in a request that was acknowledged
    resealed: set[Key] = field(default_factory=set)
    attempts: Counter[Key] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)  # bytes that changed, values that nobody computed
    # What was judged is forgotten: numbers up to this, of a stream; times before this, of a host; its rows.
    _judged: dict[str, int] = field(default_factory=dict)
    _since_ms: dict[str, int] = field(default_factory=dict)
    _rows_before: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # ---- what is seen ----

    def sent(self, request: Request) -> None:
        """A request leaves an agent."""
        members = list(_members(request.body)) if request.seqs else []
        if len(members) != len(request.seqs):
            self.broken.append(f"{request.seqs} came with {len(members)} batches")
        for seq, (text, member) in zip(request.seqs, members, strict=False):
            key = (request.stream, seq)
            self._take(key, text, member)
            if not self._is_judged(key):
                self.attempts[key] += 1

    def answered(self, seen: Seen) -> None:
        """The aggregator replied."""
        if seen.reply is None or not seen.reply.startswith(b"HTTP/1.1 200"):
            return
        reply = json.loads(seen.reply.partition(b"\r\n\r\n")[2])
        seqs = seen.request.seqs
        if seqs and reply["acked"] == [seqs[0], seqs[-1]]:
            with self._lock:
                keys = {(seen.request.stream, seq) for seq in seqs}
                self.acked.update(key for key in keys if not self._is_judged(key))
        if not reply["duplicate"]:
            self._declare(seen.request)

    def spooled(self, folder: Path) -> SpoolContent:
        """What a spool holds now was sealed."""
        found = read_spool(folder)
        for key, record in found.batches.items():
            text = zlib.decompress(record.payload, 31) if record.kind == 1 else record.payload
            self._take(key, text, record.payload)
        self.resealed |= found.resealed
        return found

    def _take(self, key: Key, text: bytes, member: bytes) -> None:
        digest = hashlib.sha256(member).digest()
        with self._lock:
            if self._is_judged(key):
                return
            known = self.batches.get(key)
            if known is not None:
                if known.digest != digest:
                    self.broken.append(f"{key}: its bytes changed")
                return
            body = json.loads(text)
            tick, values = _synthetic(body)
            if values != self.values(body["hostname"], tick):
                self.broken.append(f"{key}: tick {tick} has other values")
            time_ms = round(body["timestamp"] * 1000)
            self.batches[key] = Batch(body["hostname"], time_ms, tick, digest, body.get("boottime_ms", 0))

    def _declare(self, request: Request) -> None:
        said = request.header("X-SysMon-Dropped") or ""
        for first, last, reason in re.findall(r"(\d+)-(\d+);samples=\d+;reason=(\w+)", said):
            for seq in range(int(first), int(last) + 1):
                if not self._is_judged((request.stream, seq)):
                    self.declared[request.stream, seq] = reason

    def _is_judged(self, key: Key) -> bool:
        return key[1] <= self._judged.get(key[0], 0)

    def values(self, host: str, tick: int) -> list[float]:
        return [synthetic_value(self.seed, host, index, tick) for index in range(self.series)]

    # ---- questions ----

    def sealed(self) -> set[Key]:
        with self._lock:
            highest: dict[str, int] = {}
            for stream, seq in [*self.batches, *self.declared]:
                highest[stream] = max(seq, highest.get(stream, 0))
            first = {stream: self._judged.get(stream, 0) + 1 for stream in highest}
        return {(stream, seq) for stream, top in highest.items() for seq in range(first[stream], top + 1)}

    def settled(self) -> set[Key]:
        """What was acknowledged or declared to be lost, or lives on under another number."""
        with self._lock:
            return self.acked | self.declared.keys() | self.resealed

    def judge(
        self,
        running: AggregatorProcess,
        spools: Iterable[Path] = (),
        *,
        by_tick: bool = False,
        forget: bool = False,
    ) -> Tally:
        """Compares the ledger with what aggregator and spools hold.

        Args:
            by_tick: the aggregator puts times right, so batches are found by their ticks.
            forget: what is found well is not looked at again, and the tally is of that alone.

        Raises:
            BrokenError: with the first few batches that are not where they must be.
        """
        waiting: set[Key] = set()
        declared: dict[Key, str] = dict(self.declared)
        quarantined: set[Key] = set()
        for folder in spools:
            found = self.spooled(folder)
            waiting |= found.batches.keys()
            declared |= found.drops
            quarantined |= found.quarantined.keys()
        if self.broken:
            raise BrokenError("corrupt", "; ".join(self.broken[:3]))
        stored = self._stored(running, by_tick)
        sealed = self.sealed() - self.resealed
        lost = sealed - stored - waiting - declared.keys()
        for kind, keys in (("acked_lost", lost & self.acked), ("undeclared_lost", lost)):
            if keys:
                what = [(key, self.batches.get(key)) for key in sorted(keys)[:5]]
                raise BrokenError(kind, f"{len(keys)} of {len(sealed)} batches: {what}")  # type: ignore[arg-type]
        acked = set(self.acked)
        told = self._forget(stored, declared.keys() | self.resealed) if forget else sealed
        tally = Tally(len(told), len(acked & told), len(stored & told), len(waiting & told - stored))
        tally.declared_dropped = len(declared.keys() & told - stored)
        tally.quarantined = len(quarantined & told)
        return tally

    def _forget(self, stored: set[Key], given_up: set[Key]) -> set[Key]:
        """What goes, of what was sealed: of each stream the numbers before the first that is neither stored
        nor given up, of each host the times before that batch. What is answered from there on is still known.
        """
        before = self.sealed()
        done = stored | given_up
        with self._lock:
            until_ms: dict[str, int] = {}
            for key, batch in self.batches.items():
                if key not in done:
                    until_ms[batch.host] = min(batch.time_ms, until_ms.get(batch.host, batch.time_ms))

            def may_go(key: Key) -> bool:
                batch = self.batches.get(key)
                return key in done and (batch is None or batch.time_ms < until_ms.get(batch.host, 1 << 62))

            for stream in {stream for stream, _ in [*self.batches, *self.declared]}:
                seq = self._judged.get(stream, 0)
                while may_go((stream, seq + 1)):
                    seq += 1
                self._judged[stream] = seq
            gone = {key: batch for key, batch in self.batches.items() if self._is_judged(key)}
            for key, batch in gone.items():
                self._since_ms[batch.host] = max(batch.time_ms + 1, self._since_ms.get(batch.host, 0))
                self._rows_before[batch.host] += key in stored
            self.acked -= gone.keys()
            for known in (self.batches, self.declared, self.attempts):
                for key in [key for key in known if self._is_judged(key)]:
                    del known[key]
        return {key for key in before if self._is_judged(key)} - self.resealed

    def _stored(self, running: AggregatorProcess, by_tick: bool) -> set[Key]:
        """The batches the aggregator answers, each checked whole; raises for what nobody sent, or twice.

        Of two batches of a host with the same time one is shown; both are stored.
        """
        keys: dict[tuple[str, int], list[Key]] = {}
        for key, batch in self.batches.items():
            place = (batch.host, batch.tick if by_tick else batch.time_ms)
            keys.setdefault(place, []).append(key)
        stored: set[Key] = set()
        for host in get(running, "/api/hosts?limit=1000")["hosts"]:
            name = host["hostname"]
            contents: set[bytes] = set()
            for time_ms, values in _rows(running, name, self._reach(_sender(name), by_tick)).items():
                tick = int(values[0])
                if values[1:] != self.values(_sender(name), tick):
                    raise BrokenError(
                        "corrupt", f"{name} at {time_ms}: tick {tick} is there with {values[1:]}"
                    )
                mine = keys.get((_sender(name), tick if by_tick else time_ms), [])
                if not any(self.batches[key].tick == tick for key in mine):
                    raise BrokenError("corrupt", f"{name} at {time_ms}: tick {tick} was never sent")
                stored.update(mine)
                contents.update(self.batches[key].digest for key in mine)
            committed = get(running, f"/api/hosts/{name}/ledger")["committed"] - self._rows_before[name]
            if by_tick and committed == len(self.batches):
                # A clock that was put right may bring two ticks to the same millisecond: one is shown.
                return set(self.batches)
            if committed > len(contents):
                raise BrokenError("duplicates", f"{name}: {committed} rows of {len(contents)} batches")
        return stored

    def _reach(self, host: str, by_tick: bool) -> range:
        """The milliseconds in which there may be samples that are not judged yet."""
        times = [batch.time_ms for batch in self.batches.values()] or [0]
        if by_tick:  # put right: about now
            now_ms = time.time_ns() // 1_000_000
            return range(now_ms - _WINDOW_MS + 60_000, now_ms + 60_000)
        return range(max(min(times), self._since_ms.get(host, 0)), max(times) + 1)


def _sender(hostname: str) -> str:
    """The name an agent sends: a second host of the same name is shown with a number behind it."""
    return hostname.partition("~")[0]


def _rows(running: AggregatorProcess, host: str, reach: range) -> dict[int, list[float]]:
    """By time, in milliseconds: the tick, then the values in the order of their index."""
    rows: dict[int, list[tuple[int, float]]] = {}
    for start in range(reach.start, reach.stop, _WINDOW_MS):
        window = f"start={start / 1000}&end={min(start + _WINDOW_MS, reach.stop) / 1000}"
        answer = get(running, f"/api/metrics?host={host}&type=synthetic.*&{window}")
        if "error" in answer:
            raise AssertionError(answer)
        for one in answer["series"]:
            place = int(one["tags"].get("index", -1))
            for time_s, value in zip(one["times"], one["values"], strict=True):
                rows.setdefault(round(time_s * 1000), []).append((place, value))
    return {time_ms: [value for _, value in sorted(found)] for time_ms, found in rows.items()}


def _members(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(text, bytes) of each batch."""
    if not body.startswith(b"\x1f\x8b"):
        yield body, body
        return
    while body:
        inflater = zlib.decompressobj(31)
        text = inflater.decompress(body)
        rest = inflater.unused_data
        yield text, body[: len(body) - len(rest)]
        body = rest


def _synthetic(body: dict[str, Any]) -> tuple[int, list[float]]:
    tick, values = -1, {}
    for metric in body["metrics"]:
        if metric["type"] == "synthetic.tick":
            tick = int(metric["value"])
        elif metric["type"] == "synthetic.value":
            values[int(metric["tags"]["index"])] = metric["value"]
    return tick, [values[index] for index in sorted(values)]
