"""A store at work, the same for the same seed: deliveries of every kind, edits, deletions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from faults.oracle import Delivery, Sent, Series, Truth
from service_kit import START_MS
from sysmon._core import PushDecoder
from sysmon.aggregator.settings import RetentionSettings
from sysmon.aggregator.storage import Drop, Host, HostBatch, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from sysmon.aggregator.embedded import EmbeddedStorage

HOSTNAMES = ("web01", "web02", "db01", "cache01")
EDGES = (0.0, -0.0, 5e-324, 2.0**63, 0.1 + 0.2, -273.15)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RETENTION = RetentionSettings(raw="3d", five_minutes="4d", hour="30d")
RAW_AGE_MS = 3 * DAY_MS
FIVE_MINUTES_AGE_MS = 4 * DAY_MS


class Driver:
    """Puts deliveries into a store as the aggregator does, and waits for their commit."""

    def __init__(self, storage: EmbeddedStorage, now_ms: Callable[[], int] = lambda: START_MS) -> None:
        self.storage = storage
        self.now_ms = now_ms
        self._decoder = PushDecoder(storage.key_sets)
        self._hosts: dict[str, Host] = {host.hostname: host for host, _ in storage.load()}

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Commits them as one group; returns once all of them are acknowledged."""
        writes = [self._write(delivery) for delivery in deliveries]
        # Submitted from the writer's own thread, between two commits, they are waiting together afterwards.
        tickets = self.storage._writer.run(lambda _: [self.storage.submit(write) for write in writes])
        for ticket in tickets:
            assert not ticket.wait().conflict

    def _write(self, delivery: Delivery) -> Write:
        host = self._hosts.get(delivery.hostname)
        if host is None:
            number = 1 + max((host.host_id for host in self._hosts.values()), default=0)
            host = self._hosts[delivery.hostname] = Host(number, delivery.hostname, first_seen_ms=START_MS)
        batches = []
        for sent in delivery.batches:
            (push,) = self._decoder.decode(sent.body(), gzip=False, now_ms=sent.time_ms)
            assert not push.errors
            batches.append(
                HostBatch(host, push.rows, push.accepted, push.facts, push.processes, sent.time_ms, sent.seq)
            )
        drops = tuple(Drop(first, last, samples, "spool_full") for first, last, samples in delivery.drops)
        return Write(batches, self.now_ms(), 1_000, delivery.stream, drops=drops)

    def set_tags(self, hostname: str, tags: dict[str, str]) -> None:
        host = self._hosts[hostname]
        host.own_tags = tags
        host.touch()
        self.storage.save_host(host)

    def delete(self, hostname: str) -> None:
        host = self._hosts.pop(hostname)
        host.deleted = True
        self.storage.save_host(host)

    def compact_everything(self) -> None:
        self.storage.maintain("compact")

    def maintain(self) -> None:
        """What the background would do by now: hours that are over, days that are due, what is too old."""
        while self.storage._compactor.step():
            pass


@dataclass
class Step:
    """One thing done to the store at `now_ms`; `truth` is what it must hold once that is acknowledged."""

    do: Callable[[Driver], None]
    truth: Truth
    now_ms: int
    goes: str | None = None  # the host that is deleted: not in one transaction


