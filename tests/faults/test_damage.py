"""A damaged database (F12) is set aside or told of; what is answered is what was stored."""

from __future__ import annotations

import json
import logging
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import apsw
import pytest

from faults.damage import damage, open_storage
from service_kit import ServiceKit
from sysmon.aggregator import database_file
from sysmon.aggregator.database_file import DATABASE, set_aside_before
from sysmon.aggregator.storage import AGGREGATOR

if TYPE_CHECKING:
    from pathlib import Path


def test_damage_is_set_aside_told_or_harmless(tmp_path: Path) -> None:
    tallies = damage(5, 135, tmp_path / "lab")
    for name, tally in tallies.items():
        assert tally.mutations == 15
        assert tally.unnoticed == 0, name
    assert tallies["file of noise"].set_aside == 15
    assert tallies["page of the file"].set_aside > 3
    assert tallies["bit of the WAL"].older > 0
    assert tallies["no WAL"].told > 3
    assert tallies["noise for shm"].harmless == 15


def test_a_damaged_file_is_set_aside_and_everybody_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kit = ServiceKit(tmp_path)
    kit.push("web01", ("a.b", 1.0))
    kit.service.close()
    content = (tmp_path / DATABASE).read_bytes()
    damaged = content[:4096] + bytes(4096) + content[8192:]
    (tmp_path / DATABASE).write_bytes(damaged)
    kit._open()
    (aside,) = set_aside_before(tmp_path / DATABASE)
    assert aside.name == "sysmon.db.damaged-20270115T080000Z"
    assert aside.read_bytes() == damaged
    assert [r for r in caplog.records if r.levelno == logging.ERROR and aside.name in r.message]
    assert any(aside.name in text for text in kit.service.warnings)
    assert any(aside.name in text for text in kit.get("/api/health")["warnings"])
    (event,) = kit.service.storage.events(AGGREGATOR)
    assert (event.kind, event.detail["file"]) == ("database_damaged", aside.name)
    assert kit.get("/api/hosts")["count"] == 0
    kit.push("web01", ("a.b", 2.0))
    kit.reopen()  # the fresh one is sound; that there is a damaged one is said until it is gone
    assert any(aside.name in text for text in kit.service.warnings)
    aside.unlink()
    assert kit.service.warnings == []
    assert [event.kind for event in kit.service.storage.events(AGGREGATOR)] == ["database_damaged"]
    kit.service.close()


def test_two_in_a_second_keep_their_own_names(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / DATABASE).write_bytes(b"noise" * 1000)
        open_storage(tmp_path).close()
    names = [path.name for path in set_aside_before(tmp_path / DATABASE)]
    assert names == ["sysmon.db.damaged-20270115T080000Z", "sysmon.db.damaged-20270115T080000Z-2"]


def test_what_is_no_damage_moves_nothing(tmp_path: Path) -> None:
    open_storage(tmp_path).close()
    with closing(apsw.Connection(str(tmp_path / DATABASE))) as db:
        db.pragma("user_version", 99)
    with pytest.raises(Exception, match="upgrade sysmon"):
        open_storage(tmp_path)
    (tmp_path / DATABASE).unlink()
    (tmp_path / DATABASE).mkdir()
    with pytest.raises(Exception, match="unable to open"):
        open_storage(tmp_path)
    assert not list(tmp_path.glob("*.damaged-*"))


def test_a_damaged_row_takes_nothing_else_with_it(kit: ServiceKit) -> None:
    start_ms = kit.now_ms
    for minute in range(3):
        kit.now_ms = start_ms + minute * 60_000
        kit.push("web01", ("a.b", float(minute)))
        kit.push("db01", ("a.b", float(minute)))
    kit.service.storage._writer.run(
        lambda db: db.execute(
            "UPDATE journal SET payload = CAST(substr(payload, 1, 3) || x'ff' || substr(payload, 5) AS BLOB)"
            " WHERE host_id = 1 AND time_ms = ?",
            (start_ms + 60_000,),
        )
    )

    def path(host: str, start_ms: int, end_ms: int) -> str:
        return f"/api/metrics?host={host}&start={start_ms / 1000}&end={end_ms / 1000}"

    for _ in range(2):
        response = kit.client.get(path("web01", start_ms, start_ms + 180_000))
        assert response.status_code == 500
        error = response.get_json()["error"]
        assert error["code"] == "storage_damaged"
        assert "2027-01-15 08:01:00" in error["message"]
        for begin_ms in (start_ms, start_ms + 120_000):
            (series,) = kit.get(path("web01", begin_ms, begin_ms + 60_000))["series"]
            assert len(series["values"]) == 1
        (series,) = kit.get(path("db01", start_ms, start_ms + 180_000))["series"]
        assert series["values"] == [0, 1, 2]
        assert any("host 1 at 2027-01-15 08:01:00" in text for text in kit.get("/api/health")["warnings"])
        kit.reopen()  # the same is known again at once: the row is among the newest


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE hosts SET tags = 'no JSON'",
        "UPDATE key_sets SET keys = zeroblob(length(keys))",
        "UPDATE streams SET seqs = CAST(x'0900000000000000' || substr(seqs, 9) AS BLOB)",
        "UPDATE streams SET host_id = 7",
    ],
)
def test_what_carries_all_else_is_checked_whatever_the_size(
    sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_file, "CHECKED_BYTES", 0)
    kit = ServiceKit(tmp_path)
    assert kit.push_seq("web01", "1", ("a.b", 1.0)).status_code == 200
    kit.service.storage._writer.run(lambda db: db.execute(sql))
    kit.reopen()
    (event,) = kit.service.storage.events(AGGREGATOR)
    assert event.kind == "database_damaged"
    kit.service.close()


