"""The store a hundred times larger: 400 hours of a hundred hosts, 2.88 G samples, and the same questions.

The larger file is written, not ingested: the chunks of four hours again and again under earlier hours. Only
the ticks of two such copies differ.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from bench.aggregator import aggregator
from bench.generator import CACHE, TICK_S, HarnessMissingError, dataset, last_whole_hour
from bench.questions import check_same, of_a_fleet, of_one_series
from bench.report import Figure, bar
from bench.server import client_core
from bench.sizes import tier_bytes
from bench.storage import HOSTS, TICKS
from sysmon import _core

if TYPE_CHECKING:
    from bench.questions import Question
    from bench.server import Server

COPIES = 100
_HOUR_S = 3600
_HOURS = TICKS * TICK_S // _HOUR_S
_FREE_BYTES = 8 << 30
_BAR = 1.5


def measure() -> list[Figure]:
    """p50 of every question on both, and their ratio."""
    try:
        data = dataset(HOSTS, TICKS, last_whole_hour(), ("sysmon", "prom", "raw"))
    except HarnessMissingError as missing:
        return [Figure("not measured", str(missing))]
    if shutil.disk_usage(CACHE).free < _FREE_BYTES:
        return [Figure("not measured", f"{CACHE}: less than {_FREE_BYTES >> 30} GiB are free")]
    with tempfile.TemporaryDirectory(dir=CACHE) as name, client_core(), ExitStack() as stack:
        small, large = Path(name, "small"), Path(name, "large")
        with aggregator(small) as server:
            server.post(data, 0, data.ticks)
            server.settle(small)
        large.mkdir(mode=0o700)
        start = time.monotonic()
        build(small / "sysmon.db", large / "sysmon.db", data.end_s // _HOUR_S)
        servers = (stack.enter_context(aggregator(small)), stack.enter_context(aggregator(large)))
        servers[1].settle(large)
        built_s = time.monotonic() - start
        figures = [compare(servers, question) for question in of_a_fleet(data)]
        long = of_one_series(data.end_s - COPIES * _HOURS * _HOUR_S, data.end_s)
        timing = servers[1].ask(long.sysmon)
        check_same(long, "large", timing.answer, timing.answer)
        tiers = tier_bytes(large / "sysmon.db")
    return [
        Figure(
            "the larger file",
            ", ".join(f"{tier} {size / 1e6:.0f} MB" for tier, size in tiers.items()),
            f"written and rolled up in {built_s:.0f} s",
        ),
        *figures,
        Figure(f"{long.what}, of the larger", str(timing), "", long.verdict(timing)),
    ]


def build(small: Path, large: Path, end_hour: int) -> None:
    """Writes `large`: `COPIES` times the chunks of the hours before `end_hour`, the earliest hour first.

    REQUIRES: no server has one of them open; in `small` all is compacted and nothing is rolled up.
    """
    hour_stride = _core.chunk_key(0, 1, 0, 0) - _core.chunk_key(0, 0, 0, 0)
    shutil.copy(small, large)
    with closing(apsw.Connection(str(large))) as db:
        db.pragma("journal_mode", "off")
        db.pragma("synchronous", "off")
        db.execute("ATTACH ? AS small; DELETE FROM main.chunks", (str(small),))
        db.execute("BEGIN")
        for copy in reversed(range(COPIES)):
            shift = copy * _HOURS
            db.execute(
                "INSERT INTO main.chunks SELECT key - ?, payload FROM small.chunks ORDER BY key",
                (shift * hour_stride,),
            )
            for hour in range(end_hour - shift - _HOURS, end_hour - shift):
                db.execute(
                    "UPDATE main.chunks SET payload = ? WHERE key >= ? AND key < ? AND key & 7 = 0",
                    (ticks_of(hour), _core.chunk_key(0, hour, 0, 0), _core.chunk_key(0, hour + 1, 0, 0)),
                )
        first = end_hour - COPIES * _HOURS
        db.execute(
            "UPDATE main.compacted SET first_hour = ?, rolled_day = ?, rows = rows * ?",
            (first, first // 24, COPIES),
        )
        db.execute("COMMIT")


def ticks_of(hour: int) -> bytes:
    """The ticks of that hour's chunk, the same for every host of which no tick is missing."""
    start_ms = hour * _HOUR_S * 1000
    key_sets = _core.KeySets()
    body = b'{"hostname": "any", "timestamp": 1, "metrics": [{"type": "any", "value": 1}]}'
    row = _core.PushDecoder(key_sets).decode(body, gzip=False, now_ms=1000)[0].rows[0]
    rows = [(start_ms + tick * TICK_S * 1000, row.payload) for tick in range(_HOUR_S // TICK_S)]
    part, payload = _core.pack_hour(key_sets, ([], rows), start_ms).parts[0]
    assert part == 0
    return payload


def compare(servers: tuple[Server, Server], question: Question) -> Figure:
    """The same question to both, whose answers must be the same."""
    small, large = (server.ask(question.sysmon) for server in servers)
    check_same(question, "large", large.answer, small.answer)
    ratio = large.p50_ms / small.p50_ms
    return Figure(
        question.what,
        str(large),
        f"the smaller {small}, {ratio:.2f} ×",
        bar(f"≤ {_BAR:g} ×", ratio <= _BAR),
    )
