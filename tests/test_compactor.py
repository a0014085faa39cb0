"""From journal to chunks to cells: only where it lies changes, whatever comes late, and all goes in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service_kit import START_MS, ServiceKit
from sysmon.aggregator.settings import LimitSettings, RetentionSettings
from sysmon.aggregator.storage import Query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sysmon.aggregator.embedded import EmbeddedStorage

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
DAY_START_MS = START_MS // DAY_MS * DAY_MS  # a day that has just begun


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[ServiceKit]:
    made = ServiceKit(tmp_path / "data")
    yield made
    made.service.close()


def storage_of(kit: ServiceKit) -> EmbeddedStorage:
    return kit.service.storage


def push(kit: ServiceKit, host: str, time_ms: int, value: float, **more: Any) -> None:
    kit.push(
        host,
        ("cpu.total_usage", value),
        ("network.bytes_recv", value * 100, {"interface": "eth0"}),
        ("own.metric", value / 3),
        timestamp=time_ms / 1000,
        interval=10,
        **more,
    )


def stored(kit: ServiceKit, path: str = "/api/metrics?start=0&end=9999999999") -> list[Any]:
    return sorted(kit.get(path)["series"], key=lambda s: (s["host"], s["type"], str(s["tags"])))


def rows_in_file(kit: ServiceKit, table: str) -> int:
    return int(storage_of(kit)._db.execute(f"SELECT count(*) FROM {table}").get)


def fill_day(kit: ServiceKit, host: str, start_ms: int, *, every_ms: int = 60_000) -> None:
    kit.now_ms = start_ms + DAY_MS
    for n, time_ms in enumerate(range(start_ms, start_ms + DAY_MS, every_ms)):
        push(kit, host, time_ms, float(n % 97) + n / 100)


def work(kit: ServiceKit) -> None:
    """All that is due by the kit's clock, as the thread would do it."""
    while storage_of(kit)._compactor.step():
        pass


def test_compaction_changes_nothing_but_where_it_lies(kit: ServiceKit) -> None:
    for n in range(40):
        push(kit, "web01", START_MS - n * 400_000, n / 7)
        push(kit, "db01", START_MS - n * 10_000, float(n))
    before = stored(kit)
    ledger = kit.get("/api/hosts/web01/ledger")
    storage_of(kit).maintain("compact")
    assert rows_in_file(kit, "journal") == 0
    assert rows_in_file(kit, "chunks") > 10
    assert stored(kit) == before
    assert kit.get("/api/hosts/web01/ledger") == ledger
    kit.reopen()
    assert stored(kit) == before
    assert kit.get("/api/hosts/web01/ledger") == ledger
    assert storage_of(kit).maintain("check") == {
        "problems": 0,
        "rows": rows_in_file(kit, "chunks"),
        "damaged": 0,
    }


def test_what_comes_late_is_merged_and_what_was_there_wins(kit: ServiceKit) -> None:
    for n in range(10):
        push(kit, "web01", START_MS - n * 20_000, float(n))
    storage_of(kit).maintain("compact")
    push(kit, "web01", START_MS - 30_000, 50.0)
    push(kit, "web01", START_MS - 20_000, 99.0)  # it is there already, with another value
    kit.push("web01", ("disk.usage_percent", 5.0), timestamp=START_MS / 1000 - 20)  # … but not this series
    before = stored(kit)
    storage_of(kit).maintain("compact")
    assert stored(kit) == before
    cpu = next(series for series in before if series["type"] == "cpu.total_usage")
    found = dict(zip(cpu["times"], cpu["values"], strict=True))
    assert (found[START_MS / 1000 - 30], found[START_MS / 1000 - 20]) == (50.0, 1.0)
    assert len(found) == 11


def test_rows_numbers_are_never_used_again(kit: ServiceKit) -> None:
    push(kit, "web01", START_MS, 1.0)
    storage_of(kit).maintain("compact")
    kit.reopen()
    push(kit, "web01", START_MS + 10_000, 2.0)
    kit.reopen()
    assert [series["values"] for series in stored(kit) if series["type"] == "cpu.total_usage"] == [[1.0, 2.0]]


