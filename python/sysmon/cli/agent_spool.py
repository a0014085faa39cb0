"""`sysmon agent spool`: what this host's agent has not delivered, read by the native core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from sysmon.cli.base import CliCommand, common, warn
from sysmon.cli.exits import CliError, Code
from sysmon.cli.output import Column, Output, Row, console, cut, output_options, to_locale
from sysmon.format import clock, number, printable, size


@click.command("spool", cls=CliCommand)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False),
    help="Its folder [default: spool.dir of the agent's settings].",
)  # fmt: skip
@output_options
def spool(folder: Path | None, out: Output) -> int:
    """Show the batches that wait, those given up or refused, and what is damaged; an agent may be at work.

    \b
    sysmon agent spool
    sysmon agent spool --json
    sysmon agent spool --dir /var/lib/sysmon-agent/spool

    The table has a line for batches that follow each other; --json has every batch. Of an agent that runs as
    a service the folder is /var/lib/sysmon-agent/spool. Exit code 6 where there is no spool, 78 where it lies
    open to others.
    """
    where = folder or common().configuration().spool_folder

    def once() -> int:
        found = look(where)
        if out.format == "table":
            _summary(found)
        for place in found["damage"]:
            warn(_damage_text(place))
        if found["ranges"] or out.format != "table":
            out.emit(found, found["ranges"], _COLUMNS)
        return Code.OK

    return out.repeat(once)


def look(folder: Path) -> dict[str, Any]:
    """What `sysmon-agent --dump-spool --json` says of a folder.

    Raises:
        CliError: there is none, it may not be read, or it is not private.
    """
    from sysmon import look_at_spool

    try:
        found: dict[str, Any] = json.loads(look_at_spool(str(folder)))
    except FileNotFoundError as error:
        fix = "name its folder: --dir DIR; as a service it is /var/lib/sysmon-agent/spool"
        raise CliError(Code.NOT_FOUND, str(error), fix) from error
    except PermissionError as error:
        raise CliError(Code.NOT_ALLOWED, str(error), "run it as the agent's user, or as root") from error
    except ValueError as error:
        raise CliError(Code.UNSAFE_FILE, str(error)) from error
    return found


def _summary(found: dict[str, Any]) -> None:
    segments, cursor = found["segments"], found["cursor"]
    position = "none"
    if cursor:
        position = f"{cursor['file']} at {cursor['offset']}"
        if "seq" in cursor:
            position += f", expects batch {cursor['seq']} of stream {cursor['stream']}"
    dropped = sum(one["last"] - one["first"] + 1 for one in found["dropped"])
    lines = (
        ("folder", found["folder"]),
        ("agent", found["agent_id"] or "none yet"),
        ("cursor", position),
        ("segments", f"{len(segments)}, {size(sum(one['bytes'] for one in segments))}"),
        ("waiting", f"{len(found['waiting']):,} batches"),
        ("dropped", f"{dropped:,} batches not yet acknowledged as lost"),
        ("quarantined", f"{len(found['quarantined']):,} batches"),
        ("damage", f"{len(found['damage'])} places" if found["damage"] else "none"),
    )
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, overflow=cut())
    table.add_column(overflow="fold")
    for title, text in lines:
        table.add_row(title, Text(to_locale(printable(text))))
    console().print(table)


def _damage_text(place: dict[str, Any]) -> str:
    if not place["bytes"]:
        return f"{place['file']} cannot be read"
    return f"{place['file']} is damaged at {place['offset']}: {place['bytes']} bytes are no record"


def _time(row: Row, key: str) -> str:
    return clock(row[key]) if key in row else ""


_COLUMNS = (
    Column("fate", "FATE", lambda row: f"{row['fate']}: {row['reason']}" if "reason" in row else row["fate"]),
    Column("stream", "STREAM", lambda row: row["stream"], drop=3),
    Column("first", "FIRST", lambda row: str(row["first"]), right=True),
    Column("last", "LAST", lambda row: str(row["last"]), right=True),
    Column("batches", "BATCHES", lambda row: number(row["batches"]), right=True),
    Column("samples", "SAMPLES", lambda row: number(row["samples"]), right=True, drop=1),
    Column("bytes", "SIZE", lambda row: size(row["bytes"]), right=True),
    Column("since", "SINCE", lambda row: _time(row, "since"), drop=2),
    Column("until", "UNTIL", lambda row: _time(row, "until"), drop=1),
    Column("reason", "REASON", lambda row: row.get("reason", ""), drop=4),
)
