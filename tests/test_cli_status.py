"""`sysmon status`: eight lines about this machine, and what they come from."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from running_aggregator import TOKEN, RunningAggregator
from sysmon.doctor import host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_run import Cli


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs on the machine of the test."""
    monkeypatch.setattr(host, "processes", lambda _: iter(()))


@pytest.fixture
def member(cli: Cli, aggregator: RunningAggregator) -> Iterator[Cli]:
    """A host of the fleet, whose agent was heard five seconds ago."""
    cli.env |= {
        "SYSMON_MODE": "distributed",
        "SYSMON_AGGREGATOR_URL": aggregator.url,
        "SYSMON_AUTH_TOKEN": TOKEN,
        "SYSMON_HOSTNAME": "web01",
    }
    values = {"queue_bytes": 2_048.0, "queue_oldest_seconds": 4.0, "last_ack_age_seconds": 3.0}
    aggregator.push("web01", [(f"agent.{name}", value) for name, value in values.items()], age_s=5)
    yield cli


def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "processes", lambda _: iter([("sysmon-agent", 8 << 20, 0.25)]))


def test_nothing_configured_is_fine(cli: Cli) -> None:
    result = cli("status")
    assert result.code == 0
    assert len(result.out.splitlines()) == 8
    assert "no database" in result.out
    assert cli("status", "--json").json["aggregator"] == {
        "url": None,
        "version": None,
        "hosts": None,
        "error": "",
    }


def test_a_host_of_a_fleet(member: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch)
    result = member("status")
    assert result.code == 0, result.out
    assert len(result.out.splitlines()) == 8
    for text in (
        "distributed",
        "running, 8.0 MiB, 0.2 % of a core",
        "1 hosts",
        "web01: ● online",
        "2.0 KiB, oldest 4 s",
    ):
        assert text in result.out
    found = member("status", "--json").json
    assert found["queue"] == {"bytes": 2_048, "oldest_seconds": 4}
    assert found["last_ack"] == pytest.approx(time.time() - 8, abs=5)
    assert (found["host"]["status"], found["mode"]) == ("online", "distributed")


def test_an_agent_that_does_not_run_is_code_7(member: Cli) -> None:
    result = member("status")
    assert (result.code, "not running" in result.out) == (7, True)


def test_a_host_that_is_not_online_is_code_7(
    member: Cli, aggregator: RunningAggregator, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch)
    web01 = aggregator.aggregator.directory.get("web01")
    assert web01 is not None
    web01.last_seen_ms = 1_000
    result = member("status")
    assert (result.code, "offline" in result.out) == (7, True)


def test_an_aggregator_that_is_gone_is_code_5(member: Cli) -> None:
    member.env["SYSMON_AGGREGATOR_URL"] = "http://127.0.0.1:1"
    result = member("status")
    assert (result.code, "refused the connection" in result.out) == (5, True)
    assert len([line for line in result.out.splitlines() if not line.startswith(" ")]) == 8


def test_who_may_not_read_is_told_that_it_answers(
    member: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(monkeypatch)
    with RunningAggregator(tmp_path / "closed", read_auth="token") as closed:
        member.env["SYSMON_AGGREGATOR_URL"] = closed.url
        result = member("status")
    assert (result.code, f"{closed.url} answers" in result.out) == (0, True)
    assert "not known" in result.out


def test_the_aggregators_own_machine(cli: Cli, aggregator: RunningAggregator, tmp_path: Path) -> None:
    cli.env["SYSMON_DATA_DIR"] = str(tmp_path / "data")
    cli.env["SYSMON_PORT"] = aggregator.url.rsplit(":", 1)[1]
    found = cli("status", "--json").json
    assert found["data"]["in_use"]
    assert found["aggregator"]["url"] == aggregator.url
    assert "in use" in cli("status").out
