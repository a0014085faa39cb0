"""Completion: the scripts of three shells, and what is offered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_run import Cli
    from running_aggregator import RunningAggregator


def offered(cli: Cli, line: str) -> list[str]:
    """What bash would be offered at the end of the line."""
    words = line.split(" ")
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SYSMON_")},
        **{key: value for key, value in cli.env.items() if value is not None},
        "_SYSMON_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    program = "from sysmon.cli import main; main(prog_name='sysmon')"
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    return [found.partition(",")[2] for found in result.stdout.splitlines() if found]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_that_shell(cli: Cli, shell: str, tmp_path: Path) -> None:
    result = cli("completion", shell)
    assert (result.code, "_SYSMON_COMPLETE" in result.out) == (0, True)
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(result.out)
        subprocess.run([shell, "-n", str(script)], check=True, timeout=30)


def test_another_shell_is_code_2(cli: Cli) -> None:
    assert cli("completion", "tcsh").code == 2


def test_commands_and_options_are_completed(cli: Cli) -> None:
    assert offered(cli, "sysmon ho") == ["hosts"]
    assert offered(cli, "sysmon db ba") == ["backup"]
    assert "--format" in offered(cli, "sysmon hosts list --fo")


def test_types_and_keys_are_completed(cli: Cli) -> None:
    assert offered(cli, "sysmon metrics explain load.avg") == ["load.avg1", "load.avg5", "load.avg15"]
    assert "push_interval" in offered(cli, "sysmon config get push_")


@pytest.mark.parametrize(
    "line",
    [
        "hosts show we",
        "hosts compare db01 we",
        "hosts rm we",
        "top we",
        "metrics query x --host we",
        "metrics export --host we",
    ],
)
def test_hosts_are_completed(cli: Cli, aggregator: RunningAggregator, line: str) -> None:
    for host in ("web01", "web02", "db01"):
        aggregator.push(host, [("own.m", 1.0)])
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    assert offered(cli, f"sysmon {line}") == ["web01", "web02"]


def test_hosts_are_kept_for_a_minute(cli: Cli, aggregator: RunningAggregator) -> None:
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    aggregator.push("web01", [("own.m", 1.0)])
    assert offered(cli, "sysmon hosts show ") == ["web01"]
    aggregator.push("web02", [("own.m", 1.0)])
    assert offered(cli, "sysmon hosts show ") == ["web01"]
    cache = cli.home / ".cache" / "sysmon" / "hosts.json"
    assert cache.stat().st_mode & 0o777 == 0o600
    old = json.loads(cache.read_text())
    cache.write_text(json.dumps({**old, "time": old["time"] - 61}))
    assert offered(cli, "sysmon hosts show ") == ["web01", "web02"]
    cache.write_text("nonsense")
    assert offered(cli, "sysmon hosts show ") == ["web01", "web02"]
    cli.env["SYSMON_AGGREGATOR_URL"] = "http://127.0.0.1:1"  # another aggregator, and nobody there
    assert offered(cli, "sysmon hosts show ") == []
