"""`sysmon metrics export`: every sample of a range, however many, as csv, jsonl or Parquet on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import click

from sysmon.cli import complete
from sysmon.cli.base import CliCommand, common, note, require
from sysmon.cli.exits import CliError, Code
from sysmon.cli.params import SINCE
from sysmon.cli.progress import progress
from sysmon.cli.row_stream import write_rows
from sysmon.format import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sysmon.client import Client, Json

Row = tuple[float, str, str, Any, float, str]
COLUMNS = ("time", "host", "type", "tags", "value", "unit")
_GROUP_ROWS = 100_000  # of Parquet: a group is compressed as one, and held until then


@click.command("export", cls=CliCommand)
@click.argument("types", nargs=-1, metavar="[TYPE…]", shell_complete=complete.types)
@click.option("--host", "hosts", multiple=True, shell_complete=complete.hosts,
              help="Only this host (repeatable) [default: all].")  # fmt: skip
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only series with this tag (repeatable)."
)
@click.option("--since", type=SINCE, default="1h", show_default=True, help="How far back.")
@click.option("--until", type=SINCE, help="End so long ago [default: now].")
@click.option("--step", type=SINCE, help="Width of a cell [default: the stored samples].")
@click.option("--agg", type=click.Choice(["avg", "min", "max", "last", "rate"]),
              help="What a cell says [default: avg; rate for counters].")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv",
              show_default=True, help="How to write it.")  # fmt: skip
@click.option("--no-headers", is_flag=True, help="No line of headings (csv).")
def export(
    types: tuple[str, ...],
    hosts: tuple[str, ...],
    tags: tuple[str, ...],
    since: float,
    until: float | None,
    step: float | None,
    agg: str | None,
    format_: Literal["csv", "jsonl", "parquet"],
    no_headers: bool,
) -> int:
    """Write every sample of a range to stdout, host by host; a name may end in `*`, no name is every metric.

    \b
    sysmon metrics export --since 24h > day.csv
    sysmon metrics export cpu.total_usage 'memory.*' --host web01 --since 7d --format jsonl > web01.jsonl
    sysmon metrics export --since 30d --step 5m --format parquet > month.parquet

    Columns: time (Unix seconds; in Parquet a timestamp in milliseconds, UTC), host, type, tags (JSON), value,
    unit. Memory is that of some pages, however long the range. Parquet needs pyarrow, which
    `pip install 'sysmon[export]'` brings.

    Exit code 7 where nothing was stored in the range.
    """
    from sysmon.cli.hosts import parse_tags
    from sysmon.cli.sample_pages import Question, pages

    require(until is None or since > until, "--since must reach further back than --until")
    require(agg is None or step is not None, "--agg says what a cell is made of: give its width, --step 5m")
    arrow = _pyarrow() if format_ == "parquet" else None
    require(
        arrow is None or not sys.stdout.isatty(),
        "Parquet is no text",
        "sysmon metrics export --format parquet > samples.parquet",
    )
    now = time.time()
    with common().client() as client:
        question = Question(
            hosts=hosts or _every_host(client),
            types=types,
            tags=[f"{key}:{value}" for key, value in parse_tags(tags).items()],
            start=now - since,
            end=now - (until or 0.0),
            step_s=step,
            agg=agg,
        )
        rows = (
            row
            for page in pages(client, question)
            for series in page
            for row in _rows(series, tags_as_text=format_ != "jsonl")
        )
        # On a terminal the rows themselves are the progress.
        with contextlib.nullcontext() if sys.stdout.isatty() else progress("exporting"):
            if arrow is not None:
                count = write_parquet(arrow, rows)
            else:
                kind: Literal["csv", "jsonl"] = "jsonl" if format_ == "jsonl" else "csv"
                count = write_rows(COLUMNS, rows, kind, headers=not no_headers)
    if not count:
        note(f"no samples in the last {duration(since)}")
    return Code.OK if count else Code.PARTIAL


def _every_host(client: Client) -> list[str]:
    return [host["hostname"] for host in client.hosts()["hosts"] if host["status"] != "archived"]


def _rows(series: Json, *, tags_as_text: bool) -> Iterator[Row]:
    """What is there; cells without a sample are left out."""
    host, metric, tags, unit = (series[key] for key in ("host", "type", "tags", "unit"))
    if tags_as_text:
        tags = json.dumps(tags, ensure_ascii=False)
    for then, value in zip(series["times"], series["values"], strict=True):
        if value is not None:
            yield then, host, metric, tags, value, unit


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise CliError(
            Code.USAGE, f"Parquet needs pyarrow: {error}", "pip install 'sysmon[export]', or --format csv"
        ) from error
    return pyarrow


def write_parquet(arrow: Any, rows: Iterable[Row]) -> int:
    """Writes one Parquet file to stdout, a group of rows at a time; returns how many there were."""
    name = arrow.dictionary(arrow.int32(), arrow.string())
    schema = arrow.schema(
        [
            ("time", arrow.timestamp("ms", tz="UTC")),
            ("host", name),
            ("type", name),
            ("tags", name),
            ("value", arrow.float64()),
            ("unit", name),
        ]
    )
    count = 0
    iterator = iter(rows)
    with arrow.parquet.ParquetWriter(sys.stdout.buffer, schema, compression="zstd") as writer:
        for first in iterator:
            group = [first, *islice(iterator, _GROUP_ROWS - 1)]
            times, hosts, types, tags, values, units = zip(*group, strict=True)
            columns = [
                [round(then * 1000) for then in times],
                hosts,
                types,
                tags,
                values,
                units,
            ]
            arrays = [arrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            count += len(group)
    return count
