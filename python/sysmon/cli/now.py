"""`sysmon now`: one reading of this machine through the native core; no aggregator, no configuration."""

from __future__ import annotations

import difflib
import socket
import time
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from sysmon.cli.base import CliCommand
from sysmon.cli.exits import CliError, Code
from sysmon.cli.hosts_table import severity_style
from sysmon.cli.output import Column, Output, Row, console, cut, is_ascii, output_options, to_locale
from sysmon.cli.params import INTERVAL
from sysmon.format import meter, printable, quantity, tag_text

if TYPE_CHECKING:
    from sysmon import MetricInfo, MetricsCollector

# What a person asks for → the registry's families.
GROUPS = {
    "cpu": ("cpu", "load", "pressure"),
    "memory": ("memory", "swap"),
    "disk": ("disk", "diskio", "raid"),
    "network": ("network", "tcp", "udp", "sockets", "conntrack", "softnet"),
    "processes": ("process", "kernel"),
    "system": ("system", "systemd", "time", "sensor", "battery"),
}


@click.command("now", cls=CliCommand, short_help="Read this machine once.")
@click.argument("families", nargs=-1, metavar="[FAMILY]…")
@click.option(
    "--for",
    "span",
    type=INTERVAL,
    default="1s",
    show_default=True,
    help="Over which rates are measured.",
)
@output_options
def now(families: tuple[str, ...], span: float, out: Output) -> int:
    """Read this machine once; FAMILY is cpu, memory, disk, network, processes, system or a metric family.

    \b
    sysmon now
    sysmon now cpu memory
    sysmon now network --for 5s --json
    """
    from sysmon import MetricsCollector, registry

    infos = {info.name: info for info in registry()}
    wanted = _families(families, {name.split(".")[0] for name in infos})
    collector = MetricsCollector(interval_s=span, enable=sorted(wanted) if families else ())

    def once() -> int:
        rows = read(collector, infos, wanted, span)
        document = {"host": socket.gethostname(), "timestamp": time.time(), "metrics": rows}
        if out.format == "table" and not families:
            _overview(rows)
        else:
            out.emit(document, rows, _COLUMNS)
        return Code.OK

    return out.repeat(once)


def read(
    collector: MetricsCollector, infos: dict[str, MetricInfo], wanted: set[str], span: float
) -> list[Row]:
    """Two readings, `span` apart: the second's values, and counters' growth per second between them."""
    first = collector.sample()
    since = time.monotonic()
    before = {(name, tuple(tags.items())): value for name, tags, value in first.samples()}
    time.sleep(span)
    second = collector.sample()
    elapsed = time.monotonic() - since
    # What is read once a minute is in the first reading alone.
    newest = {(name, tuple(tags.items())): (first.time_ms, value) for name, tags, value in first.samples()}
    newest |= {(name, tuple(tags.items())): (second.time_ms, value) for name, tags, value in second.samples()}
    rows: list[Row] = []
    for (name, tags), (time_ms, value) in newest.items():
        info = infos[name]
        if name.split(".")[0] not in wanted:
            continue
        row: Row = {"type": name, "tags": dict(tags), "value": value, "unit": info.unit, "kind": info.kind}
        row["timestamp"] = time_ms / 1000
        old = before.get((name, tags))
        if info.kind == "counter" and time_ms == second.time_ms and old is not None and value >= old:
            row["rate"] = (value - old) / elapsed
        rows.append(row)
    order = {name: at for at, name in enumerate(infos)}
    return sorted(rows, key=lambda row: order[row["type"]])


def _families(names: tuple[str, ...], known: set[str]) -> set[str]:
    if not names:
        return {family for group in GROUPS.values() for family in group}
    chosen: set[str] = set()
    for name in names:
        if name not in GROUPS and name not in known:
            near = difflib.get_close_matches(name, [*GROUPS, *known], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise CliError(Code.USAGE, f"no family {name!r}.{hint}", f"one of {', '.join(GROUPS)}.")
        chosen.update(GROUPS.get(name, (name,)))
    return chosen


def _overview(rows: list[Row]) -> None:
    """The machine on one screen: meters where there is a percentage, rates where things flow."""
    screen = console()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, max_width=28, overflow=cut())
    table.add_column(no_wrap=True, overflow=cut())
    table.add_column(no_wrap=True, overflow=cut())
    found = {(row["type"], tuple(row["tags"].values())): row for row in rows}

    def value(name: str) -> str:
        row = found.get((name, ()))
        return "-" if row is None else quantity(row["value"], row["unit"])

    loads = " ".join(value(f"load.avg{window}") for window in (1, 5, 15))
    details = {
        "cpu.total_usage": f"load {loads}, iowait {value('cpu.iowait_percent')}",
        "memory.usage_percent": f"{value('memory.used_bytes')} of {value('memory.total_bytes')}",
        "swap.usage_percent": f"{value('swap.used_bytes')} of {value('swap.total_bytes')}",
    }
    for row in rows:
        name = row["type"]
        if name in details or name == "disk.usage_percent":
            label = row["tags"].get("mountpoint") or name.split(".")[0]
            detail = details.get(name) or _disk_detail(found, row)
            _meter_row(table, label, row, detail)
    for label, key, flows in _FLOWS:
        for row in rows:
            if row["type"] != flows[0][1]:
                continue
            both = [(word, found.get((name, tuple(row["tags"].values())))) for word, name in flows]
            # What never carried a byte since the boot is not shown.
            if any(one is not None and one["value"] for _, one in both):
                text = "  ".join(f"{word} {_rate(one)}" for word, one in both)
                table.add_row(Text(_safe(str(row["tags"].get(key, label)))), Text(_safe(text)), Text(""))
    table.add_row(Text("uptime"), Text(value("system.uptime_seconds")), Text(""))
    screen.print(table)


def _rate(row: Row | None) -> str:
    return quantity(row["rate"], row["unit"], rate=True) if row and "rate" in row else "-"


def _meter_row(table: Table, label: str, row: Row, detail: str) -> None:
    style = severity_style(row["type"], row["value"]) or "green"
    bar = Text.assemble(
        (meter(row["value"], 24, ascii_only=is_ascii()), style), f" {quantity(row['value'], 'percent'):>8}"
    )
    table.add_row(Text(_safe(label)), bar, Text(_safe(detail)))


def _disk_detail(found: dict[tuple[str, tuple[str, ...]], Row], row: Row) -> str:
    key = tuple(row["tags"].values())
    used, free = found.get(("disk.used_bytes", key)), found.get(("disk.available_bytes", key))
    if used is None or free is None:
        return ""
    return f"{quantity(used['value'], 'bytes')} used, {quantity(free['value'], 'bytes')} free"


def _safe(text: str) -> str:
    return to_locale(printable(text))


# Family, the tag that names the device, and what flows through it.
_FLOWS = (
    ("diskio", "device", (("read", "diskio.read_bytes"), ("write", "diskio.write_bytes"))),
    ("network", "interface", (("in", "network.bytes_recv"), ("out", "network.bytes_sent"))),
)
_COLUMNS = (
    Column("type", "TYPE", lambda row: row["type"]),
    Column("tags", "TAGS", lambda row: tag_text(row["tags"])),
    Column("value", "VALUE", lambda row: quantity(row["value"], row["unit"]), right=True),
    Column(
        "rate",
        "RATE",
        lambda row: quantity(row["rate"], row["unit"], rate=True) if "rate" in row else "",
        right=True,
    ),
    Column("unit", "UNIT", lambda row: row["unit"], drop=1),
)
