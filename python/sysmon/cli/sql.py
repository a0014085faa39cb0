"""`sysmon sql`: hosts and samples as tables, read from the aggregator's own file."""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.table import Table
from rich.text import Text

from sysmon.cli.base import CliCommand, common, note
from sysmon.cli.data_dir import aggregator_settings, data_dir_option
from sysmon.cli.exits import CliError, Code
from sysmon.cli.output import FORMATS, console, cut
from sysmon.cli.row_stream import cell_text, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TIMEOUT_S = 10.0
TABLE_ROWS = 10_000  # a table is as wide as its widest row, so all of it is held


@click.command("sql", cls=CliCommand, short_help="Ask the aggregator's database with SQL, read-only.")
@click.argument("statement")
@data_dir_option
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True,
              help="How to write it.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document: --format json.")
@click.option("--no-headers", is_flag=True, help="No line of headings.")
def sql(
    statement: str,
    data_dir: Path | None,
    format_: Literal["table", "json", "jsonl", "csv", "plain"],
    as_json: bool,
    no_headers: bool,
) -> int:
    """Ask the database of this machine's aggregator with one SELECT; `-` reads it from stdin.

    \b
    sysmon sql "SELECT hostname, status FROM hosts"
    sysmon sql "SELECT host, avg(value) FROM metrics
                WHERE type = 'cpu.total_usage' AND timestamp > unixepoch() - 3600 GROUP BY host"
    sysmon sql "SELECT * FROM metrics WHERE type LIKE 'disk.%' AND step = '1h' AND agg = 'max'" --format csv

    Tables: hosts(hostname, last_seen, tags, version, status), metrics(timestamp, type, host, tags, value).
    Times are Unix seconds, tags are JSON (`tags ->> 'device'`). With `step` (and `agg`: avg, min, max, last,
    rate, sum) a row of metrics is a cell of that width, read from rolled-up data where there is some.

    It reads beside a running aggregator and changes nothing. Name host, type and timestamp: what they leave
    out is not read. A table has at most 10,000 rows (exit code 7 if there are more), the other formats all.
    """
    from sysmon.aggregator.sql import (
        TABLES,
        SqlArgumentError,
        SqlError,
        SqlRefusedError,
        SqlSession,
        SqlTimeoutError,
    )

    text = sys.stdin.read() if statement == "-" else statement
    timeout_s = common().timeout_s or TIMEOUT_S
    try:
        with SqlSession(aggregator_settings(data_dir), time.time_ns() // 1_000_000) as session:
            columns, rows = session.run(text, timeout_s)
            if as_json or format_ != "table":
                kind = "json" if as_json else format_
                write_rows(_distinct(columns), rows, kind, headers=not no_headers)  # type: ignore[arg-type]
                return Code.OK
            return _write_table(columns, rows, headers=not no_headers)
    except SqlTimeoutError as error:
        fix = "name host, type or a shorter time in WHERE, ask with a step, or wait longer: --timeout 60"
        raise CliError(Code.UNREACHABLE, str(error), fix) from error
    except SqlRefusedError as error:
        raise CliError(Code.NOT_ALLOWED, str(error)) from error
    except (SqlError, SqlArgumentError) as error:
        raise CliError(Code.USAGE, f"SQL: {error}", f"there are {' and '.join(TABLES)}") from error


def _write_table(columns: Sequence[str], rows: Iterator[Sequence[Any]], *, headers: bool) -> int:
    kept = list(islice(rows, TABLE_ROWS))
    more = next(rows, None) is not None
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=headers, header_style="bold")
    for at, name in enumerate(columns):
        numbers = all(isinstance(row[at], int | float | None) for row in kept)
        table.add_column(Text(cell_text(name)), justify="right" if numbers else "left", overflow=cut())
    for row in kept:
        table.add_row(*(Text(cell_text(value)) for value in row))
    console().print(table)
    if more:
        note(f"only the first {TABLE_ROWS:,} rows; --format csv or jsonl has all of them")
    return Code.PARTIAL if more else Code.OK


def _distinct(columns: Sequence[str]) -> list[str]:
    """Names of which no two are the same, so that each is a key: a, a_2."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names