def test_a_large_file_is_checked_whole_once_damage_was_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_file, "CHECKED_BYTES", 0)
    kit = ServiceKit(tmp_path)
    kit.push("web01", ("a.b", 1.0))
    kit.post(json.dumps({"hostname": "web01", "metrics": [], "facts": {"os": "Debian"}}).encode())
    kit.service.close()
    with closing(apsw.Connection(str(tmp_path / DATABASE))) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'host_facts'").get
        size = db.pragma("page_size")
    content = bytearray((tmp_path / DATABASE).read_bytes())
    content[(root - 1) * size : root * size] = bytes(size)
    (tmp_path / DATABASE).write_bytes(content)
    kit._open()  # facts are not read at start
    assert kit.service.warnings == []
    assert kit.error("/api/hosts/web01") == (500, "storage_damaged")
    assert any("next start" in text for text in kit.service.warnings)
    assert kit.get("/api/metrics")["series"]
    kit.reopen()
    assert kit.get("/api/hosts")["count"] == 0
    assert any("set aside" in text for text in kit.service.warnings)
    kit.service.close()


def test_a_table_that_cannot_be_understood_is_damage(tmp_path: Path) -> None:
    open_storage(tmp_path).close()
    content = (tmp_path / DATABASE).read_bytes()
    assert b"status IN (" in content
    (tmp_path / DATABASE).write_bytes(content.replace(b"status IN (", b"status0IN ("))  # no such function
    with closing(open_storage(tmp_path)) as storage:
        assert any("set aside" in text for text in storage.warnings)


def test_a_suspicion_that_was_wrong_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_file, "CHECKED_BYTES", 0)
    open_storage(tmp_path).close()
    database_file.suspect(tmp_path / DATABASE)
    with closing(open_storage(tmp_path)) as storage:
        assert storage.warnings == []
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


def test_a_database_without_its_wal_says_so(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "live")
    kit.push("web01", ("a.b", 1.0))
    (tmp_path / "copy").mkdir()
    shutil.copyfile(tmp_path / "live" / DATABASE, tmp_path / "copy" / DATABASE)  # how backups go wrong
    assert kit.client.post("/api/admin/backup", json={"path": str(tmp_path / "backup.db")}, headers=kit.admin)
    kit.service.close()
    with closing(open_storage(tmp_path / "copy")) as storage:
        assert any("-wal file is gone" in text for text in storage.warnings)
        assert [event.kind for event in storage.events(AGGREGATOR)] == ["wal_missing"]
    with closing(open_storage(tmp_path / "copy")) as storage:  # from now on it is whole, such as it is
        assert storage.warnings == []
    (tmp_path / "restored").mkdir()
    shutil.copyfile(tmp_path / "backup.db", tmp_path / "restored" / DATABASE)
    with closing(open_storage(tmp_path / "restored")) as storage:
        assert storage.warnings == []


def test_commits_lost_with_the_end_of_the_wal_are_gaps(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "live")
    for seq in (1, 2, 3):
        kit.push_seq("web01", str(seq), ("a.b", float(seq)))
    (tmp_path / "cut").mkdir()
    for name in (DATABASE, DATABASE + "-wal"):
        shutil.copyfile(tmp_path / "live" / name, tmp_path / "cut" / name)
    kit.service.close()
    with (tmp_path / "cut" / (DATABASE + "-wal")).open("r+b") as wal:
        wal.truncate(wal.seek(0, 2) - 1)
    kit = ServiceKit(tmp_path / "cut")
    kit.push_seq("web01", "4", ("a.b", 4.0))
    assert kit.get("/api/hosts/web01/ledger")["gaps"] == 1
    (lost,) = kit.get("/api/hosts/web01/gaps")["missing"]
    assert (lost["from"], lost["to"], lost["reason"]) == (3, 3, "missing")
    kit.service.close()
