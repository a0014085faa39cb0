"""`sysmon agent`: the native agent of this host, its spool and its service."""

from __future__ import annotations

from pathlib import Path

import click

from sysmon.cli.agent_spool import spool
from sysmon.cli.base import CliGroup, note
from sysmon.cli.exits import Code
from sysmon.cli.service_files import Service, install_service, remove_service

_root_option = click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path("/"), hidden=True,
    help="A tree instead of /, such as that of an image; nothing is started then.",
)  # fmt: skip
_which_argument = click.argument(
    "which", type=click.Choice(["agent", "aggregator"]), default="agent", metavar="[agent|aggregator]"
)
_dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


@click.group(cls=CliGroup)
def agent() -> None:
    """Show what the agent has not delivered; run it as a service of systemd.

    \b
    sysmon agent spool
    sysmon agent service install
    sysmon agent service remove
    """


agent.add_command(spool)


@agent.group("service", cls=CliGroup)
def service() -> None:
    """Install or remove the systemd unit of the agent, or of the aggregator.

    \b
    sysmon agent service install
    sysmon agent service install aggregator
    """


@service.command("install")
@_which_argument
@click.option("--behind-proxy", is_flag=True, help="Of the aggregator: only this machine may connect.")
@click.option("--no-start", is_flag=True, help="Write the unit; neither enable nor start it.")
@_dry_run_option
@_root_option
def install(which: str, behind_proxy: bool, no_start: bool, dry_run: bool, root: Path) -> int:
    """Write the unit, enable it and start it; again after an upgrade does no harm. Needs root.

    \b
    sysmon agent service install
    sysmon agent service install aggregator --behind-proxy

    The agent's settings are /etc/sysmon/agent.yaml, the aggregator's /etc/sysmon/aggregator.yaml, the token
    of both is /etc/sysmon/token; all of them belong to root, and the service gets copies. It runs as a user
    of its own that owns nothing but its state in /var/lib.
    """
    wanted = Service(f"sysmon-{which}", root, dry_run)
    for line in install_service(wanted, behind_proxy=behind_proxy, start=not no_start):
        note(line)
    return Code.OK


@service.command("remove")
@_which_argument
@_dry_run_option
@_root_option
def remove(which: str, dry_run: bool, root: Path) -> int:
    """Stop the service and delete its unit. Settings and data stay. Needs root.

    \b
    sysmon agent service remove
    """
    for line in remove_service(Service(f"sysmon-{which}", root, dry_run)):
        note(line)
    return Code.OK
