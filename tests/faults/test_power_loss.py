"""Power loss at any write (F05): what was acknowledged is there, once and whole, and the file is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from faults.oracle import BrokenError
from faults.power_loss import power_losses
from sysmon.aggregator import writer
from sysmon.aggregator.compactor import Compactor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import apsw


@pytest.mark.parametrize("seed", range(4))
def test_power_loss_loses_nothing_acknowledged(seed: int, tmp_path: Path) -> None:
    tally = power_losses(seed, 125, tmp_path / "lab")
    assert (tally.states, tally.in_recovery) == (125, 25)
    assert tally.checkpoints > 5


def test_a_store_that_does_not_sync_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(BrokenError) as found:
        power_losses(1, 125, tmp_path / "lab", synchronous="normal")
    assert "seed 1: power loss after" in found.value.__notes__[0]


def test_a_store_that_commits_in_halves_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = writer._many

    def halves(db: apsw.Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
        if sql is writer._STREAM:
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
        whole(db, sql, rows)

    monkeypatch.setattr(writer, "_many", halves)
    with pytest.raises(BrokenError, match="torn"):
        power_losses(1, 125, tmp_path / "lab")


def test_a_compactor_that_forgets_first_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Compactor._store

    def early(self: Compactor, host_id: int, bite: Any, key_sets: Any, *after: Any) -> None:
        store(self, host_id, [], set(), *after)
        store(self, host_id, bite, key_sets)

    monkeypatch.setattr(Compactor, "_store", early)
    with pytest.raises(BrokenError, match="acked_lost"):
        power_losses(1, 250, tmp_path / "lab")
