"""The virtual hosts: values that hang together, the same for a seed, in the agent's own words."""

from __future__ import annotations

import json
import statistics
import threading
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from scripted_server import Reply, Request, ScriptedServer
from sysmon._core import registry
from sysmon.client import Client
from sysmon.demo import make_lives
from sysmon.demo.db import INCIDENT_BEFORE_S
from sysmon.demo.pusher import BUNDLE_MEMBERS, Pusher
from sysmon.demo.series import fast_series, slow_series
from sysmon.demo.wire import Sealer
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysmon.demo.life import Life

START = 1_790_000_000.0
DAY = 86_400.0
STEP = 120.0
HOUR = 30  # batches


def lives(count: int = 3, seed: int = 1, history: float = DAY) -> list[Life]:
    return make_lives(count, seed, START, START - history)


def batch(life: Life, sealer: Sealer, time: float) -> dict[str, Any]:
    return dict(json.loads(zlib.decompress(sealer.seal(time).body, 31)))


def values(batch: dict[str, Any]) -> dict[tuple[str, ...], float]:
    return {(m["type"], *m.get("tags", {}).values()): m["value"] for m in batch["metrics"]}


@pytest.fixture(scope="module")
def day() -> dict[str, list[dict[tuple[str, ...], float]]]:
    """A day of three hosts, a batch every two minutes."""
    found = {}
    for life in lives():
        sealer = Sealer(life, STEP)
        count = int(DAY / STEP)
        found[life.name] = [
            values(batch(life, sealer, START - DAY + STEP * at)) for at in range(1, count + 1)
        ]
    return found


