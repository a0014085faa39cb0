"""`sysmon hosts show`: one host on one screen, with meters and sparklines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from sysmon.cli import complete
from sysmon.cli.base import CliCommand, common
from sysmon.cli.exits import Code
from sysmon.cli.hosts_table import HOST_COLUMNS, severity_style, state_text
from sysmon.cli.output import Output, console, cut, is_ascii, output_options, to_locale
from sysmon.cli.params import SINCE
from sysmon.format import ago, clock, duration, meter, printable, quantity, size, sparkline, tag_text

if TYPE_CHECKING:
    from rich.console import Console

    from sysmon.client import Client, Json

# Title → types whose series are summed up into one line, with the unit of the sum; counters come as rates.
_LINES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("cpu", ("cpu.total_usage",), "percent"),
    ("iowait", ("cpu.iowait_percent",), "percent"),
    ("memory", ("memory.usage_percent",), "percent"),
    ("net in", ("network.bytes_recv",), "bytes_per_second"),
    ("net out", ("network.bytes_sent",), "bytes_per_second"),
    ("disk read", ("diskio.read_bytes",), "bytes_per_second"),
    ("disk write", ("diskio.write_bytes",), "bytes_per_second"),
)
_FACTS = ("os", "kernel", "arch", "cpu_model", "cores", "memory_bytes")
_METERS = ("cpu.total_usage", "memory.usage_percent", "swap.usage_percent", "disk.usage_percent")


@click.command("show", cls=CliCommand)
@click.argument("host", shell_complete=complete.hosts)
@click.option(
    "--since", type=SINCE, default="1h", show_default=True, help="How far back the sparklines reach."
)
@output_options
def show(host: str, since: float, out: Output) -> int:
    """Show one host: what it is, how busy it is, and the last hour.

    \b
    sysmon hosts show web01
    sysmon hosts show db01 --since 24h

    Exit code 7 where the host is not online: what is shown is its last known state.
    """

    def once() -> int:
        with common().client() as client:
            answer = client.host(host)
            now = time.time()
            if out.format == "table":
                _screen(client, answer, now, since)
            else:
                out.emit(answer, [{**answer, "_now": now}], HOST_COLUMNS)
        return Code.OK if answer["status"] == "online" else Code.PARTIAL

    return out.repeat(once)


def _screen(client: Client, host: Json, now: float, since: float) -> None:
    screen = console()
    width = min(screen.width, 110)
    name = str(host["hostname"])
    state, style = state_text(str(host["status"]))
    head = Text.assemble(
        (_safe(name), "bold"), "  ", (state, style), f"  seen {ago(host.get('last_seen'), now)}"
    )
    if host.get("tags"):
        head.append("  " + to_locale(tag_text(host["tags"])))
    screen.print(head)
    screen.print(Text(_safe(_about(host))))

    latest = client.latest(host=name, types=_METERS)["metrics"]
    if latest:
        screen.print()
        screen.print(_meters(latest, width))
    lines = _lines(client, name, now, since, width - 46)
    if lines.row_count:
        screen.print(Text(f"\nlast {duration(since)}", style="bold"))
        screen.print(lines)
    _events(screen, host, now)


def _about(host: Json) -> str:
    facts = host.get("facts") or {}
    parts = [str(facts[key]) for key in _FACTS[:4] if facts.get(key)]
    if facts.get("cores"):
        parts.append(f"{facts['cores']} cores")
    if facts.get("memory_bytes"):
        parts.append(size(facts["memory_bytes"]))
    uptime = host.get("latest", {}).get("system.uptime_seconds")
    if uptime is not None:
        parts.append(f"up {duration(uptime)}")
    parts.append(f"agent {host['version']}" if host.get("version") else "no agent")
    if host.get("interval"):
        parts.append(f"every {duration(host['interval'])}")
    parts.append(f"{host.get('series', 0)} series")
    offset = host.get("clock_offset")
    if offset is not None and abs(offset) >= 1:
        parts.append(f"clock off by {duration(offset)}")
    return " · ".join(parts)


def _meters(latest: list[Json], width: int) -> Table:
    table = _grid()
    order = {metric: at for at, metric in enumerate(_METERS)}
    for row in sorted(latest, key=lambda row: (order.get(row["type"], 9), row["tags"].get("mountpoint", ""))):
        style = severity_style(row["type"], row["value"]) or "green"
        label = row["tags"].get("mountpoint") or row["type"].split(".")[0]
        bar = meter(row["value"], min(40, width - 34), ascii_only=is_ascii())
        table.add_row(Text(_safe(label)), Text(bar, style=style), Text(quantity(row["value"], "percent")))
    return table


def _lines(client: Client, host: str, now: float, since: float, width: int) -> Table:
    cells = max(10, min(60, width))
    step = max(1.0, round(since / cells))
    end = now // step * step + step
    start = end - cells * step
    types = [name for _, names, _ in _LINES for name in names]
    answer = client.metrics(types=types, host=host, start=start, end=end, step_s=step)
    table = _grid()
    table.add_column(justify="right", overflow=cut())
    for title, names, unit in _LINES:
        values = _summed([s for s in answer["series"] if s["type"] in names], start, step, cells)
        seen = [value for value in values if value is not None]
        if not seen:
            continue
        high = 100.0 if unit == "percent" else None
        bars = sparkline(values, low=0.0, high=high, ascii_only=is_ascii())
        now_text = to_locale(quantity(seen[-1], unit))
        table.add_row(
            Text(title),
            Text(bars),
            Text(now_text),
            Text(f"max {to_locale(quantity(max(seen), unit))}", "dim"),
        )
    return table


def _summed(series: list[Json], start: float, step: float, cells: int) -> list[float | None]:
    """One value a cell, over all series but the loopback interface's."""
    sums: list[float | None] = [None] * cells
    for one in series:
        if one["tags"].get("interface") == "lo":
            continue
        for then, value in zip(one["times"], one["values"], strict=True):
            at = round((then - start) / step)
            if value is not None and 0 <= at < cells:
                sums[at] = (sums[at] or 0.0) + value
    return sums


def _events(screen: Console, host: Json, now: float) -> None:
    events: list[dict[str, Any]] = (host.get("events") or [])[:5]
    if events:
        screen.print(Text("\nevents", style="bold"))
    for event in events:
        detail = tag_text({key: str(value) for key, value in (event.get("detail") or {}).items()})
        when = f"{clock(event['start'])}  {ago(event['start'], now):>10}"
        line = f"{when}  {printable(str(event['kind']))}  {detail}"
        screen.print(Text(to_locale(line)), overflow=cut(), no_wrap=True)


def _grid() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow=cut(), max_width=24)
    table.add_column(no_wrap=True, overflow=cut())
    table.add_column(no_wrap=True, justify="right", overflow=cut())
    return table


def _safe(text: str) -> str:
    return to_locale(printable(text))