@dataclass
class Workload:
    """Makes steps; `truth` is what the last one leaves, `now_ms` its time."""

    chance: Random
    truth: Truth = field(default_factory=Truth)
    now_ms: int = START_MS
    _next_seq: dict[bytes, int] = field(default_factory=dict)
    _late: list[Delivery] = field(default_factory=list)
    _sent: list[Delivery] = field(default_factory=list)
    _clock_ms: int = START_MS - 3_000_000  # of the batch that was made last

    def step(self) -> Step:
        kind = self.chance.random()
        known = sorted(self.truth.hosts)
        if kind < 0.25:
            self._pass_time()
        if kind < 0.04 and len(known) > 2:
            gone = self.chance.choice(known)
            self._late = [delivery for delivery in self._late if delivery.hostname != gone]
            self._sent = [delivery for delivery in self._sent if delivery.hostname != gone]
            return self._made(lambda driver: driver.delete(gone), self.truth.without(gone), gone)
        if kind < 0.08 and known:
            edited, tags = self.chance.choice(known), {"rack": str(self.chance.randrange(100))}
            return self._made(
                lambda driver: driver.set_tags(edited, tags), self.truth.with_tags(edited, tags)
            )
        if kind < 0.18 and known:
            if kind < 0.12:
                return self._made(lambda driver: driver.compact_everything(), self.truth)
            return self._made(lambda driver: driver.maintain(), self.truth)
        group = [self._delivery() for _ in range(self.chance.choice((1, 1, 2, 5)))]
        return self._made(lambda driver: driver.commit(group), self.truth.after(group))

    def _made(self, do: Callable[[Driver], None], truth: Truth, gone: str | None = None) -> Step:
        raw_from_ms = (self.now_ms - RAW_AGE_MS) // DAY_MS * DAY_MS
        self.truth = replace(truth, raw_from_ms=raw_from_ms)
        return Step(do, self.truth, self.now_ms, gone)

    def _pass_time(self) -> None:
        """Minutes to a day, but some days in all: later, streams that nobody uses are forgotten."""
        hours = self.chance.choice((0.3, 1, 6, 26))
        self.now_ms = min(self.now_ms + int(hours * HOUR_MS), START_MS + 6 * DAY_MS)
        self._clock_ms = max(self._clock_ms, self.now_ms - 600_000)

    def _delivery(self) -> Delivery:
        kind = self.chance.random()
        if kind < 0.1 and self._sent:
            return self.chance.choice(self._sent)  # its reply was lost
        if kind < 0.2 and self._late:
            late = self._late.pop(self.chance.randrange(len(self._late)))
            if late.batches[0].time_ms > self.now_ms - RAW_AGE_MS + DAY_MS:
                return late
        hostname = self.chance.choice(HOSTNAMES)
        if kind < 0.3:
            return Delivery([self._batch(hostname)])  # a script without a stream
        stream = hostname.encode().ljust(16, b"\0")
        first = self._next_seq.get(stream, 1)
        drops = []
        if kind < 0.36:
            drops.append((first, first + 2, 3 * self.chance.randrange(50)))
            first += 3
        count = self.chance.choice((1, 1, 1, 4))
        self._next_seq[stream] = first + count
        made = Delivery([self._batch(hostname, first + n) for n in range(count)], stream, drops)
        if kind > 0.95:  # overtaken by the next one: a gap until it comes
            self._late.append(made)
            return self._delivery()
        self._sent.append(made)
        return made

    def _batch(self, hostname: str, seq: int | None = None) -> Sent:
        if seq is not None or self.chance.random() < 0.7:  # else again the same time, with other values
            self._clock_ms += self.chance.randrange(1, 2_000)
        metrics: dict[Series, float] = {
            ("cpu.total_usage", ()): round(self.chance.uniform(0, 100), 2),
            ("edge", ()): self.chance.choice(EDGES),
        }
        # Some batches show series of their own, so that key sets are written all the time.
        new = self.chance.randrange(9) if self.chance.random() < 0.2 else 0
        for n in range(self.chance.randrange(3, 16)):
            metrics["disk.read_bytes", (("device", f"sd{n}"), ("n", str(new)))] = float(
                self.chance.getrandbits(self.chance.choice((8, 30, 60)))
            )
        sent = Sent(hostname, self._clock_ms, metrics, seq)
        if self.chance.random() < 0.1:
            sent = replace(sent, facts={"cores": self.chance.randrange(64)})
        if self.chance.random() < 0.1:
            sent = replace(sent, processes=[{"pid": self.chance.randrange(1 << 16)}])
        return sent
