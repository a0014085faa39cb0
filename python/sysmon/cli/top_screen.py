"""What `sysmon top` shows: a reading, and the readings before it as sparklines. Draws; reads nothing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from sysmon.cli.hosts_table import severity_style, state_text
from sysmon.cli.output import cut, is_ascii, to_locale
from sysmon.cli.top_source import number_of
from sysmon.format import ago, clock, duration, meter, printable, quantity, size, sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from sysmon.cli.top_source import Reading
    from sysmon.client import Client

_KEPT: Final = 240  # values of a sparkline
_MAX_WIDTH: Final = 120
_MANY_DISKS, _MANY_DEVICES, _MANY_PROCESSES = 5, 4, 8
_QUIET_S: Final = 60.0

# Title, type, unit, and whether its series are summed up; those of the loopback interface are left out.
_LINES: Final = (
    ("cpu", "cpu.total_usage", "percent"),
    ("iowait", "cpu.iowait_percent", "percent"),
    ("memory", "memory.usage_percent", "percent"),
    ("net in", "network.bytes_recv", "bytes_per_second"),
    ("net out", "network.bytes_sent", "bytes_per_second"),
    ("disk read", "diskio.read_bytes", "bytes_per_second"),
    ("disk write", "diskio.write_bytes", "bytes_per_second"),
)


class History:
    """The last values of each line."""

    def __init__(self) -> None:
        self.lines: dict[str, deque[float | None]] = {title: deque(maxlen=_KEPT) for title, _, _ in _LINES}

    def add(self, reading: Reading) -> None:
        for title, metric, _ in _LINES:
            series = [value for tags, value in reading.all(metric) if tags.get("interface") != "lo"]
            self.lines[title].append(sum(series) if series else None)

    def fill(self, client: Client, host: str, interval_s: float, now_s: float) -> None:
        """Takes over what is stored of the time before, a value an interval. Raises ApiError."""
        step = max(1.0, round(interval_s))
        end = now_s // step * step
        start = end - _KEPT * step
        types = [metric for _, metric, _ in _LINES]
        answer = client.metrics(types=types, host=host, start=start, end=end, step_s=step)
        for title, metric, _ in _LINES:
            cells: list[float | None] = [None] * _KEPT
            for series in answer["series"]:
                if series["type"] != metric or series["tags"].get("interface") == "lo":
                    continue
                for then, value in zip(series["times"], series["values"], strict=True):
                    at = round((then - start) / step)
                    if value is not None and 0 <= at < _KEPT:
                        cells[at] = (cells[at] or 0.0) + value
            self.lines[title].extend(cells)

    def gap(self) -> None:
        """Nothing could be read."""
        for line in self.lines.values():
            line.append(None)


def screen(reading: Reading, history: History, width: int, now_s: float, problem: str = "") -> RenderableType:
    """The whole of it, `width` columns wide.

    Args:
        problem: why the reading is not fresh, in words; "" where it is.
    """
    width = min(width, _MAX_WIDTH)
    parts: list[RenderableType] = [_head(reading, now_s)]
    if problem:
        parts.append(Text(_safe(problem), style="yellow"))
    parts += [Text(""), _meters(reading, width), Text(""), _lines(history, width)]
    for table in (_pressure(reading), _devices(reading), _processes(reading)):
        if table is not None:
            parts += [Text(""), table]
    return Group(*parts)


def _head(reading: Reading, now_s: float) -> Text:
    state, style = state_text(reading.state)
    head = Text.assemble((_safe(reading.hostname), "bold"), "  ", (state, style), "  ")
    age = now_s - reading.time_s
    if age > _QUIET_S:  # a host that went quiet looks quiet
        head.append(f"last heard {ago(reading.time_s, now_s)}", style="yellow")
    else:
        head.append(clock(now_s))
    facts = [str(reading.facts[key]) for key in ("os", "kernel") if reading.facts.get(key)]
    if reading.facts.get("cores"):
        facts.append(f"{reading.facts['cores']} cores")
    uptime = reading.get("system.uptime_seconds")
    if uptime is not None:
        facts.append(f"up {duration(uptime)}")
    loads = [reading.get(f"load.avg{window}") for window in (1, 5, 15)]
    if loads[0] is not None:
        facts.append("load " + " ".join(quantity(load, "") for load in loads))
    if facts:
        head.append("\n" + _safe(" · ".join(facts)), style="dim")
    return head


def _meters(reading: Reading, width: int) -> Table:
    table = _grid()
    for label, percent, metric, detail in _percentages(reading):
        style = severity_style(metric, percent) or "green"
        bar = meter(percent, max(10, min(40, width - 62)), ascii_only=is_ascii())
        table.add_row(
            Text(_safe(label)),
            Text(bar, style),
            Text(quantity(percent, "percent")),
            Text(_safe(detail), "dim"),
        )
    return table


def _percentages(reading: Reading) -> Iterator[tuple[str, float, str, str]]:
    """(label, percent, type, detail) of what has an upper end."""
    for family in ("cpu", "memory", "swap"):
        metric = "cpu.total_usage" if family == "cpu" else f"{family}.usage_percent"
        percent = reading.get(metric)
        if percent is None:
            continue
        if family == "cpu":
            shares = (
                (word, reading.get(f"cpu.{word}_percent")) for word in ("user", "system", "iowait", "steal")
            )
            detail = "  ".join(
                f"{word} {quantity(share, 'percent')}" for word, share in shares if share is not None
            )
        else:
            used, total = reading.get(f"{family}.used_bytes"), reading.get(f"{family}.total_bytes")
            detail = "" if used is None or total is None else f"{size(used)} of {size(total)}"
        yield family, percent, metric, detail
    disks = sorted(reading.all("disk.usage_percent"), key=lambda pair: -pair[1])[:_MANY_DISKS]
    for tags, percent in disks:
        free = reading.get("disk.available_bytes", **tags)
        yield (
            tags.get("mountpoint", "disk"),
            percent,
            "disk.usage_percent",
            f"{size(free)} free" if free else "",
        )


def _lines(history: History, width: int) -> Table:
    table = _grid()
    cells = max(10, min(_KEPT, width - 44))
    for title, _, unit in _LINES:
        values = list(history.lines[title])[-cells:]
        seen = [value for value in values if value is not None]
        if not seen:
            continue
        bars = sparkline(values, low=0.0, high=100.0 if unit == "percent" else None, ascii_only=is_ascii())
        table.add_row(
            Text(title),
            Text(bars.rjust(cells)),
            Text(_safe(quantity(seen[-1], unit))),
            Text(_safe(f"max {quantity(max(seen), unit)}"), "dim"),
        )
    return table


def _pressure(reading: Reading) -> Text | None:
    """The share of the last ten seconds in which somebody waited."""
    parts = [
        f"{what} {quantity(value, 'percent')}"
        for what in ("cpu", "memory", "io")
        if (value := reading.get(f"pressure.{what}_some_percent", window="10s")) is not None
    ]
    return Text("waiting for  " + "  ".join(parts)) if parts else None


def _devices(reading: Reading) -> Table | None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("DEVICE", "IN / READ", "OUT / WRITE", "BUSY"):
        table.add_column(
            title, justify="left" if title == "DEVICE" else "right", no_wrap=True, overflow=cut()
        )
    for family, tag, flows, busy in (
        ("network", "interface", ("bytes_recv", "bytes_sent"), None),
        ("diskio", "device", ("read_bytes", "write_bytes"), "utilization_percent"),
    ):
        into = reading.all(f"{family}.{flows[0]}")
        rows = [(tags, value, reading.get(f"{family}.{flows[1]}", **tags)) for tags, value in into]
        rows.sort(key=lambda row: -(row[1] + (row[2] or 0.0)))
        for tags, first, second in rows[:_MANY_DEVICES]:
            share = reading.get(f"{family}.{busy}", **tags) if busy else None
            table.add_row(
                _safe(tags.get(tag, family)),
                size(first, "/s"),
                "-" if second is None else size(second, "/s"),
                "" if share is None else quantity(share, "percent"),
            )
    return table if table.row_count else None


def _processes(reading: Reading) -> Table | None:
    if not reading.processes:
        return None
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("PID", "USER", "CPU", "MEMORY", "COMMAND"):
        right = title in {"PID", "CPU", "MEMORY"}
        table.add_column(title, justify="right" if right else "left", no_wrap=True, overflow=cut())
    for one in reading.processes[:_MANY_PROCESSES]:
        table.add_row(
            _safe(str(one.get("pid", "-"))),
            _safe(str(one.get("user") or "-")),
            quantity(number_of(one, "cpu_percent"), "percent"),
            _safe(quantity(number_of(one, "rss_bytes"), "bytes")),
            _safe(str(one.get("command") or "-")),
        )
    return table


def _grid() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow=cut(), max_width=20)
    table.add_column(no_wrap=True, overflow=cut())
    table.add_column(no_wrap=True, justify="right", overflow=cut())
    table.add_column(no_wrap=True, overflow=cut())
    return table


def _safe(text: str) -> str:
    return "\n".join(to_locale(printable(line)) for line in text.split("\n"))
