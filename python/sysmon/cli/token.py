"""`sysmon token`: the shared secret between agents and aggregator."""

from __future__ import annotations

import secrets

import click

from sysmon.cli.base import CliGroup, note
from sysmon.cli.output import write_json

TOKEN_BYTES = 32


@click.group(cls=CliGroup)
def token() -> None:
    """Make a token that agents and aggregator share.

    \b
    sysmon token new
    """


@token.command("new")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def new(as_json: bool) -> None:
    """Print a new random token, and where to put it.

    \b
    sysmon token new
    sysmon token new > token && chmod 600 token

    The token goes to stdout alone; it is not stored anywhere.
    """
    made = secrets.token_urlsafe(TOKEN_BYTES)
    if as_json:
        write_json({"token": made})
    else:
        click.echo(made)
    note("The aggregator: SYSMON_AUTH_TOKEN, or auth_token in ~/.sysmon/aggregator.yaml (mode 0600).")
    note("Each host: sysmon config set auth_token   (asks for it)")
