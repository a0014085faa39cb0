"""`sysmon metrics`: what is measured and how (the registry), and what was measured (the aggregator)."""

from __future__ import annotations

import difflib
import fnmatch
import time
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from sysmon.cli import complete
from sysmon.cli.base import CliGroup, common, require
from sysmon.cli.exits import CliError, Code
from sysmon.cli.metrics_export import export
from sysmon.cli.output import Column, Output, Row, console, cut, is_ascii, output_options, to_locale
from sysmon.cli.params import SINCE
from sysmon.cli.progress import progress
from sysmon.format import clock, duration, printable, quantity, sparkline, tag_text

if TYPE_CHECKING:
    from sysmon import MetricInfo
    from sysmon.client import Json

TREND, WIDE_TREND, WIDE = (
    24,
    48,
    140,
)  # cells of a sparkline, and the terminal's width from which there are more


@click.group(cls=CliGroup)
def metrics() -> None:
    """Explain what is measured, and query what was measured.

    \b
    sysmon metrics list
    sysmon metrics explain cpu.total_usage
    sysmon metrics query cpu.total_usage --host web01 --since 6h
    sysmon metrics export --since 24h > day.csv
    """


metrics.add_command(export)


@metrics.command("list")
@click.argument("pattern", required=False)
@output_options
def list_metrics(pattern: str | None, out: Output) -> int:
    """List every metric that this version can collect; PATTERN is a family or a name with `*`.

    \b
    sysmon metrics list
    sysmon metrics list diskio
    sysmon metrics list '*_bytes'
    """
    infos = [info for info in _registry() if pattern is None or _fits(info.name, pattern)]
    if not infos:
        raise _unknown(str(pattern))
    rows = [describe(info) for info in infos]
    out.emit({"types": rows, "count": len(rows)}, rows, _LIST_COLUMNS)
    return Code.OK


@metrics.command("explain")
@click.argument("type_", metavar="TYPE", shell_complete=complete.types)
@output_options
def explain(type_: str, out: Output) -> int:
    """Explain one metric: unit, kind, tags, where it is read and how it is computed.

    \b
    sysmon metrics explain memory.used_bytes
    """
    info = next((info for info in _registry() if info.name == type_), None)
    if info is None:
        raise _unknown(type_)
    row = describe(info)
    if out.format != "table":
        out.emit(row, [row], _LIST_COLUMNS)
        return Code.OK
    screen = console()
    screen.print(Text(info.name, style="bold"))
    screen.print(Text(to_locale(info.help)))
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True, overflow=cut())
    grid.add_column(overflow="fold")
    for title, text in (
        ("unit", info.unit or "count"),
        ("kind", info.kind + (": grows within a boot, read as a rate" if info.kind == "counter" else "")),
        ("tags", ", ".join(info.tags) or "none"),
        ("source", info.source),
        ("formula", info.formula or "the field itself"),
        ("since", f"Linux {info.since}" if info.since else "always"),
        ("read", interval_text(info)),
        (
            "default",
            "on" if info.default_on else f"off: add {info.name.split('.')[0]!r} to collectors.enable",
        ),
    ):
        grid.add_row(title, Text(to_locale(printable(text))))
    screen.print(grid)
    return Code.OK


@metrics.command("query")
@click.argument("types", nargs=-1, required=True, metavar="TYPE…", shell_complete=complete.types)
@click.option("--host", help="Only this host [default: all].", shell_complete=complete.hosts)
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Only series with this tag (repeatable)."
)
@click.option("--since", type=SINCE, default="1h", show_default=True, help="How far back.")
@click.option("--until", type=SINCE, help="End so long ago [default: now].")
@click.option(
    "--step", type=SINCE, help="Width of a cell [default: what fits; in csv and jsonl the stored samples]."
)
@click.option("--agg", type=click.Choice(["avg", "min", "max", "last", "rate"]),
              help="What a cell says [default: avg; rate for counters].")  # fmt: skip
