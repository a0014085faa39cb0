"""`sysmon hosts`: the fleet as the aggregator knows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from sysmon.cli.base import CliGroup, common, note, require
from sysmon.cli.exits import Code
from sysmon.cli.hosts_change import archive, dry_run_option, remove, tag
from sysmon.cli.hosts_compare import compare
from sysmon.cli.hosts_show import show
from sysmon.cli.hosts_table import HOST_COLUMNS
from sysmon.cli.output import Output, output_options
from sysmon.format import tag_text

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group(cls=CliGroup)
def hosts() -> None:
    """Show the hosts of the fleet, one, or what differs between several.

    \b
    sysmon hosts list
    sysmon hosts show web01
    sysmon hosts compare web01 web02
    """


@hosts.command("list")
@click.option(
    "--status",
    type=click.Choice(["online", "stale", "offline", "archived"]),
    help="Only hosts in this state.",
)
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only hosts with this tag (repeatable)."
)
@output_options
def list_hosts(status: str | None, tags: tuple[str, ...], out: Output) -> int:
    """List the registered hosts, their state and how busy they are.

    \b
    sysmon hosts list
    sysmon hosts list --tag role=database --sort -cpu
    """
    wanted = [f"{key}:{value}" for key, value in parse_tags(tags).items()]

    def once() -> int:
        with common().client() as client:
            answer = client.hosts(status=status, tags=wanted)
        now = time.time()
        rows = [{**host, "_now": now} for host in answer["hosts"]]
        out.emit(answer, rows, HOST_COLUMNS)
        if not rows and out.format == "table":
            click.echo("No hosts yet. On a Linux host: sysmon config set mode distributed", err=True)
        return 0

    return out.repeat(once)


@hosts.command("add")
@click.argument("name")
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]…")
@dry_run_option
@output_options
def add_host(name: str, tags: tuple[str, ...], dry_run: bool, out: Output) -> int:
    """Register a host by hand, before its agent has pushed.

    \b
    sysmon hosts add web02 role=web-server datacenter=us-east-1

    Asks for the admin token: SYSMON_ADMIN_TOKEN, or on the aggregator's own machine the one in its data
    folder.
    """
    wanted = parse_tags(tags)
    # Without one, the aggregator's own refusal says what is missing.
    with common().client(admin=True) as client:
        if dry_run:
            known = any(one["hostname"] == name for one in client.hosts()["hosts"])
            note(
                f"{name} is registered already"
                if known
                else f"would register {name} {tag_text(wanted)}".rstrip()
            )
            return Code.OK
        host = client.add_host(name, wanted)
    out.emit(host, [{**host, "_now": time.time()}], HOST_COLUMNS)
    return 0


hosts.add_command(show)
hosts.add_command(compare)
hosts.add_command(tag)
hosts.add_command(archive)
hosts.add_command(remove)


def parse_tags(pairs: Sequence[str]) -> dict[str, str]:
    """`role=web` words as a mapping; ends the command with a usage error on anything else."""
    tags = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        require(
            bool(equals and key and value),
            f"{pair!r} is not a tag; expected KEY=VALUE, such as role=database",
        )
        tags[key] = value
    return tags
