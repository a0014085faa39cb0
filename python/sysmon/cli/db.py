"""`sysmon db`: the embedded store of this machine's aggregator.

All of it is asked of the aggregator that holds the data folder, and done here where none does. What only
reads is also done here where that aggregator cannot be asked: the file can be read beside it.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich.table import Table
from rich.text import Text

from sysmon.cli.base import CliGroup, common, note, warn
from sysmon.cli.data_dir import aggregator_settings, data_dir_option
from sysmon.cli.exits import CliError, Code
from sysmon.cli.output import Column, Output, Row, console, cut, output_options, to_locale, write_json
from sysmon.cli.progress import progress
from sysmon.errors import ApiError
from sysmon.format import clock, duration, number, size

if TYPE_CHECKING:
    from sysmon.aggregator.settings import Settings
    from sysmon.client import Client, Json

PATIENCE_S = 3_600.0  # for work whose time is that of the disk
_SHOWN_HOSTS = 10
_SHOWN_DAMAGE = 20

_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.group(cls=CliGroup)
def db() -> None:
    """Look after the aggregator's database: its size, its health, a copy of it.

    \b
    sysmon db stats
    sysmon db check
    sysmon db backup /var/backups/sysmon.db
    """


@db.command("stats")
@data_dir_option
@output_options
def stats(data_dir: Path | None, out: Output) -> int:
    """Show what fills the database, by tier and host, bytes a sample, and how long the disk lasts.

    \b
    sysmon db stats
    sysmon db stats --format csv --sort -bytes > hosts.csv

    The rows are the hosts; a table shows the largest ten. Growth is measured over the last whole days (at
    most 7) and ends for each tier when its age is reached (`retention`). Every row's head is read, which
    takes some seconds a GiB.
    """
    settings = aggregator_settings(data_dir)

    def once() -> int:
        document = _stats(settings)
        rows = document["hosts"]
        if out.format == "table":
            _print_stats(document)
            rows = rows if out.sort or out.filters else rows[:_SHOWN_HOSTS]
        out.emit(document, rows, _HOST_COLUMNS)
        if len(rows) < len(document["hosts"]) and out.format == "table" and not out.filters:
            note(f"… and {len(document['hosts']) - len(rows)} smaller ones: --sort hostname shows all")
        return Code.OK

    return out.repeat(once)


@db.command("check")
@data_dir_option
@_json_option
def check(data_dir: Path | None, as_json: bool) -> int:
    """Read all of the database and say what of it is damaged; exit code 11 if anything is.

    \b
    sysmon db check
    sysmon db check --data-dir /var/lib/sysmon --json

    SQLite's own check, and the checksum of every row. It changes nothing and keeps nobody waiting, but reads
    the whole file.
    """
    found = _checked(aggregator_settings(data_dir))
    problems, damaged = found["problems"], found["damaged"]
    if as_json:
        write_json(found)
    elif not problems and not damaged:
        click.echo(f"{found['path']}: {number(found['rows'])} rows of samples, all as they were written")
    for text in [] if as_json else problems[:_SHOWN_DAMAGE]:
        warn(text)
    for one in [] if as_json else damaged[:_SHOWN_DAMAGE]:
        warn(f"damaged: {one['table']} of {one['host']} at {clock(one['time'])}")
    if len(damaged) > _SHOWN_DAMAGE and not as_json:
        warn(f"… and {len(damaged) - _SHOWN_DAMAGE} more: --json has all of them")
    if problems or damaged:
        note("Fix: what is damaged is not served; stop the aggregator and put the last backup in its place.")
        return Code.CRITICAL
    return Code.OK


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_dir_option
@_json_option
def backup(file: Path, data_dir: Path | None, as_json: bool) -> int:
    """Copy the database to FILE, a new file, while everything goes on.

    \b
    sysmon db backup /var/backups/sysmon.db

    A copy is one state of the database, synced to the disk when the command ends, and is itself a database.
    To restore it, stop the aggregator, put the copy in the data folder as sysmon.db, remove sysmon.db-wal and
    sysmon.db-shm there, and start it again. An aggregator that runs writes the copy itself, as its own user.
    """
    target = file.absolute()
    if target.exists():
        raise CliError(Code.USAGE, f"{target} exists; a backup never overwrites", "name a new file")
    if not target.parent.is_dir():
        raise CliError(Code.NOT_FOUND, f"there is no folder {target.parent}", f"mkdir {target.parent}")
    settings = aggregator_settings(data_dir)
    client = _holder(settings)
    if client is not None:
        with client, progress("the aggregator writes the copy"):
            done = client.backup(str(target))["bytes"]
    else:
        from sysmon.aggregator.database_file import DATABASE, copy_database

        with progress(f"copying {settings.data_dir}"):
            done = copy_database(settings.data_dir / DATABASE, target, None)
    if as_json:
        write_json({"path": str(target), "bytes": done})
    else:
        click.echo(f"{target}: {to_locale(size(done))}")
    return Code.OK


@db.command("compact")
@data_dir_option
@_json_option
def compact(data_dir: Path | None, as_json: bool) -> int:
    """Pack all samples now, do what is due of roll-ups and retention, and give free space back.

    \b
    sysmon db compact

    An aggregator does this by itself, hour by hour. It is asked to, if one runs; pushes go on meanwhile.
    """
    settings = aggregator_settings(data_dir)
    client = _holder(settings)
    if client is not None:
        with client, progress("the aggregator packs"):
            done = client.compact()
    else:
        from sysmon.aggregator.database_file import DATABASE
        from sysmon.aggregator.embedded import EmbeddedStorage
        from sysmon.aggregator.file_reader import FileReader

        with FileReader(settings.data_dir / DATABASE):
            pass  # what is no database is told, and not set aside for a fresh one, as a start would do
        storage = EmbeddedStorage(
            settings.data_dir, settings.limits, settings.retention, max_db_bytes=settings.max_db_bytes
        )
        try:
            with progress(f"packing {settings.data_dir}"):
                done = dict(storage.maintain("compact"))
        finally:
            storage.close()
    if as_json:
        write_json(done)
    else:
        text = f"{number(done['samples'])} samples packed; the database holds {size(done['bytes'])}"
        click.echo(to_locale(text))
    return Code.OK


def _stats(settings: Settings) -> Json:
    """From the aggregator that holds the folder; read here where nobody does, or it does not tell us."""
    with contextlib.suppress(ApiError, CliError):
        client = _holder(settings)
        if client is not None:
            with client, progress("the aggregator reads its database"):
                return client.database_stats()
    from sysmon.aggregator.database_report import stats_report

    with progress(f"reading {settings.data_dir}"):
        return dict(msgspec.to_builtins(stats_report(settings, time.time_ns() // 1_000_000)))


def _checked(settings: Settings) -> Json:
    """As `_stats`."""
    with contextlib.suppress(ApiError, CliError):
        client = _holder(settings)
        if client is not None:
            with client, progress("the aggregator reads all of its database"):
                return client.database_check()
    from sysmon.aggregator.database_report import check_report

    with progress(f"reading all of {settings.data_dir}"):
        return dict(msgspec.to_builtins(check_report(settings.data_dir)))


def _holder(settings: Settings) -> Client | None:
    """A client of the aggregator that holds the data folder; None where nobody does.

    Raises:
        CliError: somebody holds it, and the configured aggregator is another one.
        ApiError: … or does not answer.
    """
    from sysmon.aggregator.address import url_on_this_machine
    from sysmon.aggregator.folder_lock import is_held
    from sysmon.client import Client

    if not is_held(settings.data_dir):
        return None
    url = common().aggregator or url_on_this_machine(settings)
    token = common().configuration().admin_token(url, settings.data_dir)
    client = Client(url, token, common().timeout_s or PATIENCE_S)
    path = (client.health().get("database") or {}).get("path")
    if path is None:
        raise CliError(
            Code.NOT_ALLOWED,
            f"{client.url} holds {settings.data_dir} and does not take our token",
            "run it as the aggregator's user, or set SYSMON_ADMIN_TOKEN",
        )
    if Path(path).resolve() != settings.data_dir.resolve():
        raise CliError(
            Code.NOT_FOUND,
            f"{settings.data_dir} is held by another aggregator than {client.url}, which keeps {path}",
            "name the one that holds it: --aggregator http://127.0.0.1:PORT",
        )
    return client


def _print_stats(document: Json) -> None:
    out = console()
    out.print(Text(document["path"], style="bold"))
    forecast = document["forecast"]
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True, overflow=cut())
    grid.add_column(overflow="fold")
    room = f"{size(forecast['limit_bytes'])} ({forecast['limit']})"
    wal = f" + WAL {size(document['wal_bytes'])}" if document["wal_bytes"] else ""
    lines = [
        ("size", f"{size(document['bytes'])}{wal}, {size(document['free_bytes'])} of it free"),
        ("journal", f"{number(document['journal_rows'])} rows, {size(document['journal_bytes'])}"),
        ("other", f"{size(document['other_bytes'])}: hosts, process snapshots, events, delivery"),
        ("may hold", room),
    ]
    if forecast["day_bytes"] is not None:
        lines.append(("grows", f"{size(forecast['day_bytes'])} a day, to {size(forecast['final_bytes'])}"))
    lines.append(("forecast", forecast["text"]))
    for title, text in lines:
        grid.add_row(title, Text(to_locale(text)))
    out.print(grid)
    out.print()
    Output(format="table").emit(document, document["tiers"], _TIER_COLUMNS)
    out.print()


def _time(row: Row, key: str) -> str:
    return clock(row[key]) if row[key] is not None else "-"


def _figure(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"


_TIER_COLUMNS = (
    Column("tier", "TIER", lambda row: row["tier"]),
    Column("bytes", "BYTES", lambda row: size(row["bytes"]), right=True),
    Column("chunks", "CHUNKS", lambda row: number(row["chunks"]), right=True, drop=3),
    Column("sample_bytes", "B/SAMPLE", lambda row: _figure(row["sample_bytes"]), right=True),
    Column(
        "day_bytes",
        "A DAY",
        lambda row: "-" if row["day_bytes"] is None else size(row["day_bytes"]),
        right=True,
        drop=2,
    ),
    Column("keep_days", "KEPT", lambda row: duration(row["keep_days"] * 86_400), right=True, drop=1),
    Column("first", "FROM", lambda row: _time(row, "first"), drop=4),
    Column("last", "TO", lambda row: _time(row, "last"), drop=5),
)
_HOST_COLUMNS = (
    Column("hostname", "HOST", lambda row: str(row["hostname"])),
    Column("bytes", "BYTES", lambda row: size(row["bytes"]), right=True),
    Column("journal_bytes", "OF IT JOURNAL", lambda row: size(row["journal_bytes"]), right=True, drop=1),
)
