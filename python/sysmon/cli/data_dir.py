"""Commands that work on the aggregator's data folder itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sysmon.cli.exits import CliError, Code
from sysmon.config import aggregator_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from sysmon.aggregator.settings import Settings

F = TypeVar("F", bound="Callable[..., Any]")


def data_dir_option(function: F) -> F:
    """Adds --data-dir to a command, which receives it as `data_dir: Path | None`."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="The aggregator's data folder [default: as in its settings].",
    )(function)


def aggregator_settings(data_dir: Path | None) -> Settings:
    """The settings of this machine's aggregator, over the named folder or its own.

    Raises:
        CliError: there is no database in it, or it may not be read.
        ConfigError: the settings are not valid.
    """
    from sysmon.aggregator.database_file import DATABASE
    from sysmon.aggregator.settings import load_settings

    settings, _ = load_settings({"data_dir": data_dir}, os.environ, aggregator_file(os.environ))
    path = settings.data_dir / DATABASE
    try:
        is_readable = os.access(path, os.R_OK) and path.stat().st_size >= 0
        exists = is_readable or path.exists()
    except PermissionError:
        is_readable, exists = False, True
    if not exists:
        raise CliError(
            Code.NOT_FOUND,
            f"there is no database in {settings.data_dir}",
            "run it on the aggregator's machine, or name its folder: --data-dir DIR",
        )
    if not is_readable:
        raise CliError(Code.NOT_ALLOWED, f"{path} may not be read", "run it as the aggregator's user")
    return settings
