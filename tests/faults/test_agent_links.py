"""The way between agent and aggregator misbehaves (F13–F18, F20–F25, F30): nothing is lost or comes twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from faults import agent_links, island
from faults.agent_names import lose_name
from faults.agent_tls import REASONS, distrust, openssl
from faults.starvation import starve_agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.native


@pytest.mark.parametrize(
    ("run", "size"),
    [
        (agent_links.lose_aggregator, 60),
        (agent_links.freeze_aggregator, 1),
        (agent_links.slow_link, 10),
        (agent_links.cut_everywhere, 61),
        (agent_links.replay, 15),
        (agent_links.reorder, 40),
        (agent_links.overload, 1),
        (agent_links.wrong_token, 20),
        (agent_links.strangers, 1),
        (agent_links.too_big, 60),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_everything_sealed_is_stored_once(tmp_path: Path, run: Callable[..., Any], size: int) -> None:
    tally = run(5, size, tmp_path / "lab")
    # On a busy machine the agent's last words are still in its spool.
    assert tally.stored + tally.spooled + tally.declared_dropped == tally.sealed > 3
    assert tally.declared_dropped == (1 if run is agent_links.too_big else 0)


@pytest.mark.skipif(openssl() is None, reason="openssl is not installed")
def test_nothing_is_said_to_whom_no_certificate_vouches_for(tmp_path: Path) -> None:
    tally = distrust(5, 1, tmp_path / "lab")
    assert tally.refused == len(REASONS)
    assert tally.stored == tally.sealed > 60


@pytest.mark.skipif(not island.can_be_made(), reason="no network namespace of our own can be made here")
def test_a_name_that_leads_nowhere_costs_nothing(tmp_path: Path) -> None:
    tally = lose_name(5, 1, tmp_path / "lab")
    assert tally.troubles == 1
    assert tally.stored == tally.sealed > 20


def test_an_agent_without_room_loses_nothing(tmp_path: Path) -> None:
    tally = starve_agent(5, 6, tmp_path / "lab")
    assert tally.limits == 6
    assert tally.ended > 0
    assert tally.stored == tally.sealed > 20
