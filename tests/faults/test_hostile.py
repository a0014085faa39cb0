"""Who hurts the aggregator (F10, F19, F29–F37), in short: it stays up, says so, and serves the others."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from aggregator_process import TOKEN
from faults.agent_disk import can_mount
from faults.disk_full import fill_disk
from faults.floods import bomb_of_tags, churn_of_hosts
from faults.guessing import comparison_t, guess_tokens
from faults.slow_readers import never_read
from faults.slow_requests import be_slow
from faults.starvation import crowd_out
from faults.web_attacks import attack

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(not can_mount(), reason="no file system of our own can be mounted here")
def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    tally = fill_disk(1, 2, tmp_path / "home")
    assert tally.fills == 2
    assert tally.refused > 0


def test_who_does_not_read_is_cut_off(tmp_path: Path) -> None:
    tally = never_read(1, 4, tmp_path / "home")
    assert (tally.closed, tally.readers_cut) == (4, 12)


def test_who_sends_byte_by_byte_is_cut_off(tmp_path: Path) -> None:
    tally = be_slow(1, 150, tmp_path / "home", silent=False)
    assert (tally.cut, tally.hostile_5xx) == (150, 0)
    assert tally.answered_408 > 30


def test_ever_new_tags_are_bounded(tmp_path: Path) -> None:
    tally = bomb_of_tags(1, 20_000, tmp_path / "home")
    assert tally.tried == 20_000
    assert tally.series_admitted <= 4_000


def test_ever_new_hosts_are_bounded(tmp_path: Path) -> None:
    tally = churn_of_hosts(1, 600, tmp_path / "home")
    assert tally.hosts_admitted < 500  # the one that behaves is one of them


def test_guesses_are_refused_and_hold_up_nobody(tmp_path: Path) -> None:
    tally = guess_tokens(1, 150, tmp_path / "home")
    assert tally.refused == 150


def test_a_comparison_that_ends_at_the_first_difference_is_told_by_its_time() -> None:
    def may_push(token: str) -> bool:
        return all(one == other for one, other in zip(token, TOKEN, strict=True))

    assert abs(comparison_t(may_push, Random(1), 2_000)) > 4.5


def test_what_the_web_tries_is_foiled(tmp_path: Path) -> None:
    tally = attack(1, 2_000, tmp_path / "home")
    assert tally.refused == tally.hostile_inputs > 1_000
    assert tally.hostile_5xx == 0


def test_more_clients_than_descriptors_stop_nobody(tmp_path: Path) -> None:
    tally = crowd_out(1, 400, tmp_path / "home")
    assert (tally.clients, tally.hostile_5xx) == (400, 0)