def test_an_hour_is_packed_when_it_is_over(kit: ServiceKit) -> None:
    start_ms = START_MS // HOUR_MS * HOUR_MS
    kit.now_ms = start_ms + HOUR_MS - 1
    push(kit, "web01", start_ms + 1_000, 1.0)
    work(kit)
    assert rows_in_file(kit, "chunks") == 0
    kit.now_ms = start_ms + HOUR_MS + 2_000_000
    work(kit)
    assert rows_in_file(kit, "chunks") > 0
    assert rows_in_file(kit, "journal") == 0


def test_a_backlog_is_gathered_before_it_is_packed(kit: ServiceKit) -> None:
    for n in range(3):
        push(kit, "web01", START_MS - DAY_MS + n * 10_000, float(n))
        work(kit)
        kit.now_ms += 1_000
    assert rows_in_file(kit, "journal") == 2
    kit.now_ms += 60_000
    work(kit)
    assert rows_in_file(kit, "journal") == 0


def test_compacting_by_hand_gives_the_space_back(kit: ServiceKit) -> None:
    for n in range(200):
        push(kit, "web01", START_MS + n, float(n))
    assert rows_in_file(kit, "journal") == 200
    storage_of(kit).maintain("compact")
    assert storage_of(kit)._db.pragma("freelist_count") == 0