@output_options
def query(
    types: tuple[str, ...],
    host: str | None,
    tags: tuple[str, ...],
    since: float,
    until: float | None,
    step: float | None,
    agg: str | None,
    out: Output,
) -> int:
    """Query samples of one or more metrics; a name may end in `*`.

    \b
    sysmon metrics query cpu.total_usage --host web01 --since 6h
    sysmon metrics query 'disk.*' --tag mountpoint=/ --since 24h --step 1h --json
    sysmon metrics query network.bytes_recv --format csv > traffic.csv

    Exit code 7 where nothing was stored in the range.
    """
    from sysmon.cli.hosts import parse_tags

    wanted = [f"{key}:{value}" for key, value in parse_tags(tags).items()]

    def once() -> int:
        now = time.time()
        start, end = now - since, now - (until or 0.0)
        width = step
        if width is None and (out.format == "table" or agg is not None):
            width = max(1.0, round((end - start) / (WIDE_TREND if console().width >= WIDE else TREND)))
        with common().client() as client, progress(f"asking {client.url}"):
            answer = client.metrics(
                types=types, host=host, tags=wanted, start=start, end=end, step_s=width, agg=agg
            )
        rates = agg in {None, "rate"} and width is not None
        if out.format == "table":
            rows = [_summary(series, rates=rates) for series in answer["series"]]
            out.emit(answer, [row for row in rows if row["last"] is not None], _SERIES_COLUMNS)
        else:
            out.emit(answer, _samples(answer, rates=rates), _SAMPLE_COLUMNS)
        found = any(value is not None for series in answer["series"] for value in series["values"])
        if not found:
            click.echo(
                f"no samples of {', '.join(map(printable, types))} in the last {duration(since)}", err=True
            )
        return Code.OK if found else Code.PARTIAL

    require(since > (until or 0.0) or until is None, "--since must reach further back than --until")
    return out.repeat(once)


def describe(info: MetricInfo) -> Row:
    """A registry entry with the API's keys (GET /api/metrics/types)."""
    return {
        "type": info.name,
        "unit": info.unit,
        "kind": info.kind,
        "tags": list(info.tags),
        "help": info.help,
        "source": info.source,
        "formula": info.formula,
        "since": info.since,
        "default_on": info.default_on,
        "interval": info.interval_s,
    }


def interval_text(info: MetricInfo) -> str:
    """How often a metric is read, in words."""
    return f"at most every {duration(info.interval_s)}" if info.interval_s else "every tick"


def _registry() -> list[MetricInfo]:
    from sysmon import registry

    return registry()


def _fits(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")


def _unknown(name: str) -> CliError:
    near = difflib.get_close_matches(name, [info.name for info in _registry()], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return CliError(Code.NOT_FOUND, f"no metric {name!r}.{hint}", "sysmon metrics list")


def _summary(series: Json, *, rates: bool) -> Row:
    values: list[float | None] = series["values"]
    seen = [value for value in values if value is not None]
    rate = rates and series["kind"] == "counter"
    return {
        **series,
        "rate": rate,
        "min": min(seen, default=None),
        "avg": sum(seen) / len(seen) if seen else None,
        "max": max(seen, default=None),
        "last": seen[-1] if seen else None,
    }


def _samples(answer: Json, *, rates: bool) -> list[Row]:
    return [
        {
            "time": then,
            "host": series["host"],
            "type": series["type"],
            "tags": series["tags"],
            "value": value,
            "unit": series["unit"],
            "rate": rates and series["kind"] == "counter",
        }
        for series in answer["series"]
        for then, value in zip(series["times"], series["values"], strict=True)
        if value is not None
    ]


def _figure(key: str) -> Column:
    def show(row: Row) -> str:
        return quantity(row[key], row["unit"], rate=row["rate"])

    return Column(key, key.upper(), show, right=True)


def _trend(row: Row) -> str:
    low, high = (0.0, 100.0) if row["unit"] == "percent" else (None, None)
    return sparkline(row["values"], low=low, high=high, ascii_only=is_ascii())


def _tags(row: dict[str, Any]) -> str:
    tags = row["tags"]
    return ",".join(tags) if isinstance(tags, list) else tag_text(tags)


_LIST_COLUMNS = (
    Column("type", "TYPE", lambda row: row["type"]),
    Column("unit", "UNIT", lambda row: row["unit"] or "-"),
    Column("kind", "KIND", lambda row: row["kind"]),
    Column("default_on", "DEFAULT", lambda row: "on" if row["default_on"] else ("off", "dim"), drop=2),
    Column("tags", "TAGS", _tags, drop=3),
    Column("source", "SOURCE", lambda row: row["source"], drop=4),
    Column("help", "HELP", lambda row: row["help"], drop=5),
)
_SERIES_COLUMNS = (
    Column("host", "HOST", lambda row: str(row["host"])),
    Column("type", "TYPE", lambda row: str(row["type"])),
    Column("tags", "TAGS", _tags, drop=2),
    Column("trend", "TREND", _trend, drop=3),
    _figure("min"),
    _figure("avg"),
    _figure("max"),
    _figure("last"),
)
_SAMPLE_COLUMNS = (
    Column("time", "TIME", lambda row: clock(row["time"])),
    Column("host", "HOST", lambda row: str(row["host"])),
    Column("type", "TYPE", lambda row: str(row["type"])),
    Column("tags", "TAGS", _tags),
    Column("value", "VALUE", lambda row: quantity(row["value"], row["unit"], rate=row["rate"]), right=True),
    Column("unit", "UNIT", lambda row: row["unit"]),
)
