"""`sysmon config`: read, set, unset, validate; secrets stay secret."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_run import Cli

SECRET = "k" * 40


def test_five_lines_make_a_host_part_of_a_fleet(cli: Cli) -> None:
    first = cli("config", "set", "mode", "distributed")
    assert first.code == 0
    assert "aggregator_url" in first.err  # incomplete: written, with a warning
    assert cli("config", "set", "aggregator_url", "http://central-server:9000").code == 0
    assert cli("config", "set", "auth_token", input=f"{SECRET}\n").code == 0
    assert cli("config", "set", "push_interval", "10s").code == 0
    assert cli.file.read_text().splitlines() == [
        "agent:",
        "  mode: distributed",
        "  aggregator_url: http://central-server:9000",
        f"  auth_token: {SECRET}",
        "  push_interval: 10s",
    ]
    assert stat.S_IMODE(cli.file.stat().st_mode) == 0o600
    assert cli("config", "validate").code == 0


def test_set_says_whether_a_reload_is_enough(cli: Cli) -> None:
    assert "SIGHUP" in cli("config", "set", "push_interval", "20s").err
    assert "restarted" in cli("config", "set", "mode", "local").err


def test_lists_maps_and_parts_of_maps_are_set(cli: Cli) -> None:
    cli("config", "set", "host_tags", "role=web-server,datacenter=us-east-1")
    cli("config", "set", "host_tags.role", "database")
    cli("config", "set", "collectors.disable", "sensor,battery")
    assert cli("config", "get", "host_tags").out == "role=database,datacenter=us-east-1\n"
    assert cli("config", "get", "host_tags.role").out == "database\n"
    assert cli("config", "get", "collectors.disable").out == "sensor,battery\n"
    assert cli("config", "get", "host_tags.rack").code == 6


def test_a_wrong_value_is_not_written(cli: Cli) -> None:
    cli("config", "set", "push_interval", "20s")
    before = cli.file.read_text()
    result = cli("config", "set", "push_interval", "soon")
    assert result.code == 3
    assert "soon" in result.err
    assert cli.file.read_text() == before


def test_an_unknown_key_has_a_suggestion(cli: Cli) -> None:
    for verb in (
        ("get", "push_intervall"),
        ("set", "push_intervall", "1s"),
        ("unset", "agent.push_interval"),
    ):
        result = cli("config", *verb)
        assert result.code == 2
        assert "Did you mean 'push_interval'?" in result.err


def test_a_secret_is_never_an_argument_and_never_printed(cli: Cli) -> None:
    refused = cli("config", "set", "auth_token", SECRET)
    assert refused.code == 2
    assert SECRET not in refused.err
    assert not cli.file.exists()
    cli("config", "set", "auth_token", input=f"{SECRET}\n")
    printed = [
        cli("config", "list"),
        cli("config", "list", "--json", "--origin"),
        cli("config", "list", "--format", "csv"),
        cli("config", "get", "auth_token"),
        cli("config", "get", "auth_token", "--json"),
        cli("config", "set", "push_interval", "5s", "--dry-run"),
        cli("config", "set", "hostname", "-bad-"),
    ]
    for result in printed:
        assert SECRET not in result.out + result.err
    assert "•••• (sha256:" in printed[0].out


def test_unset_gives_the_default_back(cli: Cli) -> None:
    cli("config", "set", "push_interval", "20s")
    assert cli("config", "unset", "push_interval").code == 0
    assert cli("config", "get", "push_interval").out == "10s\n"
    assert cli("config", "unset", "push_interval").code == 6


def test_dry_run_changes_nothing(cli: Cli) -> None:
    result = cli("config", "set", "mode", "distributed", "--dry-run")
    assert result.out == "agent:\n  mode: distributed\n"
    assert not cli.file.exists()


def test_list_tells_origins(cli: Cli) -> None:
    cli("config", "set", "push_interval", "20s")
    cli.env["SYSMON_HOSTNAME"] = "web01"
    rows = {row["key"]: row for row in cli("config", "list", "--json").json["settings"]}
    assert rows["push_interval"]["origin"] == f"{cli.file}:2"
    assert rows["hostname"] == {**rows["hostname"], "value": "web01", "origin": "environment SYSMON_HOSTNAME"}
    assert rows["mode"]["origin"] == "default"
    assert "ORIGIN" in cli("config", "list", "--origin").out
    assert "ORIGIN" not in cli("config", "list").out


def test_validate_names_the_line(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text("agent:\n  mode: distibuted\n  push_intervall: 10s\n")
    result = cli("config", "validate", str(path))
    assert result.code == 3
    assert f"{path}:2:" in result.out
    assert f"{path}:3:" in result.out
    issues = cli("config", "validate", str(path), "--json").json["issues"]
    assert [(issue["level"], issue["line"]) for issue in issues] == [("error", 2), ("error", 3)]


def test_validate_without_a_file_is_fine_and_a_named_one_must_exist(cli: Cli, tmp_path: Path) -> None:
    assert cli("config", "validate").code == 0
    assert cli("config", "validate", str(tmp_path / "no.yaml")).code == 6


@pytest.mark.parametrize("verb", [["config", "validate"], ["config", "list"], ["hosts", "list"]])
def test_a_token_in_an_open_file_is_code_78(cli: Cli, verb: list[str]) -> None:
    cli("config", "set", "auth_token", input=f"{SECRET}\n")
    cli.file.chmod(0o644)
    result = cli(*verb)
    assert result.code == 78
    assert "chmod 600" in result.err
    assert cli("config", "set", "push_interval", "5s").code == 0  # an edit makes it private again
    assert stat.S_IMODE(cli.file.stat().st_mode) == 0o600


def test_path_names_the_file_in_use(cli: Cli, tmp_path: Path) -> None:
    assert cli("config", "path").out == f"{cli.file}\n"
    assert cli("config", "path", "--config", str(tmp_path / "x.yaml")).out == f"{tmp_path / 'x.yaml'}\n"
