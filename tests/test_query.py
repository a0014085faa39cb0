"""GET /api/metrics and its neighbours: ranges, grids, folding, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service_kit import START_MS, ServiceKit
from sysmon.aggregator.settings import LimitSettings
from sysmon.aggregator.times import parse_range, parse_step, parse_time, smallest_step_s

if TYPE_CHECKING:
    from pathlib import Path

START = START_MS / 1000


def fill(
    kit: ServiceKit, host: str, first: float, *, count: int = 6, tags: dict[str, str] | None = None
) -> None:
    """`count` batches 10 s apart, ending now: a gauge that counts up, a counter that grows 100 a second."""
    for n in range(count):
        kit.push(
            host,
            ("cpu.total_usage", first + n),
            ("network.bytes_recv", 1000.0 * n, {"interface": "eth0"}),
            ("network.bytes_recv", 7.0, {"interface": "lo"}),
            timestamp=START - 10 * (count - 1 - n),
            interval=10,
            tags=tags or {},
        )


def test_stored_values_of_the_last_hour_by_default(kit: ServiceKit) -> None:
    fill(kit, "web01", 1)
    answer = kit.get("/api/metrics?host=web01&type=cpu.total_usage")
    assert (answer["end"] - answer["start"], answer["step"], answer["tier"]) == (3600, None, "raw")
    (series,) = answer["series"]
    assert {key: series[key] for key in ("host", "type", "unit", "kind", "tags")} == {
        "host": "web01",
        "type": "cpu.total_usage",
        "unit": "percent",
        "kind": "gauge",
        "tags": {},
    }
    assert series["times"] == [START - 50 + 10 * n for n in range(6)]
    assert series["values"] == [1, 2, 3, 4, 5, 6]


def test_start_is_included_and_end_is_not(kit: ServiceKit) -> None:
    fill(kit, "web01", 1)
    answer = kit.get(f"/api/metrics?type=cpu.total_usage&start={START - 30}&end={START - 10}")
    assert answer["series"][0]["values"] == [3, 4]


def test_types_tags_and_hosts_select(kit: ServiceKit) -> None:
    fill(kit, "web01", 1)
    fill(kit, "db01", 10)

    def keys(query: str) -> list[tuple[str, str, str]]:
        series = kit.get(f"/api/metrics?{query}")["series"]
        return sorted((s["host"], s["type"], s["tags"].get("interface", "")) for s in series)

    assert len(keys("")) == 6
    assert keys("type=network.*&host=db01") == [
        ("db01", "network.bytes_recv", "eth0"),
        ("db01", "network.bytes_recv", "lo"),
    ]
    assert keys("tag=interface:lo") == [
        ("db01", "network.bytes_recv", "lo"),
        ("web01", "network.bytes_recv", "lo"),
    ]
    both = [("db01", "cpu.total_usage", ""), ("web01", "cpu.total_usage", "")]
    assert keys("host=web01,db01&type=cpu.total_usage") == both
    assert keys("host=web01&host=db01&type=cpu.total_usage,no.such") == both


def test_a_grid_averages_gauges_and_rates_counters(kit: ServiceKit) -> None:
    fill(kit, "web01", 1)
    answer = kit.get(f"/api/metrics?step=20&start={START - 60}&end={START + 20}&tag=interface:eth0")
    (series,) = answer["series"]
    assert answer["step"] == 20
    assert series["agg"] == "rate"
    assert all(time % 20 == 0 for time in series["times"])
    assert {value for value in series["values"] if value is not None} == {100.0}
    answer = kit.get(
        f"/api/metrics?step=20s&start={START - 60}&end={START + 20}&type=cpu.total_usage&agg=max"
    )
    assert [value for value in answer["series"][0]["values"] if value is not None] == [1, 3, 5, 6]


def test_missing_cells_are_null(kit: ServiceKit) -> None:
    kit.push("web01", ("cpu.total_usage", 1.0), timestamp=START - 100)
    kit.push("web01", ("cpu.total_usage", 3.0), timestamp=START - 60)
    answer = kit.get(f"/api/metrics?step=20&start={START - 100}&end={START - 40}")
    assert answer["series"][0]["values"] == [1, None, 3]


def test_hosts_are_folded_across(kit: ServiceKit) -> None:
    fill(kit, "web01", 1, tags={"role": "web"})
    fill(kit, "web02", 11, tags={"role": "web"})
    fill(kit, "db01", 100, tags={"role": "db"})
    base = f"/api/metrics?type=cpu.total_usage&step=10&start={START - 50}&end={START + 10}"
    (series,) = kit.get(f"{base}&across=max")["series"]
    assert (series["host"], series["values"]) == ("", [100, 101, 102, 103, 104, 105])
    by_role = {s["tags"]["role"]: s["values"] for s in kit.get(f"{base}&across=avg&by=role")["series"]}
    assert by_role == {"web": [6, 7, 8, 9, 10, 11], "db": [100, 101, 102, 103, 104, 105]}
    by_host = {s["host"]: s["values"][0] for s in kit.get(f"{base}&across=sum&by=host")["series"]}
    assert by_host == {"web01": 1, "web02": 11, "db01": 100}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("host=nobody", 404, "unknown_host"),
        ("start=yesterday", 400, "bad_argument"),
        ("start=5&end=5", 400, "bad_argument"),
        ("step=0", 400, "bad_argument"),
        ("step=0.5", 400, "bad_argument"),
        ("step=5x", 400, "bad_argument"),
        ("agg=max", 400, "bad_argument"),
        ("across=avg", 400, "bad_argument"),
        ("by=host&step=10", 400, "bad_argument"),
        ("agg=median&step=10", 400, "bad_argument"),
        ("tag=interface", 400, "bad_argument"),
        ("hots=web01", 400, "bad_argument"),
        ("start=1e400", 400, "bad_argument"),
        ("start=nan", 400, "bad_argument"),
        ("start=0&step=1", 400, "range_too_large"),
    ],
)
def test_bad_arguments_are_named(kit: ServiceKit, query: str, status: int, code: str) -> None:
    kit.push("web01", ("cpu.total_usage", 1.0))
    assert kit.error(f"/api/metrics?{query}") == (status, code)


def test_too_large_a_range_names_the_step_that_would_do(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "small", LimitSettings(query_points=4, query_series=2))
    fill(kit, "web01", 1)
    response = kit.client.get("/api/metrics?type=cpu.total_usage")
    assert response.get_json()["error"]["code"] == "range_too_large"
    assert "900 s" in response.get_json()["error"]["message"]
    assert kit.get("/api/metrics?type=cpu.total_usage&step=900&start=" + str(START - 2000))["series"]
    kit.push("web02", ("cpu.total_usage", 1.0))
    assert kit.error(f"/api/metrics?start={START - 15}") == (400, "range_too_large")
    assert kit.get(f"/api/metrics?start={START - 15}&step=900&across=avg")["series"]
    kit.service.close()


def test_latest_has_rates_of_counters(kit: ServiceKit) -> None:
    fill(kit, "web01", 1)
    found = kit.get("/api/metrics/latest?host=web01&tag=interface:eth0")["metrics"]
    assert found == [
        {
            "host": "web01",
            "type": "network.bytes_recv",
            "tags": {"interface": "eth0"},
            "value": 5000.0,
            "timestamp": START,
            "unit": "bytes",
            "rate": 100.0,
        }
    ]
    kit.reopen()
    assert kit.get("/api/metrics/latest?host=web01&tag=interface:eth0")["metrics"] == found
    (cpu,) = kit.get("/api/metrics/latest?type=cpu.*")["metrics"]
    assert (cpu["value"], cpu["rate"]) == (6.0, None)


def test_a_sample_sent_twice_without_identity_counts_once(kit: ServiceKit) -> None:
    for value in (1.0, 2.0):
        kit.push("web01", ("cpu.total_usage", value), timestamp=START)
    assert kit.get("/api/metrics?host=web01")["series"][0]["values"] == [1]


def test_the_ten_of_the_list(kit: ServiceKit) -> None:
    for n in range(2):
        kit.push(
            "web01",
            ("cpu.total_usage", 1.0),
            ("memory.usage_percent", 2.0),
            ("disk.usage_percent", 3.0, {"mountpoint": "/"}),
            ("disk.usage_percent", 9.0, {"mountpoint": "/var"}),
            ("pressure.io_some_percent", 4.0, {"window": "10s"}),
            ("pressure.io_some_percent", 8.0, {"window": "60s"}),
            ("load.avg1", 3.0),
            ("cpu.logical_count", 2.0),
            ("network.bytes_recv", 1000.0 * n, {"interface": "eth0"}),
            ("network.bytes_recv", 500.0 * n, {"interface": "eth1"}),
            ("network.bytes_recv", 9e9 * n, {"interface": "lo"}),
            ("network.bytes_sent", 100.0 * n, {"interface": "eth0"}),
            ("sensor.temperature_celsius", 40.0, {"chip": "a", "sensor": "b"}),
            ("system.uptime_seconds", 77.0),
            ("systemd.units", 1.0, {"state": "failed"}),
            timestamp=START - 10 + 10 * n,
        )
    host = kit.get("/api/hosts/web01")
    assert host["latest"] == {
        "cpu.total_usage": 1.0,
        "memory.usage_percent": 2.0,
        "disk.usage_percent": 9.0,
        "pressure.worst_percent": 4.0,
        "load.per_core": 1.5,
        "network.bytes_recv": 150.0,
        "network.bytes_sent": 10.0,
        "sensor.temperature_celsius": 40.0,
        "system.uptime_seconds": 77.0,
        "systemd.failed_units": 1.0,
    }
    assert host["latest_tags"]["disk.usage_percent"] == {"mountpoint": "/var"}


def test_the_fleet_in_one_line(kit: ServiceKit) -> None:
    kit.push("old", ("cpu.total_usage", 99.0))
    kit.now_ms += 200_000
    for host, cpu in (("web01", 10.0), ("web02", 20.0)):
        kit.push(
            host,
            ("cpu.total_usage", cpu),
            ("memory.used_bytes", 5.0),
            ("disk.used_bytes", 7.0, {"device": "sda", "mountpoint": "/"}),
            ("disk.used_bytes", 7.0, {"device": "sda", "mountpoint": "/again"}),
        )
    summary = kit.get("/api/fleet/summary")
    assert (summary["total_hosts"], summary["online_hosts"], summary["offline_hosts"]) == (3, 2, 1)
    assert (summary["avg_cpu_percent"], summary["avg_memory_percent"]) == (15.0, None)
    assert (summary["total_memory_used_bytes"], summary["total_disk_used_bytes"]) == (10.0, 14.0)


def test_times_and_steps() -> None:
    assert parse_time("1738858800.5", "start") == 1_738_858_800_500
    assert parse_time("2025-02-06T16:20:00", "start") == parse_time("2025-02-06T17:20:00+01:00", "start")
    assert parse_range(None, None, 10_000_000) == (6_400_001, 10_000_001)
    assert [parse_step(text) for text in ("60", "1.5", "30s", "5m", "1h", "1d")] == [
        60_000, 1_500, 30_000, 300_000, 3_600_000, 86_400_000
    ]  # fmt: skip
    assert smallest_step_s(3_600_000, 3_600) == 1
    assert smallest_step_s(86_400_000, 12_000) == 10
    assert smallest_step_s(400 * 86_400_000, 100) == 4 * 86_400
