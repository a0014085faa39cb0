"""The real agent is killed (F01, F02): what it sealed is stored once, or still in its spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.agent_kills import kill_agent, kill_at_syscalls, strace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.native


def test_what_a_killed_agent_sealed_arrives_once(tmp_path: Path) -> None:
    tally = kill_agent(12, 12, tmp_path / "lab")
    assert tally.kills == 12
    assert tally.stored == tally.sealed > 12
    assert tally.declared_dropped == 0


@pytest.mark.skipif(strace() is None, reason="strace is not installed")
def test_a_kill_at_a_system_call_on_the_spool_loses_nothing(tmp_path: Path) -> None:
    tally = kill_at_syscalls(1, 1, tmp_path / "lab", most=1)
    assert tally.points >= 3
