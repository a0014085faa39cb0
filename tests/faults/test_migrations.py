"""Migrations (F43) are cut anywhere and taken again: what the database held is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.migrations import cut_migrations, kill_starts, past_databases
from sysmon.aggregator import schema
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    import apsw


def test_a_power_loss_at_any_write_of_a_start(tmp_path: Path) -> None:
    tally = cut_migrations(1, 0, tmp_path / "lab")
    assert tally.states == tally.ops + len(past_databases()) > 40


@pytest.mark.parametrize("name", past_databases())
def test_a_kill_at_each_statement_of_a_start(name: str, tmp_path: Path) -> None:
    assert kill_starts(name, tmp_path / "lab") > 10


def test_a_migration_in_halves_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def halves(db: apsw.Connection) -> None:
        db.execute("CREATE TABLE one (x); COMMIT; BEGIN IMMEDIATE; CREATE TABLE two (x)")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, halves))
    with pytest.raises(StorageError, match="table one already exists"):
        cut_migrations(1, 0, tmp_path / "lab")
