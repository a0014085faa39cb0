"""The agent's disk fails (F07, F09): it goes on, and what it cannot keep it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.agent_disk import can_mount, fail_calls, fill_disk
from faults.agent_kills import strace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.native


@pytest.mark.skipif(strace() is None, reason="strace is not installed")
def test_a_sync_that_failed_is_not_asked_again(tmp_path: Path) -> None:
    tally = fail_calls(1, 1, tmp_path / "lab")
    assert tally.injected == 1
    assert tally.stored == tally.sealed


@pytest.mark.skipif(not can_mount(), reason="no mount namespace of our own: needs root or user namespaces")
def test_a_full_disk_loses_nothing_undeclared(tmp_path: Path) -> None:
    tally = fill_disk(1, 1, tmp_path / "lab")
    assert tally.declared_dropped > 0
    assert tally.stored + tally.declared_dropped == tally.sealed
