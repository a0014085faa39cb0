"""`sysmon db`: what fills the store, whether it is whole, a copy of it and back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from past_fleet import answers, push_all
from running_aggregator import RunningAggregator
from service_kit import START_MS, ServiceKit
from sysmon.aggregator.file_stats import TierStats, forecast, read_stats
from sysmon.aggregator.folder_lock import is_held
from sysmon.aggregator.settings import RetentionSettings
from sysmon.client import Client
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from cli_run import Cli

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
DAY_START_MS = START_MS // DAY_MS * DAY_MS


def fill(kit: ServiceKit, days: int, *, every_ms: int = 600_000) -> None:
    """Whole days of web01, and a third as many samples of db01."""
    for number, time_ms in enumerate(range(DAY_START_MS, DAY_START_MS + days * DAY_MS, every_ms)):
        kit.now_ms = time_ms
        for host, every in (("web01", 1), ("db01", 3)):
            if number % every == 0:
                metrics = [(f"own.m{n}", (number * 7919 * n) % 1009 / 7) for n in range(20)]
                kit.push(host, *metrics, timestamp=time_ms / 1000, interval=600)
    kit.now_ms = DAY_START_MS + days * DAY_MS + 2 * HOUR_MS
    kit.service.storage.maintain("compact")


# ---- stats -------------------------------------------------------------------------------------------------


def test_sizes_add_up_to_the_file(kit: ServiceKit) -> None:
    fill(kit, 3)
    kit.push("web01", ("own.m1", 1.0), timestamp=kit.now_ms / 1000)
    stats = read_stats(kit.settings, kit.now_ms)
    used = stats.bytes - stats.free_bytes
    tiers = sum(tier.bytes for tier in stats.tiers)
    assert tiers + stats.journal_bytes + stats.other_bytes == pytest.approx(used, abs=10)
    assert sum(host.bytes for host in stats.hosts) == pytest.approx(used - stats.other_bytes, abs=10)
    assert [host.hostname for host in stats.hosts] == ["web01", "db01"]
    assert stats.journal_rows == 1
    assert stats.wal_bytes > 0


def test_a_tier_has_its_samples_its_days_and_its_age(kit: ServiceKit) -> None:
    fill(kit, 3)
    stats = read_stats(kit.settings, kit.now_ms)
    tiers = {tier.tier: tier for tier in stats.tiers}
    raw = tiers["raw"]
    assert raw.chunks == 2 * 3 * 24
    assert (raw.first_ms, raw.last_ms) == (DAY_START_MS, DAY_START_MS + 3 * DAY_MS - HOUR_MS)
    samples = 3 * 144 * 20 * 4 / 3
    assert raw.sample_bytes == pytest.approx(raw.bytes / samples, rel=0.01)
    assert raw.day_bytes == pytest.approx(raw.bytes / 3, rel=0.05)
    assert {name: tier.keep_days for name, tier in tiers.items()} == {"raw": 30, "5m": 90, "1h": 730}
    assert tiers["5m"].chunks == tiers["1h"].chunks == 2 * 2  # two days of two hosts are old enough
    cells = 2 * 24 * 20 * 2
    assert tiers["1h"].sample_bytes == pytest.approx(tiers["1h"].bytes / cells, rel=0.01)


def test_the_forecast_of_a_file_knows_its_limit(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data", max_db_bytes=3_000_000)
    fill(kit, 3)
    found = read_stats(kit.settings, kit.now_ms).forecast
    assert (found.limit, found.limit_bytes) == ("max_db_bytes", 3_000_000)
    assert found.day_bytes is not None
    assert found.days is not None
    assert found.text.startswith(f"max_db_bytes is reached in {found.days} days, the oldest samples go then")
    kit.service.close()


def tier(name: Any, held: int, day: float | None, keep: float = 30) -> TierStats:
    days = {20_000: 1, 20_001: 1, 20_002: 1}
    return TierStats(name, keep, bytes=held, day_bytes=day, days=days, first_ms=0, last_ms=DAY_MS)


NOW_MS = 20_010 * DAY_MS


def test_growth_ends_where_retention_begins() -> None:
    found = forecast([tier("raw", 100, 10), tier("1h", 0, 1, 100)], 150, None, 10_000, NOW_MS)
    assert (found.day_bytes, found.final_bytes, found.days) == (11, 150 + 200 + 100, None)
    assert "never full" in found.text
    assert "2024-10-05 to 2024-10-06" in found.text  # the first day is not whole


@pytest.mark.parametrize(
    ("max_bytes", "room", "limit", "days"),
    [
        (None, 250, "the disk", 10),
        (200, 1_000, "max_db_bytes", 5),
        (2_000, 250, "the disk", 10),
        (None, 100, "the disk", 0),
        (399, 10_000, "max_db_bytes", 25),
        (401, 10_000, "max_db_bytes", None),
    ],
)
def test_a_limit_is_reached_on_a_day(max_bytes: int | None, room: int, limit: str, days: int | None) -> None:
    found = forecast([tier("raw", 50, 10)], 150, max_bytes, room, NOW_MS)
    assert (found.limit, found.days) == (limit, days)


def test_what_was_not_seen_is_not_guessed() -> None:
    found = forecast([tier("raw", 100, None), tier("1h", 0, None)], 150, None, 1_000, NOW_MS)
    assert (found.day_bytes, found.final_bytes, found.days) == (None, None, None)
    assert "no forecast yet" in found.text


def test_the_first_day_is_measured_by_its_hours(kit: ServiceKit) -> None:
    for hour in range(5):
        kit.now_ms = DAY_START_MS + hour * HOUR_MS
        kit.push("web01", *((f"own.m{n}", n / 7 + hour) for n in range(20)), timestamp=kit.now_ms / 1000)
    kit.service.storage.maintain("compact")
    stats = read_stats(kit.settings, kit.now_ms)
    assert stats.tiers[0].day_bytes == pytest.approx(stats.tiers[0].bytes * 24 / 5)
    assert "5 hours" in stats.forecast.text
    assert "5m and 1h not counted" in stats.forecast.text


def test_stats_of_an_empty_store(kit: ServiceKit) -> None:
    stats = read_stats(kit.settings, kit.now_ms)
    assert [tier.bytes for tier in stats.tiers] == [0, 0, 0]
    assert stats.hosts == []


def test_stats_for_people_and_programs(cli: Cli, kit: ServiceKit) -> None:
    fill(kit, 2)
    cli.env["SYSMON_DATA_DIR"] = str(kit.settings.data_dir)
    table = cli("db", "stats")
    assert table.code == 0
    for text in ("B/SAMPLE", "forecast", "web01", "may hold", "raw"):
        assert text in table.out
    document = cli("db", "stats", "--json").json
    assert {tier["tier"] for tier in document["tiers"]} == {"raw", "5m", "1h"}
    assert document["tiers"][0]["first"] == DAY_START_MS / 1000
    csv = cli("db", "stats", "--format", "csv").out.splitlines()
    assert csv[0] == "hostname,bytes,journal_bytes"
    assert len(csv) == 3
    many = cli("db", "stats", "--filter", "hostname=db")
    assert "web01" not in many.out


def test_a_table_has_the_ten_largest_hosts(cli: Cli, kit: ServiceKit) -> None:
    for number in range(12):
        kit.push(f"host{number:02}", ("own.m", 1.0), timestamp=START_MS / 1000)
    cli.env["SYSMON_DATA_DIR"] = str(kit.settings.data_dir)
    result = cli("db", "stats")
    assert result.out.count("host") < 14
    assert "2 smaller ones" in result.err


# ---- check -------------------------------------------------------------------------------------------------


def test_a_whole_file_is_said_to_be_whole(cli: Cli, kit: ServiceKit) -> None:
    fill(kit, 1)
    cli.env["SYSMON_DATA_DIR"] = str(kit.settings.data_dir)
    result = cli("db", "check")
    assert result.code == 0
    assert "as they were written" in result.out
    document = cli("db", "check", "--json").json
    assert (document["problems"], document["damaged"]) == ([], [])
    assert document["rows"] == kit.service.storage.maintain("check")["rows"]


def test_damage_is_named_by_host_and_time(cli: Cli, kit: ServiceKit) -> None:
    fill(kit, 1)
    kit.push("db01", ("own.m", 1.0), timestamp=kit.now_ms / 1000)
    kit.service.storage._writer.run(lambda db: db.execute("UPDATE journal SET payload = x'00112233445566'"))
    kit.service.storage._writer.run(
        lambda db: db.execute(
            "UPDATE chunks SET payload = x'00112233445566' WHERE key = (SELECT min(key) FROM chunks)"
        )
    )
    cli.env["SYSMON_DATA_DIR"] = str(kit.settings.data_dir)
    result = cli("db", "check")
    assert result.code == 11
    assert "damaged: chunks of web01" in result.err
    assert "damaged: journal of db01" in result.err
    found = cli("db", "check", "--json")
    assert found.code == 11
    assert found.json["damaged"] == [
        {"table": "chunks", "host": "web01", "time": DAY_START_MS / 1000},
        {"table": "journal", "host": "db01", "time": kit.now_ms / 1000},
    ]


def test_a_file_that_sqlite_cannot_read_is_critical(cli: Cli, kit: ServiceKit) -> None:
    fill(kit, 1)
    kit.service.close()
    path = kit.settings.data_dir / "sysmon.db"
    with path.open("r+b") as file:
        for page in range(5, path.stat().st_size // 2048, 3):
            file.seek(page * 2048)
            file.write(os.urandom(512))
    result = cli("db", "check", "--data-dir", str(kit.settings.data_dir))
    assert result.code == 11
    assert "Fix:" in result.err
    shutil.rmtree(kit.settings.data_dir)
    kit._open()


# ---- backup and restore ------------------------------------------------------------------------------------


def restored(copy: Path, folder: Path) -> ServiceKit:
    """An aggregator over a copy, as the manual says."""
    folder.mkdir()
    shutil.copy(copy, folder / "sysmon.db")
    return ServiceKit(folder)


def test_a_restored_backup_gives_the_same_answers(kit: ServiceKit, tmp_path: Path) -> None:
    push_all(kit)
    kit.service.storage.maintain("compact")
    kit.push("web01", ("cpu.total_usage", 1 / 3), timestamp=kit.now_ms / 1000)  # half of it is in the journal
    before = answers(kit)
    copy = tmp_path / "copy.db"
    kit.service.storage.maintain("backup", copy)
    kit.push(
        "web01", ("cpu.total_usage", 2 / 3), timestamp=kit.now_ms / 1000 + 1
    )  # after it: not in the copy
    other = restored(copy, tmp_path / "other")
    other.now_ms = kit.now_ms
    assert answers(other) == before
    assert other.service.warnings == []
    assert other.service.storage.maintain("check")["damaged"] == 0
    other.push("web01", ("cpu.total_usage", 5.0), timestamp=kit.now_ms / 1000 + 2)
    other.service.storage.maintain("compact")
    other.reopen()
    assert other.service.storage._db.pragma("auto_vacuum") == 2
    assert other.service.storage._db.pragma("page_size") == kit.service.storage._db.pragma("page_size")
    other.service.close()


def test_a_backup_keeps_no_push_waiting(kit: ServiceKit, tmp_path: Path) -> None:
    """It is written over a connection of its own; the writer does not know of it."""
    kit.push("web01", ("own.m", 1.0))
    commits = kit.service.storage.stats()["commits"]
    kit.service.storage._writer.run = None  # type: ignore[assignment, method-assign]
    kit.service.storage.maintain("backup", tmp_path / "copy.db")
    del kit.service.storage._writer.run
    assert kit.service.storage.stats()["commits"] == commits
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_that_fails_leaves_nothing(kit: ServiceKit, tmp_path: Path) -> None:
    kit.push("web01", ("own.m", 1.0))
    with pytest.raises(StorageError, match="No such file"):
        kit.service.storage.maintain("backup", tmp_path / "no" / "copy.db")
    there = tmp_path / "there.db"
    there.write_text("mine")
    with pytest.raises(StorageError, match="never overwrites"):
        kit.service.storage.maintain("backup", there)
    assert there.read_text() == "mine"
    kit.service.storage._writer.run(
        lambda db: db.execute("INSERT INTO events (host_id, start_ms, kind) VALUES (1, 1, 'x')")
    )
    with pytest.raises(StorageError, match="could not be written"):
        kit.service.storage.maintain("backup", tmp_path / ("x" * 247))  # its journal's name is too long
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "there.db"]


def test_a_backup_killed_half_way_has_no_name_yet(kit: ServiceKit, tmp_path: Path) -> None:
    kit.push("web01", ("own.m", 1.0))
    copy = tmp_path / "copy.db"
    dies_before_sync = (
        "import os, sys; from pathlib import Path; from sysmon.aggregator import database_file as file\n"
        "file._sync = lambda *_: os.kill(os.getpid(), 9)\n"
        "file.copy_database(Path(sys.argv[1]), Path(sys.argv[2]), None)\n"
    )
    database = kit.settings.data_dir / "sysmon.db"
    killed = subprocess.run([sys.executable, "-c", dies_before_sync, database, copy], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not copy.exists()
    left = tmp_path / "copy.db.partial"
    assert left.stat().st_size > 0
    with pytest.raises(StorageError, match=r"copy\.db\.partial exists: .* broken off"):
        kit.service.storage.maintain("backup", copy)
    left.unlink()
    assert kit.service.storage.maintain("backup", copy)["bytes"] == copy.stat().st_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "data"]


def test_the_folder_without_an_aggregator_is_copied_here(cli: Cli, kit: ServiceKit, tmp_path: Path) -> None:
    push_all(kit)
    before = answers(kit)
    kit.service.close()
    folder = str(kit.settings.data_dir)
    copy = tmp_path / "copy.db"
    result = cli("db", "backup", str(copy), "--data-dir", folder)
    assert result.code == 0, result.err
    assert cli("db", "backup", str(tmp_path / "second.db"), "--data-dir", folder, "--json").json == {
        "path": str(tmp_path / "second.db"),
        "bytes": copy.stat().st_size,
    }
    again = cli("db", "backup", str(copy), "--data-dir", folder)
    assert (again.code, "never overwrites" in again.err) == (2, True)
    other = restored(copy, tmp_path / "other")
    other.now_ms = kit.now_ms
    assert answers(other) == before
    other.service.close()
    kit._open()


def test_an_aggregator_that_runs_writes_the_copy_itself(
    cli: Cli, aggregator: RunningAggregator, tmp_path: Path
) -> None:
    aggregator.push("web01", [("own.m", 1.0)])
    folder = str(tmp_path / "data")
    arguments = ["--data-dir", folder, "--aggregator", aggregator.url]
    copy = tmp_path / "copy.db"
    result = cli("db", "backup", str(copy), *arguments)
    assert result.code == 0, result.err
    with apsw.Connection(str(copy)) as db:
        assert db.execute("SELECT count(*) FROM journal").get == 1
    packed = cli("db", "compact", "--json", *arguments)
    assert (packed.code, packed.json["samples"]) == (0, 1)
    assert cli("db", "compact", *arguments).out.startswith("0 samples packed")


def test_stats_and_check_are_asked_of_the_aggregator_that_holds_the_folder(
    cli: Cli, aggregator: RunningAggregator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No URL is given: the aggregator left it in the folder."""
    aggregator.push("web01", [("own.m", 1.0)])
    asked: list[str] = []
    original = Client._json

    def spy(self: Client, method: str, path: str, **more: Any) -> Any:
        asked.append(f"{method} {path}")
        return original(self, method, path, **more)

    monkeypatch.setattr(Client, "_json", spy)
    folder = ["--data-dir", str(tmp_path / "data")]
    stats, check = cli("db", "stats", "--json", *folder), cli("db", "check", "--json", *folder)
    assert (stats.code, check.code) == (0, 0), stats.err + check.err
    assert [host["hostname"] for host in stats.json["hosts"]] == ["web01"]
    assert (check.json["rows"], check.json["damaged"]) == (1, [])
    assert [line for line in asked if "admin" in line] == ["GET /api/admin/stats", "POST /api/admin/check"]
    assert cli("db", "compact", *folder).code == 0
    (tmp_path / "data" / "url").write_text("http://127.0.0.1:1\n")  # it cannot be asked: the file is read
    again = cli("db", "stats", "--json", *folder)
    assert [host["hostname"] for host in again.json["hosts"]] == ["web01"]


