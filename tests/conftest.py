"""Fixtures that several test modules share; what they are made of lies in modules of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from agent_program import AGENT
from cli_run import Cli, isolated
from clinic import clinic, member  # noqa: F401 - fixtures
from running_aggregator import RunningAggregator
from service_kit import kit  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# How fast the machine is says nothing about the program.
settings.register_profile("sysmon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sysmon")

pytest.register_assert_rewrite("storage_conformance")  # tests that a module of tests derives from


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/ with what the agent says now"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("native") and not AGENT.exists():
        pytest.skip(f"there is no {AGENT}: make build")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs `sysmon` commands in a home of their own."""
    return isolated(tmp_path, monkeypatch)


@pytest.fixture
def aggregator(tmp_path: Path) -> Iterator[RunningAggregator]:
    """A real aggregator on a free port."""
    with RunningAggregator(tmp_path / "data") as running:
        yield running