def test_the_three_are_named_and_tagged() -> None:
    assert [(life.name, life.tags) for life in lives()] == [
        ("web01", {"role": "web-server", "datacenter": "us-east-1"}),
        ("db01", {"role": "database", "datacenter": "us-east-1"}),
        ("cache", {"role": "cache", "datacenter": "us-east-1"}),
    ]
    assert [life.name for life in lives(6)[3:]] == ["web02", "db02", "cache02"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    def first(seed: int) -> bytes:
        return Sealer(lives(seed=seed)[0], STEP).seal(START - DAY + STEP).body

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_every_series_is_in_the_registry_with_its_tags() -> None:
    known = {info.name: info for info in registry()}
    for life in lives():
        for series in fast_series(life.hardware) + slow_series(life.hardware):
            assert series.type in known, series.type
            assert set(series.tags) <= set(known[series.type].tags), series.type


def test_every_default_metric_of_a_virtual_machine_is_there() -> None:
    # What needs hardware or a subsystem that these hosts do not have.
    absent = {"battery", "raid", "conntrack", "sensor", "agent", "aggregator", "zfs"}
    sent = {s.type for life in lives() for s in fast_series(life.hardware) + slow_series(life.hardware)}
    default = {i.name for i in registry() if i.default_on and i.name.split(".")[0] not in absent}
    missing = default - sent - {"disk.error", "systemd.unit_active"}
    assert not missing


def test_modes_add_up_and_cores_average_to_the_total(
    day: dict[str, list[dict[tuple[str, ...], float]]],
) -> None:
    modes = [
        f"cpu.{m}_percent" for m in ("user", "system", "nice", "iowait", "irq", "softirq", "steal", "idle")
    ]
    for name, batches in day.items():
        for one in batches:
            assert sum(one[mode,] for mode in modes) == pytest.approx(100, abs=0.05), name
            assert one["cpu.total_usage",] == pytest.approx(
                100 - one["cpu.idle_percent",] - one["cpu.iowait_percent",], abs=0.02
            )
            cores = [value for key, value in one.items() if key[0] == "cpu.core_usage"]
            assert statistics.mean(cores) == pytest.approx(one["cpu.total_usage",], abs=0.02)
            assert max(cores) <= 100.01


def test_memory_and_disks_hang_together(day: dict[str, list[dict[tuple[str, ...], float]]]) -> None:
    for batches in day.values():
        for one in batches:
            total = one["memory.total_bytes",]
            assert one["memory.used_bytes",] == total - one["memory.available_bytes",]
            assert one["memory.free_bytes",] <= one["memory.available_bytes",] <= total
            assert one["memory.usage_percent",] == pytest.approx(
                100 * one["memory.used_bytes",] / total, abs=0.01
            )
            for key in [key for key in one if key[0] == "disk.used_bytes"]:
                used, available = one[key], one["disk.available_bytes", *key[1:]]
                usage = one["disk.usage_percent", *key[1:]]
                assert usage == pytest.approx(100 * used / (used + available), abs=0.01)


def test_counters_never_fall(day: dict[str, list[dict[tuple[str, ...], float]]]) -> None:
    counters = {info.name for info in registry() if info.kind == "counter"}
    for batches in day.values():
        for before, after in pairwise(batches):
            for key in after:
                if key[0] in counters and key in before:
                    assert after[key] >= before[key], key


def test_each_role_lives_as_such_machines_do(day: dict[str, list[dict[tuple[str, ...], float]]]) -> None:
    web, db, cache = day["web01"], day["db01"], day["cache"]
    busy = sorted(one["cpu.total_usage",] for one in web)
    assert statistics.mean(busy[-3 * HOUR :]) > 3 * statistics.mean(busy[: 3 * HOUR])  # day and night

    (mount,) = [key for key in db[0] if key[0] == "disk.usage_percent" and "/var/lib/postgresql" in key]
    assert 2 < db[-1][mount] - db[0][mount] < 12  # it fills, within weeks

    memory = [one["memory.usage_percent",] for one in cache]
    kills = [one["memory.oom_kills",] for one in cache]
    assert kills[0] == 0
    assert kills[-1] == 1
    killed = kills.index(1)
    assert memory[killed - 1] > 95
    assert memory[killed + 1] < 60
    assert (
        statistics.mean(memory[-HOUR:]) > statistics.mean(memory[killed + HOUR : killed + 2 * HOUR]) + 5
    )  # it leaks again


def test_the_incident_is_more_than_half_of_the_last_hour(
    day: dict[str, list[dict[tuple[str, ...], float]]],
) -> None:
    hour = [one["cpu.iowait_percent",] for one in day["db01"][-HOUR:]]
    assert statistics.median(hour) > 15
    assert statistics.median([one["cpu.iowait_percent",] for one in day["db01"][-3 * HOUR : -HOUR]]) < 5
    bad = day["db01"][-1]
    assert bad["diskio.utilization_percent", "nvme0n1"] > 90
    assert bad["diskio.read_await_seconds", "nvme0n1"] > 0.005
    assert INCIDENT_BEFORE_S > 1800


def test_slow_families_come_once_a_minute_and_facts_at_first() -> None:
    life = lives(history=3600)[0]
    sealer = Sealer(life, 10)
    batches = [batch(life, sealer, START - 3600 + 10 * at) for at in range(1, 14)]
    assert ["facts" in one for one in batches] == [True] + [False] * 12
    assert [("disk.usage_percent", "/", "vda1", "ext4") in values(one) for one in batches] == [
        at % 6 == 0 for at in range(13)
    ]
    assert [len(one.get("processes", [])) > 0 for one in batches] == [at % 6 == 0 for at in range(13)]
    assert batches[0]["boottime_ms"] == int((START - 3590 - life.machine.boot) * 1000)


def acked(request: Request) -> Reply:
    """What an aggregator answers to a push that it has committed."""
    first, _, last = request.headers["X-SysMon-Seq"].partition("-")
    return 200, {}, json.dumps({"acked": [int(first), int(last or first)]}).encode()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(acked) as running:
        yield running


def pusher(server: ScriptedServer, batches: int) -> Pusher:
    begin = START - (batches + 1) * 10

    def make() -> tuple[Life, Sealer]:
        life = make_lives(1, 1, START, begin)[0]
        return life, Sealer(life, 10)

    return Pusher(Client(server.url, "t" * 32), make, begin, START, 10, now=lambda: START)


def members(body: bytes) -> list[dict[str, Any]]:
    found = []
    while body:
        unpacker = zlib.decompressobj(31)
        found.append(json.loads(unpacker.decompress(body)))
        body = unpacker.unused_data
    return found


def sequences(server: ScriptedServer) -> list[str]:
    return [request.headers["X-SysMon-Seq"] for request in server.requests]


def test_history_comes_in_bundles_that_end_where_live_begins(server: ScriptedServer) -> None:
    sender = pusher(server, 150)
    sender.start_live()
    sender.push_history(threading.Event())
    assert sequences(server) == ["151", "1-64", "65-128", "129-150"]
    assert len({request.headers["X-SysMon-Stream"] for request in server.requests}) == 1
    assert {request.headers["X-SysMon-Token"] for request in server.requests} == {"t" * 32}
    bundles = [members(request.body) for request in server.requests]
    assert [len(bundle) for bundle in bundles] == [1, BUNDLE_MEMBERS, BUNDLE_MEMBERS, 22]
    times = [one["timestamp"] for bundle in bundles[1:] for one in bundle]
    assert times == [START - 1500 + 10 * at for at in range(150)]
    last, live = values(bundles[-1][-1]), values(bundles[0][0])
    grown = live["network.bytes_sent", "eth0"] - last["network.bytes_sent", "eth0"]
    assert 0 < grown < 10 * 100e6  # the two lanes meet in the same counter
    assert sender.history_sent == sender.history_total == 150


def test_what_could_not_be_sent_live_follows_as_a_bundle(server: ScriptedServer) -> None:
    sender = pusher(server, 1)
    sender.start_live()
    server.script = [refused(503)] * 3
    for at in range(1, 5):
        sender.push_live(START + 10 * at)
    assert sequences(server) == ["2", "3", "4", "5", "6", "3-5"]


def test_a_busy_aggregator_gets_the_same_bundle_again_and_a_refusal_ends_it(server: ScriptedServer) -> None:
    class NoWait(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return False

    server.script = [refused(503)]
    pusher(server, 70).push_history(NoWait())
    assert sequences(server) == ["1-64", "1-64", "65-70"]
    assert server.requests[0].body == server.requests[1].body

    server.script = [refused(422)]
    with pytest.raises(ApiError, match="no room"):
        pusher(server, 70).push_history(NoWait())


def refused(status: int) -> Reply:
    return status, {}, json.dumps({"error": {"code": "refused", "message": "no room"}}).encode()