def test_what_is_no_database_is_not_set_aside(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sysmon.db").write_text("something else")
    result = cli("db", "compact", "--data-dir", str(tmp_path))
    assert (result.code, "not a database" in result.err) == (1, True)
    assert (tmp_path / "sysmon.db").read_text() == "something else"


def test_compact_works_without_an_aggregator(cli: Cli, kit: ServiceKit) -> None:
    push_all(kit)
    before = answers(kit)
    kit.service.close()
    folder = str(kit.settings.data_dir)
    assert cli("db", "compact", "--data-dir", folder).code == 0
    kit._open()
    assert answers(kit) == before
    assert kit.service.storage.stats()["rows"] == 0


# ---- codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["stats"], ["check"], ["backup", "/tmp/sysmon-copy.db"], ["compact"]])
def test_no_database_is_code_6(
    cli: Cli, tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("db", *command, "--data-dir", str(tmp_path / "empty"))
    assert (result.code, result.out) == (6, "")
    assert "--data-dir" in result.err


def test_another_aggregator_than_the_one_that_holds_it_is_not_asked(
    cli: Cli, kit: ServiceKit, tmp_path: Path
) -> None:
    folder = str(kit.settings.data_dir)
    with RunningAggregator(tmp_path / "elsewhere") as other:
        for command in (["backup", str(tmp_path / "copy.db")], ["compact"]):
            result = cli("db", *command, "--data-dir", folder, "--aggregator", other.url)
            assert result.code == 6
            assert "held by another aggregator" in result.err
            assert "elsewhere" in result.err
    assert not (tmp_path / "copy.db").exists()
    gone = cli("db", "compact", "--data-dir", folder, "--aggregator", other.url)
    assert gone.code == 5


def test_without_the_admin_token_it_is_not_allowed(cli: Cli, tmp_path: Path) -> None:
    with RunningAggregator(tmp_path / "data", read_auth="token") as running:
        (tmp_path / "data" / "admin_token").unlink()
        arguments = ["--data-dir", str(tmp_path / "data"), "--aggregator", running.url]
        result = cli("db", "compact", *arguments)
        assert result.code == 4
        assert "SYSMON_ADMIN_TOKEN" in result.err
        cli.env["SYSMON_ADMIN_TOKEN"] = running.aggregator.settings.admin_token
        assert cli("db", "compact", *arguments).code == 0


def test_a_lock_is_seen_and_not_kept(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "data")
    assert is_held(tmp_path / "data")
    kit.service.close()
    assert not is_held(tmp_path / "data")
    assert not is_held(tmp_path / "data")


def test_retention_of_the_settings_file_is_known(cli: Cli, kit: ServiceKit) -> None:
    (cli.home / ".sysmon").mkdir()
    (cli.home / ".sysmon" / "aggregator.yaml").write_text(
        f"data_dir: {kit.settings.data_dir}\nretention: {{raw: 10d}}\nmax_db_bytes: 1000000\n"
    )
    document = cli("db", "stats", "--json").json
    assert document["tiers"][0]["keep_days"] == 10
    assert document["forecast"]["limit_bytes"] == 1_000_000
    assert RetentionSettings().ages_ms["raw"] == 30 * DAY_MS
