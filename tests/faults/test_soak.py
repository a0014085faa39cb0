"""Random faults (F44): their plan, how the processes are judged, and some seconds of it all."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from faults.soak_plan import AGGREGATOR, ENDS_LIFE, Size, Trouble, plan
from faults.soak_run import live_through
from faults.soak_vitals import growth, slope

if TYPE_CHECKING:
    from pathlib import Path

SIZE = Size(600, agents=6)


def _by_target(chapter: list[Trouble]) -> dict[str, list[Trouble]]:
    found: dict[str, list[Trouble]] = {}
    for trouble in chapter:
        found.setdefault(trouble.target, []).append(trouble)
    return found


def test_a_seed_draws_the_same_troubles_again() -> None:
    assert plan(7, SIZE) == plan(7, SIZE)
    assert plan(7, SIZE) != plan(8, SIZE)


def test_each_kind_comes_and_none_overlaps_another_of_its_target() -> None:
    chapters = plan(7, Size(3_600))
    assert len(chapters) == 12
    assert {trouble.kind for chapter in chapters for trouble in chapter} >= {
        *(
            "latency",
            "slow",
            "cut_request",
            "cut_reply",
            "hang",
            "overload",
            "bad_gateway",
            "portal",
            "refused",
        ),
        *(
            "poison",
            "replay",
            "reorder",
            "kill",
            "kill_at_work",
            "terminate",
            "freeze",
            "reload",
            "disk_full",
        ),
        *("compact", "backup"),
    }
    for number, chapter in enumerate(chapters):
        for troubles in _by_target(chapter).values():
            for before, after in pairwise(troubles):
                assert before.at_s + before.lasts_s <= after.at_s
        assert all(trouble.at_s + trouble.lasts_s <= 300 * (number + 1) + 0.001 for trouble in chapter)


def test_in_the_later_half_nobody_is_killed() -> None:
    chapters = plan(7, SIZE)

    def killed(part: list[list[Trouble]]) -> set[str]:
        return {trouble.target for chapter in part for trouble in chapter if trouble.kind in ENDS_LIFE}

    early, late = chapters[: SIZE.killing_chapters], chapters[SIZE.killing_chapters :]
    assert killed(early) == {AGGREGATOR, "agent1", "agent2", "agent3", "agent4", "agent5"}
    assert not killed(late)
    assert not killed(plan(7, Size(600, agents=6, killing=0)))


def _memory(leak_per_hour: float, hours: float) -> list[tuple[float, float]]:
    """Of a process that takes and gives back some MiB all the time."""
    chance = Random(3)
    size, points = 0.0, []
    for at_s in range(0, round(hours * 3600), 5):
        size = 0.9 * size + chance.uniform(-0.5, 0.5)
        points.append((float(at_s), 80 + size + leak_per_hour * at_s / 3600))
    return points


def test_a_leak_is_told_from_what_comes_and_goes() -> None:
    still, leaking = slope(_memory(0, 8)), slope(_memory(1, 8))
    assert still.at_least < 0 < still.per_hour + still.error
    assert leaking.at_least > 0.5
    assert leaking.per_hour == pytest.approx(1, abs=0.2)
    assert slope(_memory(0, 0.1)).error > 5 * still.error  # a short look tells little, and says so


def test_what_is_given_back_is_no_growth() -> None:
    assert growth([20, 31, 20, 26, 20, 40]) == 0
    assert growth([20, 31, 21, 26, 23, 40]) == 3


@pytest.mark.native
def test_some_seconds_of_random_faults_lose_nothing(tmp_path: Path) -> None:
    report = live_through(3, Size(8, agents=3, interval="50ms"), tmp_path / "lab")
    assert report.not_held == []
    assert sum(report.faults.values()) >= 10
    assert report.tally.sealed - report.tally.stored <= report.tally.spooled + report.tally.declared_dropped
    assert report.tally.stored > 100