def test_a_full_journal_is_packed_before(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data", LimitSettings(journal_bytes=4_000))
    for n in range(300):
        push(kit, f"host{n % 3}", START_MS + n * 1_000, float(n))
    work(kit)
    assert storage_of(kit).stats()["journal_bytes"] <= 3_000
    assert sum(len(series["values"]) for series in stored(kit)) == 900
    kit.service.close()


def test_last_values_are_there_after_a_restart(kit: ServiceKit) -> None:
    push(kit, "web01", START_MS - 10_000, 1.0, boot_id="one")
    push(kit, "web01", START_MS, 3.0, boot_id="one")
    before = kit.get("/api/metrics/latest")
    storage_of(kit).maintain("compact")
    kit.reopen()
    assert kit.get("/api/metrics/latest") == before
    assert next(m for m in before["metrics"] if m["type"] == "network.bytes_recv")["rate"] == 20.0


def test_cells_say_what_their_samples_say(kit: ServiceKit) -> None:
    fill_day(kit, "web01", DAY_START_MS)
    kit.now_ms = DAY_START_MS + 2 * DAY_MS - 1
    storage_of(kit).maintain("compact")
    span = f"start={DAY_START_MS // 1000}&end={(DAY_START_MS + DAY_MS) // 1000}"
    questions = [
        f"/api/metrics?{span}&step={step}{agg}"
        for step in ("5m", "1h", "1d", "30m")
        for agg in ("", "&agg=min", "&agg=max", "&agg=last", "&agg=sum", "&agg=rate")
    ]
    from_samples = {question: kit.get(question) for question in questions}
    assert {answer["tier"] for answer in from_samples.values()} == {"raw"}
    kit.now_ms = DAY_START_MS + 2 * DAY_MS + 1_000
    work(kit)
    for question, expected in from_samples.items():
        answer = kit.get(question)
        assert answer["tier"] == ("5m" if "m" in question.split("step=")[1][:3] else "1h")
        assert len(answer["series"]) == len(expected["series"]) == 3
        for found, wanted in zip(answer["series"], expected["series"], strict=True):
            assert found["times"] == wanted["times"]
            if wanted["type"] == "network.bytes_recv" and "agg" in question and "rate" not in question:
                continue  # of a counter only last and increase are kept
            if "rate" in question and wanted["type"] != "network.bytes_recv":
                continue  # gauges have no rate worth the name
            assert found["values"] == pytest.approx(wanted["values"], rel=1e-12)


def test_rates_go_on_from_cells_to_samples(kit: ServiceKit) -> None:
    fill_day(kit, "web01", DAY_START_MS)
    for n in range(120):
        push(kit, "web01", DAY_START_MS + DAY_MS + n * 60_000, 2_000.0 + n)
    kit.now_ms = DAY_START_MS + 2 * DAY_MS - 1
    span = f"start={DAY_START_MS // 1000 + 82800}&end={DAY_START_MS // 1000 + 90000}&type=network.*&step=5m"
    before = kit.get(f"/api/metrics?{span}")
    kit.now_ms = DAY_START_MS + 2 * DAY_MS + 1_000
    storage_of(kit).maintain("compact")
    after = kit.get(f"/api/metrics?{span}")
    assert (before["tier"], after["tier"]) == ("raw", "5m")
    assert after["series"][0]["values"] == pytest.approx(before["series"][0]["values"])


def test_a_day_that_gets_more_samples_is_rolled_up_again(kit: ServiceKit) -> None:
    fill_day(kit, "web01", DAY_START_MS)
    kit.now_ms = DAY_START_MS + 2 * DAY_MS + 1_000
    storage_of(kit).maintain("compact")
    question = f"/api/metrics?start={DAY_START_MS // 1000}&end={DAY_START_MS // 1000 + 3600}"
    question += "&type=cpu.*&step=1h&agg=max"
    assert kit.get(question)["tier"] == "1h"
    push(kit, "web01", DAY_START_MS + 30_000, 5_000.0)
    assert (kit.get(question)["tier"], kit.get(question)["series"][0]["values"]) == ("raw", [5_000.0])
    storage_of(kit).maintain("compact")
    assert rows_in_file(kit, "dirty_days") == 0
    assert (kit.get(question)["tier"], kit.get(question)["series"][0]["values"]) == ("1h", [5_000.0])


def test_tiers_go_when_they_are_too_old(tmp_path: Path) -> None:
    retention = RetentionSettings(raw="3d", five_minutes="5d", hour="10d")
    kit = ServiceKit(tmp_path / "data", retention=retention)
    fill_day(kit, "web01", DAY_START_MS, every_ms=600_000)

    def tiers() -> set[int]:
        return {key >> 48 for (key,) in storage_of(kit)._db.execute("SELECT key FROM chunks")}

    seen = []
    for days in (3, 4, 6, 11):
        kit.now_ms = DAY_START_MS + days * DAY_MS + HOUR_MS
        storage_of(kit).maintain("compact")
        seen.append(tiers())
    assert seen == [{0, 1, 2}, {1, 2}, {2}, set()]
    kit.service.close()


def test_a_file_that_is_too_large_loses_its_oldest_hours(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data", max_db_bytes=200_000)
    for n in range(2_000):
        kit.now_ms = START_MS + n * 60_000
        kit.push(
            "web01",
            *((f"own.m{i}", (n * 7919 * i) % 10_007 / 7) for i in range(40)),
            timestamp=kit.now_ms / 1000,
        )
    storage_of(kit).maintain("compact")
    assert storage_of(kit).stats()["bytes"] <= 400_000
    events = storage_of(kit).events(0, kind="dropped_for_space")
    assert events
    assert events[0].detail["max_db_bytes"] == 200_000
    times = [time for series in stored(kit) for time in series["times"]]
    assert max(times) == kit.now_ms / 1000
    assert min(times) > START_MS / 1000
    kit.service.close()


def test_a_deleted_host_leaves_nothing(kit: ServiceKit) -> None:
    fill_day(kit, "web01", DAY_START_MS, every_ms=600_000)
    kit.now_ms = DAY_START_MS + 3 * DAY_MS
    push(kit, "db01", kit.now_ms, 1.0)
    storage_of(kit).maintain("compact")
    assert kit.client.delete("/api/hosts/web01", headers=kit.admin).status_code == 204
    hosts = {key >> 3 & 0xFFFFFF for (key,) in storage_of(kit)._db.execute("SELECT key FROM chunks")}
    assert hosts == {2}
    assert rows_in_file(kit, "compacted") == 1


def test_damage_in_one_chunk_hurts_nobody_else(kit: ServiceKit) -> None:
    push(kit, "web01", START_MS, 1.0)
    push(kit, "db01", START_MS, 2.0)
    storage_of(kit).maintain("compact")
    storage_of(kit)._writer.run(
        lambda db: db.execute("UPDATE chunks SET payload = x'00112233445566' WHERE (key >> 3 & 1) = 1")
    )
    assert kit.error("/api/metrics?host=web01") == (500, "storage_damaged")
    assert len(kit.get("/api/metrics?host=db01")["series"]) == 3
    assert storage_of(kit).maintain("check")["damaged"] > 0


def test_a_damaged_row_keeps_nobody_waiting(kit: ServiceKit) -> None:
    for n in range(3):
        push(kit, "web01", START_MS + n * 10_000, float(n))
        push(kit, "db01", START_MS + n * 10_000, float(n))
    storage_of(kit)._writer.run(
        lambda db: db.execute(
            "UPDATE journal SET payload = x'00112233445566' WHERE host_id = 1 AND time_ms = ?",
            (START_MS + 10_000,),
        )
    )
    kit.now_ms = START_MS + 2 * HOUR_MS
    work(kit)
    assert rows_in_file(kit, "journal") == 0
    cpu = [series for series in stored(kit) if series["type"] == "cpu.total_usage"]
    assert [(series["host"], series["values"]) for series in cpu] == [
        ("db01", [0.0, 1.0, 2.0]),
        ("web01", [0.0, 2.0]),
    ]
    (event,) = kit.get("/api/hosts/web01/events")["events"]
    assert (event["kind"], event["start"], event["detail"]) == (
        "damaged_rows",
        START_MS / 1000 + 10,
        {"rows": 1},
    )


def test_a_failure_nobody_thought_of_is_told_once_and_compaction_goes_on(
    kit: ServiceKit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compactor = kit.service.storage._compactor
    steps: list[bool] = []

    def step() -> bool:
        steps.append(True)
        if len(steps) < 3:
            raise KeyError("nobody thought of this")
        compactor._stopped = len(steps) == 4
        return True

    monkeypatch.setattr(compactor, "step", step)
    monkeypatch.setattr("sysmon.aggregator.compactor._IDLE_S", 0)
    compactor._loop()
    told = [record.getMessage() for record in caplog.records if record.name.endswith("compactor")]
    assert told == ["compaction does not go on: 'nobody thought of this'", "compaction goes on"]
    assert caplog.records[0].exc_info is not None


def test_cells_are_not_made_again_of_half_a_day(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data", max_db_bytes=10_000_000)
    fill_day(kit, "web01", DAY_START_MS, every_ms=600_000)
    kit.now_ms = DAY_START_MS + 2 * DAY_MS + HOUR_MS
    storage_of(kit).maintain("compact")
    span = f"start={DAY_START_MS // 1000}&end={DAY_START_MS // 1000 + 7200}"
    question = f"/api/metrics?{span}&type=cpu.*&step=1h"
    before = kit.get(question)
    retention = storage_of(kit)._compactor._retention
    retention._max_bytes = 1
    assert retention.step(storage_of(kit)._writer, kit.now_ms)  # the first hour goes
    kit.reopen()
    push(kit, "web01", DAY_START_MS + 5 * HOUR_MS + 1_000, 9_999.0)
    storage_of(kit).maintain("compact")
    assert kit.get(question)["series"] == before["series"]
    kit.service.close()


def test_many_hosts_are_asked_in_one_call(kit: ServiceKit) -> None:
    for n in range(150):
        push(kit, f"host{n:03}", START_MS - 5_000, float(n))
    storage_of(kit).maintain("compact")
    hosts = [host.host_id for host in kit.service.directory.all()]
    question = Query(
        host_ids=hosts, start_ms=START_MS - 60_000, end_ms=START_MS, types=["cpu.total_usage"], step_ms=60_000
    )
    columns = storage_of(kit).query(question).columns
    assert [columns.host(i) for i in range(len(columns))] == list(range(150))
    assert [columns.values(i)[0] for i in range(150)] == [float(n) for n in range(150)]
    folded = kit.get("/api/metrics?type=cpu.total_usage&step=1m&across=avg")["series"]
    assert [value for value in folded[0]["values"] if value is not None] == [74.5]
