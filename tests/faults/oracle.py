"""What the store must hold, kept outside of it: built from what was sent, compared with what it answers."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from sysmon.aggregator.storage import Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sysmon.aggregator.storage import Host, Storage

Kind = Literal["acked_lost", "undeclared_lost", "duplicates", "corrupt", "torn"]
Series = tuple[str, tuple[tuple[str, str], ...]]


class BrokenError(AssertionError):
    """A promise of the store that does not hold, and which: the columns of the scoreboard."""

    def __init__(self, kind: Kind, what: str) -> None:
        super().__init__(f"{kind}: {what}")
        self.kind = kind


@dataclass(frozen=True)
class Sent:
    """One batch as its agent made it."""

    hostname: str
    time_ms: int
    metrics: Mapping[Series, float]
    seq: int | None = None
    facts: Mapping[str, Any] | None = None
    processes: Sequence[Mapping[str, Any]] | None = None

    def body(self) -> bytes:
        """The JSON of its push."""
        metrics = [
            {"type": name, "value": value, **({"tags": dict(tags)} if tags else {})}
            for (name, tags), value in self.metrics.items()
        ]
        push = {"hostname": self.hostname, "timestamp": self.time_ms / 1000, "metrics": metrics}
        if self.facts is not None:
            push["facts"] = self.facts
        if self.processes is not None:
            push["processes"] = self.processes
        return json.dumps(push).encode()


@dataclass(frozen=True)
class Delivery:
    """One request: batches of one host, and what its agent says will never come (first, last, samples)."""

    batches: Sequence[Sent]
    stream: bytes | None = None
    drops: Sequence[tuple[int, int, int]] = ()

    @property
    def hostname(self) -> str:
        return self.batches[0].hostname


@dataclass
class HostTruth:
    """One host. Values are bytes: equal means bit-equal."""

    samples: dict[Series, dict[int, bytes]] = field(default_factory=dict)
    facts: tuple[int, Any] | None = None  # of which time; a late batch does not take the place of newer ones
    processes: tuple[int, Any] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    streams: dict[bytes, set[int]] = field(default_factory=dict)
    dropped: int = 0

    def copy(self) -> HostTruth:
        samples = {series: dict(values) for series, values in self.samples.items()}
        streams = {name: set(settled) for name, settled in self.streams.items()}
        return replace(self, samples=samples, streams=streams)

    def take(self, delivery: Delivery) -> None:
        """The delivery is committed."""
        settled = self.streams.setdefault(delivery.stream, set()) if delivery.stream else set()
        for first, last, samples in delivery.drops:
            if not settled.issuperset(range(first, last + 1)):
                settled.update(range(first, last + 1))
                self.dropped += samples
        for sent in delivery.batches:
            if sent.seq is not None:
                if sent.seq in settled:
                    continue  # delivered twice, stored once
                settled.add(sent.seq)
            for series, value in sent.metrics.items():
                # Of two samples of one series and time the first is kept.
                self.samples.setdefault(series, {}).setdefault(sent.time_ms, struct.pack("<d", value))
            if sent.facts is not None and (self.facts is None or sent.time_ms >= self.facts[0]):
                self.facts = (sent.time_ms, dict(sent.facts))
            if sent.processes is not None and (self.processes is None or sent.time_ms >= self.processes[0]):
                self.processes = (sent.time_ms, list(sent.processes))


@dataclass(frozen=True)
class Truth:
    """All hosts, by name. Immutable: every step of a store has its own."""

    hosts: Mapping[str, HostTruth] = field(default_factory=dict)
    raw_from_ms: int = 0  # by retention samples before this may be gone
    goes: str | None = None  # a host that is deleted bit by bit: it may have lost any of its samples

    def after(self, deliveries: Sequence[Delivery]) -> Truth:
        """The truth once these are committed, in their order."""
        hosts = dict(self.hosts)
        for name in {delivery.hostname for delivery in deliveries}:
            hosts[name] = hosts[name].copy() if name in hosts else HostTruth()
        for delivery in deliveries:
            hosts[delivery.hostname].take(delivery)
        return replace(self, hosts=hosts)

    def without(self, hostname: str) -> Truth:
        return replace(self, hosts={n: host for n, host in self.hosts.items() if n != hostname})

    def with_tags(self, hostname: str, tags: dict[str, str]) -> Truth:
        return replace(self, hosts={**self.hosts, hostname: replace(self.hosts[hostname], tags=tags)})

    def plain(self) -> dict[str, Any]:
        """As `observe` says it."""
        return {name: _plain(host) for name, host in self.hosts.items()}


def _plain(host: HostTruth) -> dict[str, Any]:
    streams = {}
    for name, settled in host.streams.items():
        highest = max(settled, default=0)
        holes = sorted(set(range(1, highest + 1)) - settled)
        mark = holes[0] - 1 if holes else highest
        streams[name.hex()] = (mark, highest, len(holes))
    return {
        "samples": host.samples,
        "facts": host.facts,
        "processes": host.processes,
        "tags": host.tags,
        "streams": streams,
        "dropped": host.dropped,
        "gaps": sum(holes for _, _, holes in streams.values()),
    }


def compare(found: Mapping[str, Any], truth: Truth) -> None:
    """Raises BrokenError with the first difference; `found` is of `observe`."""
    expected = truth.plain()
    for hostname, host in expected.items():
        if hostname not in found:
            raise BrokenError("acked_lost", f"host {hostname}")
        goes_before_ms = 1 << 62 if hostname == truth.goes else truth.raw_from_ms
        _compare_samples(hostname, found[hostname]["samples"], host["samples"], goes_before_ms)
        for name, value in host.items():
            if name != "samples" and found[hostname][name] != value:
                # The samples agree, so what else the same transactions wrote does not belong to them.
                raise BrokenError("torn", f"{hostname}: {name} is {found[hostname][name]}, not {value}")
    for hostname in found.keys() - expected.keys():
        raise BrokenError("torn", f"host {hostname} is there, and should not be")


def agrees(found: Mapping[str, Any], truth: Truth) -> bool:
    try:
        compare(found, truth)
    except BrokenError:
        return False
    return True


def _compare_samples(
    hostname: str, found: Mapping[Series, Any], expected: Mapping[Series, Any], goes_before_ms: int
) -> None:
    for series, values in expected.items():
        have = found.get(series, {})
        if have == values:
            continue
        for time_ms, value in values.items():
            if time_ms not in have:
                if time_ms >= goes_before_ms:
                    raise BrokenError("acked_lost", f"{hostname} {series} at {time_ms}")
            elif have[time_ms] != value:
                raise BrokenError("corrupt", f"{hostname} {series} at {time_ms}: another value")
    for series, have in found.items():
        for time_ms in have.keys() - expected.get(series, {}).keys():
            raise BrokenError("torn", f"{hostname} {series} at {time_ms}: nobody sent it, or only in part")


def observe(storage: Storage) -> dict[str, Any]:
    """What the store answers, through its interface alone.

    Raises BrokenError where it contradicts itself.
    """
    found = {}
    for host, _ in list(storage.load()):  # it holds a reader until it ends
        samples = samples_of(storage, host)
        ledger = storage.ledger(host.host_id)
        facts = storage.document(host.host_id, "facts")
        processes = storage.document(host.host_id, "processes")
        _check_gaps(storage, host.host_id, ledger.gaps)
        found[host.hostname] = {
            "samples": samples,
            "facts": (facts[0], json.loads(facts[1])) if facts else None,
            "processes": (processes[0], json.loads(processes[1])) if processes else None,
            "tags": host.own_tags,
            "streams": {s.stream: (s.mark, s.highest, s.missing) for s in ledger.streams},
            "dropped": ledger.dropped,
            "gaps": ledger.gaps,
        }
    return found


def samples_of(
    storage: Storage, host: Host, start_ms: int = 0, end_ms: int = 1 << 60
) -> dict[Series, dict[int, bytes]]:
    """The host's samples in [start, end). Raises BrokenError for one that comes twice."""
    question = Query(host_ids=[host.host_id], start_ms=start_ms, end_ms=end_ms)
    columns = storage.query(question).columns
    samples: dict[Series, dict[int, bytes]] = {}
    for i in range(len(columns)):
        times = list(columns.times(i))
        if len(times) != len(set(times)) or columns.key(i) in samples:
            raise BrokenError("duplicates", f"{host.hostname} {columns.key(i)}")
        values = [struct.pack("<d", value) for value in columns.values(i)]
        samples[columns.key(i)] = dict(zip(times, values, strict=True))
    return samples


def _check_gaps(storage: Storage, host_id: int, missing: int) -> None:
    """What is missing is told as events: each hole lies in one, and each tells of at least one hole."""
    told = storage.events(host_id, kind="gap", limit=1_000)
    reach = sum(event.detail["to"] - event.detail["from"] + 1 for event in told)
    if not len(told) <= missing <= reach:
        raise BrokenError("torn", f"{missing} seqs are missing, {len(told)} events tell of {reach}")
