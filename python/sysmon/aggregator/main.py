"""The `sysmon-aggregator` command: settings, the application, its server and its exit codes."""

from __future__ import annotations

import logging
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sysmon.aggregator.settings import load_settings
from sysmon.errors import ConfigError, SysmonError, UnsafeFileError

if TYPE_CHECKING:
    from sysmon.aggregator.service import Aggregator

log = logging.getLogger("sysmon.aggregator")

EXIT_UNEXPECTED: Final = 1
EXIT_CONFIG: Final = 3
EXIT_BUSY: Final = 75
EXIT_UNSAFE: Final = 78

_HOW_TO_START = (
    "no token, so nobody could push. Make one and give it to the agents too:\n"
    "  mkdir -p ~/.sysmon && (umask 077; sysmon token new > ~/.sysmon/token)\n"
    "  SYSMON_AUTH_TOKEN_FILE=~/.sysmon/token sysmon-aggregator"
)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.  [default: 9000]"
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the database.  [default: /var/lib/sysmon as root, else ~/.local/share/sysmon]",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file.  [default: ~/.sysmon/aggregator.yaml]",
)
@click.option("--debug", is_flag=True, help="Log more, and show a traceback for an error.")
def main(host: str | None, port: int | None, data_dir: Path | None, config: Path | None, debug: bool) -> None:
    """Receives metrics from many hosts, stores them, and serves the dashboard and the API.

    \b
    Example:
      SYSMON_AUTH_TOKEN_FILE=~/.sysmon/token sysmon-aggregator --port 9000

    Every option is also a setting of the file and a variable SYSMON_*; tokens are only taken from those.
    SIGHUP reads the tokens again.
    """
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        _run({"host": host, "port": port, "data_dir": data_dir}, config)
    except SysmonError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(exit_code(error))
    except OSError as error:
        if debug:
            raise
        click.echo(f"error: {error.strerror or error}; --port takes another port", err=True)
        sys.exit(EXIT_UNEXPECTED)


def exit_code(error: SysmonError) -> int:
    """The exit code that tells a program what went wrong."""
    from sysmon.aggregator.storage import DataDirBusyError

    if isinstance(error, UnsafeFileError):
        return EXIT_UNSAFE
    if isinstance(error, ConfigError):
        return EXIT_CONFIG
    return EXIT_BUSY if isinstance(error, DataDirBusyError) else EXIT_UNEXPECTED


def _run(flags: dict[str, Any], config: Path | None) -> None:
    settings, warnings = load_settings(flags, os.environ, config)
    if not settings.auth_tokens:
        raise ConfigError(_HOW_TO_START)
    for warning in warnings:
        log.warning("%s", warning)
    _raise_file_limit()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the tokens
    from sysmon.aggregator.service import Aggregator

    with Aggregator(settings) as aggregator:
        for warning in aggregator.warnings:
            log.warning("%s", warning)
        aggregator.serve(on_start=_announce, on_reload=lambda: _reload(aggregator, flags, config))


def _announce(url: str) -> None:
    click.echo(f"sysmon-aggregator: {url}")
    sys.stdout.flush()


def _reload(aggregator: Aggregator, flags: dict[str, Any], config: Path | None) -> None:
    try:
        settings, _ = load_settings(flags, os.environ, config)
        if not settings.auth_tokens:
            raise ConfigError("no token")
    except SysmonError as error:
        log.error("tokens not read again: %s; the old ones stay", error)
        return
    aggregator.reload(settings)
    log.info("tokens read again: %d may push", len(settings.auth_tokens))


def _raise_file_limit() -> None:
    """A connection is a descriptor, and ten thousand agents keep theirs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
