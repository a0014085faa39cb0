"""`sysmon up`: this machine, nothing to configure."""

from __future__ import annotations

import errno
import logging
import os
import signal
from pathlib import Path

import click

from sysmon.cli.base import CliCommand, common, note, warn
from sysmon.cli.exits import CliError, Code
from sysmon.cli.params import INTERVAL
from sysmon.config import data_folder, host_name
from sysmon.errors import StorageError, SysmonError


@click.command("up", cls=CliCommand, short_help="Watch this machine; nothing to configure.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9000, show_default=True, help="Of the dashboard."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the samples stay.")
@click.option("--interval", type=INTERVAL, default="1s", show_default=True, help="Time between two readings.")
def up(port: int, data_dir: Path | None, interval: float) -> int:
    """Watch this machine: collector, store and dashboard in one process, on loopback, until Ctrl-C.

    \b
    sysmon up
    sysmon up --port 9100 --data-dir ./data

    The samples stay in ~/.local/share/sysmon (as root /var/lib/sysmon) and are there again next time.
    """
    from sysmon.aggregator.storage import DataDirBusyError
    from sysmon.local import run

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    folder = data_dir or data_folder(os.environ)

    def started(url: str) -> None:
        click.echo(url)
        note(f"this machine every {interval:g} s; data in {folder}; Ctrl-C ends it")

    try:
        ended_by = run(folder, port, interval, _hostname(), started)
    except DataDirBusyError as error:
        raise CliError(
            Code.SPOOL_IN_USE, str(error), "open its dashboard, or: sysmon up --data-dir DIR"
        ) from error
    except StorageError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        fix = "name a folder that can be written to: sysmon up --data-dir DIR"
        raise CliError(Code.NOT_ALLOWED, f"the samples cannot be kept: {error}", fix) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        message = f"port {port} is in use on 127.0.0.1: perhaps an aggregator runs already"
        raise CliError(Code.UNEXPECTED, message, "open that one, or: sysmon up --port 9001") from error
    return Code.INTERRUPTED if ended_by == signal.SIGINT else Code.OK


def _hostname() -> str:
    """As the agent's settings say, so that the history goes on where this machine joins a fleet."""
    try:
        return host_name(common().configuration().get("hostname"))
    except SysmonError as error:  # nothing else of them matters here
        warn(str(error))
        return host_name("")
