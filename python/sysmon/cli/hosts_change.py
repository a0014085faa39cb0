"""`sysmon hosts tag|archive|rm`: what an administrator changes by hand."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from sysmon.cli import complete
from sysmon.cli.base import CliCommand, common, note, require
from sysmon.cli.exits import CliError, Code
from sysmon.cli.hosts_table import HOST_COLUMNS
from sysmon.cli.output import Output, output_options
from sysmon.format import ago, printable

if TYPE_CHECKING:
    from collections.abc import Sequence


dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


@click.command("tag", cls=CliCommand)
@click.argument("host", shell_complete=complete.hosts)
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE…")
@dry_run_option
@output_options
def tag(host: str, tags: tuple[str, ...], dry_run: bool, out: Output) -> int:
    """Set tags of a host; KEY= takes one away. They win over those that its agent sends.

    \b
    sysmon hosts tag web01 owner=ops rack=12
    sysmon hosts tag web01 rack=

    Asks for the admin token, as `hosts add` does.
    """
    changes = _changes(tags)
    with common().client(admin=True) as client:
        if dry_run:
            found = client.host(host)
            words = [f"{key}={value}" if value else f"{key}=" for key, value in changes.items()]
            note(f"would set {' '.join(words)} at {found['hostname']}")
            return Code.OK
        changed = client.change_host(host, tags=changes)
    out.emit(changed, [{**changed, "_now": time.time()}], HOST_COLUMNS)
    return Code.OK


@click.command("archive", cls=CliCommand)
@click.argument("host", shell_complete=complete.hosts)
@click.option("--undo", is_flag=True, help="Take it back among the others.")
@dry_run_option
@output_options
def archive(host: str, undo: bool, dry_run: bool, out: Output) -> int:
    """Put a host away that will not come back: it is listed apart and warned of no more. Its data stay.

    \b
    sysmon hosts archive web01
    sysmon hosts archive web01 --undo

    A push of it takes it back by itself. Asks for the admin token, as `hosts add` does.
    """
    with common().client(admin=True) as client:
        if dry_run:
            found = client.host(host)
            note(
                f"would {'take back' if undo else 'archive'} {found['hostname']}, which is {found['status']}"
            )
            return Code.OK
        changed = client.change_host(host, archived=not undo)
    out.emit(changed, [{**changed, "_now": time.time()}], HOST_COLUMNS)
    return Code.OK


@click.command("rm", cls=CliCommand)
@click.argument("host", shell_complete=complete.hosts)
@click.option("--yes", is_flag=True, help="Do not ask for its name again.")
@dry_run_option
def remove(host: str, yes: bool, dry_run: bool) -> int:
    """Delete a host and everything it ever sent. This cannot be undone; `archive` keeps its data.

    \b
    sysmon hosts rm web01
    sysmon hosts rm web01 --yes

    An agent that goes on pushing makes a new host. Asks for the admin token, as `hosts add` does.
    """
    with common().client(admin=True) as client:
        found = client.host(host)
        seen = ago(found.get("last_seen"), time.time())
        batches = found["ledger"]["committed"]
        what = f"{printable(host)}: {found['series']} series, {batches} batches, seen {seen}"
        if dry_run:
            note(f"would delete {what}")
            return Code.OK
        if not yes:
            _ask(host, what)
        client.remove_host(host)
    note(f"deleted {what}")
    return Code.OK


def _ask(host: str, what: str) -> None:
    """Ends the command unless the host's name is typed."""
    if not sys.stdin.isatty():
        raise CliError(Code.USAGE, f"nothing was deleted: {what}", "add --yes where nobody can be asked")
    note(what)
    typed = click.prompt("Everything it sent will be gone. Type its name to delete it", default="", err=True)
    require(typed == host, f"nothing was deleted: {typed!r} is not {host!r}")


def _changes(pairs: Sequence[str]) -> dict[str, str | None]:
    """`k=v` sets, `k=` takes away."""
    changes: dict[str, str | None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        require(bool(equals and key), f"{pair!r} is not a tag; expected KEY=VALUE, or KEY= to take it away")
        changes[key] = value or None
    return changes
