"""What was acknowledged is there after kill -9, once (F03, F04): the real process, killed under load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.kills import kill_under_load, lose_reply

if TYPE_CHECKING:
    from pathlib import Path


def test_acknowledged_batches_survive_kill_9(tmp_path: Path) -> None:
    tally = kill_under_load(20, 20, tmp_path / "home")
    assert tally.kills == 20
    assert tally.acked > 400
    assert tally.too_old > 40


def test_a_batch_whose_reply_was_lost_is_stored_once(tmp_path: Path) -> None:
    tally = lose_reply(4, 2, tmp_path / "home")
    assert (tally.kills, tally.replies_lost) == (2, 2)
