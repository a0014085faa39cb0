"""The `sysmon` command: this machine through the native core, the fleet through the aggregator's API.

One file per command; a command's imports happen when it runs, so that `sysmon now` starts fast.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from sysmon import __version__
from sysmon.cli.base import CliGroup, common_params

# Name → module of sysmon.cli that defines it under the same name (a trailing _ avoids Python's words).
_COMMANDS = {
    "up": "up",
    "now": "now",
    "top": "top",
    "status": "status",
    "hosts": "hosts",
    "metrics": "metrics",
    "sql": "sql",
    "db": "db",
    "config": "config",
    "doctor": "doctor",
    "completion": "completion",
    "agent": "agent",
    "token": "token",
    "demo": "demo",
}


class _LazyGroup(CliGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"sysmon.cli.{_COMMANDS[cmd_name]}")
        command: Any = getattr(module, cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command


@click.group(cls=_LazyGroup, params=common_params())
@click.version_option(__version__, prog_name="sysmon")
def main() -> None:
    """Watches Linux hosts: this one with nothing to configure, many from one place.

    \b
    sysmon up                            this machine, dashboard on http://127.0.0.1:9000
    sysmon now cpu memory                one reading of this machine
    sysmon hosts list                    the fleet
    sysmon config set mode distributed   make this host part of a fleet
    """
