"""A database of every schema version that was ever written opens today and answers as it did then."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from past_fleet import END_MS, STREAMS, answers
from service_kit import ServiceKit, push_body
from sysmon.aggregator.schema import MIGRATIONS

DATA = Path(__file__).parent / "data"


def version_files() -> list[Path]:
    return sorted(DATA.glob("database-v*.db"))


def test_every_version_has_its_file() -> None:
    versions = [f"database-v{number}.db" for number in range(1, len(MIGRATIONS) + 1)]
    assert sorted(path.name for path in version_files()) == sorted(versions)
    assert all(path.stat().st_size < 100_000 for path in version_files())


@pytest.mark.parametrize("path", version_files(), ids=lambda path: path.stem)
def test_it_opens_and_answers_as_it_did(path: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copyfile(path, tmp_path / "data" / "sysmon.db")
    kit = ServiceKit(tmp_path / "data")
    kit.now_ms = END_MS
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert answers(kit) == expected
    kit.reopen()
    assert answers(kit) == expected
    kit.service.close()


@pytest.mark.parametrize("path", version_files(), ids=lambda path: path.stem)
def test_delivery_goes_on_where_it_was(path: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copyfile(path, tmp_path / "data" / "sysmon.db")
    kit = ServiceKit(tmp_path / "data")
    kit.now_ms = END_MS

    def push(seq: str) -> bool:
        body = push_body("db01", [("memory.used_bytes", 1.0)], timestamp=END_MS / 1000)
        reply = kit.post(body, X_SysMon_Stream=STREAMS["db01"], X_SysMon_Seq=seq)
        assert reply.status_code == 200, reply.data
        return bool(reply.get_json()["duplicate"])

    assert push("5")
    assert not push("3")
    assert not push("4")
    assert kit.get("/api/hosts/db01/ledger")["gaps"] == 0
    assert [event["kind"] for event in kit.get("/api/hosts/db01/events")["events"]] == [
        "unarchived",
        "archived",
    ]
    kit.service.close()
