"""Runs the `sysmon` command in this process, in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from sysmon import config
from sysmon.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """`cli("hosts", "list")` runs `sysmon hosts list`; `home` is its user's home, `env` its variables."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env: dict[str, str | None] = {"HOME": str(home), "COLUMNS": "100", "TERM": "xterm"}

    @property
    def file(self) -> Path:
        return self.home / ".sysmon" / "agent.yaml"

    def __call__(self, *arguments: str, input: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, env=self.env, input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    def interrupted(self, *arguments: str, url: str) -> Result:
        """Runs it as a process and presses Ctrl-C when the first line is out; `out` is that line."""
        env = {**os.environ, "HOME": str(self.home), "SYSMON_AGGREGATOR_URL": url}
        command = [sys.executable, "-m", "sysmon.cli", *arguments]
        process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        return Result(process.returncode, first, err)


def isolated(home: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A `Cli` that sees nothing of this machine's own settings."""
    for name in [name for name in os.environ if name.startswith("SYSMON_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(config, "SYSTEM_FILE", home / "etc" / "agent.yaml")
    return Cli(home)
