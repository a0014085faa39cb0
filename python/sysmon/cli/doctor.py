"""`sysmon doctor`: everything that may be wrong with this machine's part of sysmon, each with its fix."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from rich.text import Text

from sysmon.cli.base import CliCommand, common
from sysmon.cli.exits import Code
from sysmon.cli.output import console, symbol, to_locale, write_json
from sysmon.format import printable

if TYPE_CHECKING:
    from sysmon.doctor.result import Check

TIMEOUT_S = 5.0
_SIGNS = {"ok": ("✓", "+"), "warn": ("!", "!"), "fail": ("✗", "x"), "skip": ("·", "-")}
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}


@click.command("doctor", cls=CliCommand, short_help="Check everything, each with its fix.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def doctor(as_json: bool) -> int:
    """Check configuration, the way to the aggregator, agent and database of this machine, each with its fix.

    \b
    sysmon doctor
    sysmon doctor --json | jq '.checks[] | select(.status == "fail")'

    Where this host has a token, one sample of type doctor.round_trip is sent and read back. Exit code 10 with
    warnings, 11 where something failed.
    """
    from sysmon.doctor import examine
    from sysmon.doctor.subject import Subject

    options = common()
    subject = Subject(
        environment=os.environ,
        config_file=options.config_file,
        flags={"aggregator_url": options.aggregator} if options.aggregator else {},
        timeout_s=options.timeout_s or TIMEOUT_S,
    )
    checks: list[Check] = []
    for check in examine(subject):
        checks.append(check)
        if not as_json:
            _print(check)
    counts = {status: sum(check.status == status for check in checks) for status in _SIGNS}
    if as_json:
        write_json({"checks": [check._asdict() for check in checks], **counts})
    else:
        names = {"ok": "ok", "warn": "warnings", "fail": "failed", "skip": "skipped"}
        click.echo("\n" + ", ".join(f"{counts[status]} {name}" for status, name in names.items()))
    if counts["fail"]:
        return Code.CRITICAL
    return Code.WARNINGS if counts["warn"] else Code.OK


def _print(check: Check) -> None:
    screen = console()
    line = Text(f"{symbol(*_SIGNS[check.status])} ", style=_STYLES[check.status])
    line.append(f"{check.id:<14}", style="bold" if check.status in {"warn", "fail"} else "")
    line.append(to_locale(printable(check.detail)), style="dim" if check.status == "skip" else "default")
    screen.print(line)
    if check.fix:
        screen.print(Text(f"{'':16}fix: {to_locale(printable(check.fix))}"))
