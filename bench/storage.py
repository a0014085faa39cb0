"""The store on 28.8 M samples: ingest, bytes at rest, questions; beside VictoriaMetrics and Prometheus.

All servers run at once and take turns, so that what else happens on the machine falls on all of them.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.aggregator import Aggregator, aggregator, bite, longest_job_ms
from bench.generator import CACHE, TICK_S, HarnessMissingError, dataset, last_whole_hour
from bench.peers import installed
from bench.process import cpu_s
from bench.questions import check_same, of_a_fleet, of_one_series
from bench.read_back import read_back
from bench.report import Figure, bar
from bench.server import client_core
from bench.sizes import tier_bytes

if TYPE_CHECKING:
    from bench.generator import Dataset
    from bench.peers import Peer
    from bench.questions import Question

HOSTS = 100
TICKS = 4 * 3600 // TICK_S
MONTH_TICKS = 30 * 86_400 // TICK_S
_ROUND_TICKS = 200
_CONNECTIONS = (4, 32)  # four are all that a commit can hold then, and each commit is synced
_PACED_TICKS = 40
_PACED_POSTS_S = 200


@dataclass(frozen=True)
class Contestant:
    """A running server and the folder it stores in."""

    server: Aggregator | Peer
    folder: Path

    @property
    def name(self) -> str:
        return self.server.name

    def settle(self) -> None:
        self.server.settle(self.folder)


def measure() -> list[Figure]:
    """The figures of four hours of a hundred hosts, and of thirty days of one."""
    try:
        fleet = dataset(HOSTS, TICKS, last_whole_hour(), ("sysmon", "prom", "raw"))
        month = dataset(1, MONTH_TICKS, last_whole_hour(), ("sysmon", "prom"))
    except HarnessMissingError as missing:
        return [Figure("not measured", str(missing))]
    with tempfile.TemporaryDirectory(dir=CACHE) as name, client_core():
        with ExitStack() as stack:
            contestants = start(Path(name, "fleet"), stack)
            figures = [*bulk(contestants, fleet), paced(contestants, fleet), weigh(contestants, fleet)]
            figures += [ask(contestants, question) for question in of_a_fleet(fleet)]
        samples = read_back(contestants[0].folder, fleet)
        figures.insert(5, Figure("read back bit-equal", f"{samples} samples", "", bar("all", True)))
        with ExitStack() as stack:
            contestants = start(Path(name, "month"), stack)
            for one in contestants:
                if isinstance(one.server, Aggregator):
                    one.server.post_backlog(month)
                else:
                    one.server.post(month, 0, month.ticks)
                one.settle()
            figures.append(ask(contestants, of_one_series(month.start_s, month.end_s)))
            figures.append(tiers(contestants[0], month))
    return figures


def start(folder: Path, stack: ExitStack) -> list[Contestant]:
    """Ours first, then the peers that are installed, each with an empty folder."""
    folder.mkdir()
    starters = {"sysmon": aggregator, **installed()}
    return [
        Contestant(stack.enter_context(starter(folder / name)), folder / name)
        for name, starter in starters.items()
    ]


def bulk(contestants: list[Contestant], data: Dataset) -> list[Figure]:
    """All but the last ticks, as fast as they are taken; over few and over many connections in turns.

    Our CPU counts until everything is compacted, the peers' only until their last answer.
    """
    begun = cpu_s(contestants[0].server.pid)
    spent = {(i, many): 0.0 for i in range(len(contestants)) for many in _CONNECTIONS}
    posted = dict.fromkeys(_CONNECTIONS, 0)
    ticks = data.ticks - _PACED_TICKS
    for number, first in enumerate(range(0, ticks, _ROUND_TICKS)):
        many, last = _CONNECTIONS[number % 2], min(ticks, first + _ROUND_TICKS)
        posted[many] += (last - first) * data.hosts * data.series
        for i, one in enumerate(contestants):
            spent[i, many] += one.server.post(data, first, last, connections=many).cpu_s
    bite_ms = longest_job_ms(contestants[0].server.port)
    for one in contestants:
        one.settle()
    # What it has compacted between its rounds and at the end.
    rest = cpu_s(contestants[0].server.pid) - begun - sum(spent[0, many] for many in _CONNECTIONS)
    for many in _CONNECTIONS:
        spent[0, many] += rest * posted[many] / sum(posted.values())
    rates = {(i, many): posted[many] / seconds for (i, many), seconds in spent.items()}
    return [*(ingest(contestants, rates, many) for many in _CONNECTIONS), bite(bite_ms)]


def ingest(contestants: list[Contestant], rates: dict[tuple[int, int], float], many: int) -> Figure:
    """Samples per CPU second over so many connections."""
    ours = rates[0, many]
    return Figure(
        f"ingest over {many} connections: samples per CPU second, fsynced, compaction included",
        f"{ours / 1e3:.0f} k",
        "; ".join(
            f"{one.name} {rates[i, many] / 1e3:.0f} k, ours {ours / rates[i, many]:.2f} ×"
            for i, one in enumerate(contestants[1:], 1)
        ),
        bar("≥ 1,435 k", ours >= 1.435e6),
    )


def paced(contestants: list[Contestant], data: Dataset) -> Figure:
    """The last ticks, on a schedule."""
    loads = [
        one.server.post(data, data.ticks - _PACED_TICKS, data.ticks, _PACED_POSTS_S) for one in contestants
    ]
    texts = [
        f"p50 {load.p50_ms:.2f}, p99 {load.p99_ms:.2f} ms, {load.cpu_ms_a_post:.2f} ms CPU a POST"
        for load in loads
    ]
    return Figure(
        f"{_PACED_POSTS_S} POST/s of {data.series} samples",
        texts[0],
        "; ".join(f"{one.name} {text}" for one, text in zip(contestants[1:], texts[1:], strict=True)),
        bar("p99 < 10 ms", loads[0].p99_ms < 10),
    )


def weigh(contestants: list[Contestant], data: Dataset) -> Figure:
    """Bytes a sample after everything was compacted."""
    for one in contestants:
        one.settle()
    ours, *others = [one.server.bytes_at_rest(one.folder) / data.samples for one in contestants]
    least = min(others, default=0.87)
    return Figure(
        "at rest: bytes a sample",
        f"{ours:.3f}",
        "; ".join(
            f"{one.name} {other:.3f}, ours {ours / other:.2f} ×"
            for one, other in zip(contestants[1:], others, strict=True)
        ),
        bar("≤ VictoriaMetrics", ours <= least),
    )


def tiers(ours: Contestant, data: Dataset) -> Figure:
    """What a host's day takes in each tier. The newest day or two are not rolled up yet."""
    days = data.ticks * TICK_S / 86_400
    sizes = {tier: size / days / data.hosts for tier, size in tier_bytes(ours.folder / "sysmon.db").items()}
    return Figure(
        f"a host's day, {data.series} series at {TICK_S} s",
        ", ".join(f"{tier} {size / 1e3:.0f} kB" for tier, size in sizes.items()),
    )


def ask(contestants: list[Contestant], question: Question) -> Figure:
    """Times one question; all answers must be whole and the same."""
    timings = [
        one.server.ask(question.sysmon if isinstance(one.server, Aggregator) else question.promql)
        for one in contestants
    ]
    for one, timing in zip(contestants, timings, strict=True):
        check_same(question, one.name, timing.answer, timings[0].answer)
    ours, *others = timings
    return Figure(
        question.what,
        str(ours),
        "; ".join(
            f"{one.name} {other}, ours {ours.p50_ms / other.p50_ms:.2f} ×"
            for one, other in zip(contestants[1:], others, strict=True)
        ),
        question.verdict(ours),
    )
