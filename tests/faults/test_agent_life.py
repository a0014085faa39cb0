"""Clocks, suspension, signals, copies (F26, F27, F38–F40), and files that must not be trusted (F41)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from faults import agent_life
from faults.agents import AgentProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.native


@pytest.mark.parametrize(
    ("run", "size"),
    [
        (agent_life.suspend_agent, 2),
        (agent_life.terminate, 8),
        (agent_life.reload_under_load, 12),
        (agent_life.same_name, 8),
        (agent_life.cloned_state, 20),
        (agent_life.taken_numbers, 8),
        (agent_life.second_agent, 4),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_everything_sealed_is_stored_once(tmp_path: Path, run: Callable[..., Any], size: int) -> None:
    tally = run(3, size, tmp_path / "lab")
    assert tally.stored == tally.sealed > 3


@pytest.mark.skipif(agent_life.libfaketime() is None, reason="libfaketime is not installed")
@pytest.mark.parametrize("clock", [2, 3], ids=lambda number: list(agent_life.CLOCKS)[number - 1])
def test_a_wrong_clock_moves_no_sample(tmp_path: Path, clock: int) -> None:
    tally = agent_life.set_clocks(clock, 1, tmp_path / "lab", batches=8)
    assert tally.stored == tally.sealed > 8


# ---- F41 ---------------------------------------------------------------------------------------------------


def _agent(tmp_path: Path) -> AgentProcess:
    return AgentProcess(tmp_path / "agent", "http://127.0.0.1:9")


def _refused(agent: AgentProcess) -> bool:
    return agent.start().wait() == 78


def test_a_spool_behind_a_symlink_is_refused(tmp_path: Path) -> None:
    agent = _agent(tmp_path)
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    agent.spool.symlink_to(target)
    assert _refused(agent)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701], ids=oct)
def test_a_spool_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    agent = _agent(tmp_path)
    agent.spool.mkdir()
    agent.spool.chmod(mode)
    assert _refused(agent)
    assert list(agent.spool.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_spool_of_somebody_else_is_refused(tmp_path: Path) -> None:
    agent = _agent(tmp_path)
    agent.spool.mkdir(mode=0o700)
    os.chown(agent.spool, 12345, 12345)
    assert _refused(agent)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602], ids=oct)
def test_a_configuration_with_a_token_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    agent = _agent(tmp_path)
    agent.write_config()
    agent.config.chmod(mode)
    assert _refused(agent)


def _with_token_file(agent: AgentProcess, path: Path) -> None:
    agent.write_config(f"auth_token_file: {path}")
    text = agent.config.read_text().replace(f"  auth_token: {agent.token}\n", "")
    agent.config.write_text(text)


def test_a_pipe_in_the_place_of_the_token_file_is_refused_at_once(tmp_path: Path) -> None:
    agent = _agent(tmp_path)
    pipe = tmp_path / "token"
    os.mkfifo(pipe, 0o600)
    _with_token_file(agent, pipe)
    assert _refused(agent)


@pytest.mark.parametrize("name", ["segment-000000000001", "cursor", "quarantine", "agent_id"])
def test_a_symlink_within_the_spool_is_never_written_through(tmp_path: Path, name: str) -> None:
    agent = _agent(tmp_path)
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    agent.spool.mkdir(mode=0o700)
    (agent.spool / name).symlink_to(target)
    agent.start()
    try:
        agent_life.wait_until(lambda: agent.said("cannot push") or not agent.is_running())
    finally:
        if agent.is_running():
            agent.stop()
    assert target.read_bytes() == b"precious"
