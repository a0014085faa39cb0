"""`sysmon top --fleet`: every host a line, worst first, with meters and a sparkline of its CPU."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from sysmon.cli.exits import Code
from sysmon.cli.hosts_table import severity_style, state_text, worst_first
from sysmon.cli.output import cut, is_ascii, to_locale
from sysmon.errors import ApiError
from sysmon.format import ago, clock, meter, number, printable, quantity, sparkline

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sysmon.client import Client, Json

CPU: Final = "cpu.total_usage"
_KEPT: Final = 120  # values of a sparkline
_LEAST_SPARK: Final = 8
_WANTED_SPARK: Final = 20
_STATE: Final = 12  # `◐ 59 min ago`
_HEAD_ROWS: Final = 3  # the two lines above the table, and its headings


class _Column(NamedTuple):
    """A figure of a host: the narrower the terminal, the fewer of them; the highest `drop` goes first."""

    title: str
    key: str
    width: int
    drop: int
    meter: int = 0  # cells of a meter before the figure


_COLUMNS: Final = (
    _Column("CPU", CPU, 17, 0, meter=8),
    _Column("MEMORY", "memory.usage_percent", 17, 0, meter=8),
    _Column("DISK", "disk.usage_percent", 17, 2, meter=8),
    _Column("WAITS", "pressure.worst_percent", 8, 3),
    _Column("LOAD/CORE", "load.per_core", 9, 4),
    _Column("IN", "network.bytes_recv", 11, 5),
    _Column("OUT", "network.bytes_sent", 11, 6),
)
_UNITS: Final = {"network.bytes_recv": "bytes_per_second", "network.bytes_sent": "bytes_per_second"}


class FleetView:
    """The fleet as it is now, and the CPU of each host before."""

    def __init__(self, client: Client, interval_s: float, now_s: float) -> None:
        """Raises ApiError."""
        self._client = client
        self._cpu: dict[str, deque[float | None]] = {}
        self.hosts: list[Json] = []
        self.hosts = client.hosts()["hosts"]
        self._fill(max(1.0, round(interval_s)), now_s)
        self.read()

    @property
    def code(self) -> Code:
        """Partial where somebody is not online: what is shown of him is old."""
        return Code.OK if all(host["status"] == "online" for host in self.hosts) else Code.PARTIAL

    @property
    def document(self) -> Json:
        return {"hosts": self.hosts, "count": len(self.hosts), "timestamp": time.time()}

    def read(self) -> None:
        """The hosts as they are now. Raises ApiError."""
        found = self._client.hosts()["hosts"]
        self.hosts = worst_first(host for host in found if host["status"] != "archived")
        known = {str(host["hostname"]) for host in self.hosts}
        self._cpu = {name: line for name, line in self._cpu.items() if name in known}
        for host in self.hosts:
            fresh = host["latest"].get(CPU) if host["status"] == "online" else None
            self._line(host["hostname"]).append(fresh)

    def gap(self) -> None:
        """Nothing could be read."""
        for line in self._cpu.values():
            line.append(None)

    def draw(self, width: int, height: int, now_s: float, problem: str = "") -> RenderableType:
        """As many hosts as there is room for, the worst of them."""
        rows = [] if not problem else [Text(_safe(problem), style="yellow")]
        room = max(1, height - _HEAD_ROWS - len(rows) - 1)
        shown = self.hosts[:room]
        parts: list[RenderableType] = [self._head(now_s), *rows, Text(""), self._table(shown, width, now_s)]
        if len(shown) < len(self.hosts):
            parts.append(Text(_safe(f"… and {len(self.hosts) - len(shown)} better ones"), style="dim"))
        return Group(*parts)

    def _line(self, hostname: str) -> deque[float | None]:
        return self._cpu.setdefault(hostname, deque([None] * _KEPT, maxlen=_KEPT))

    def _fill(self, step: float, now_s: float) -> None:
        """Takes over what is stored of the time before. A fleet of too many series begins empty."""
        end = now_s // step * step
        start = end - _KEPT * step
        answer: Json = {"series": []}
        with contextlib.suppress(ApiError):
            answer = self._client.metrics(types=[CPU], start=start, end=end, step_s=step)
        intervals = {host["hostname"]: host.get("interval") or 0.0 for host in self.hosts}
        for series in answer["series"]:
            # What a host said holds until it would have spoken again: a cell may be shorter than that.
            holds = max(1, math.ceil(1.5 * intervals.get(series["host"], 0.0) / step))
            cells: list[float | None] = [None] * _KEPT
            for then, value in zip(series["times"], series["values"], strict=True):
                at = round((then - start) / step)
                if value is not None and 0 <= at < _KEPT:
                    cells[at : at + holds] = [value] * min(holds, _KEPT - at)
            self._line(series["host"]).extend(cells)

    def _head(self, now_s: float) -> Text:
        counts = dict.fromkeys(("online", "stale", "offline"), 0)
        for host in self.hosts:
            counts[host["status"]] = counts.get(host["status"], 0) + 1
        head = Text.assemble((f"{number(len(self.hosts))} hosts", "bold"))
        for state, count in counts.items():
            text, style = state_text(state)
            if count:
                head.append("  ").append(f"{text} {count}", style=style)
        return head.append(f"  {clock(now_s)}", style="dim")

    def _table(self, hosts: list[Json], width: int, now_s: float) -> Table:
        names = max([len("HOST"), *(len(printable(host["hostname"])) for host in hosts)])
        names = min(names, 24 if width >= 80 else 12)
        states = _STATE if width >= 60 else 1
        columns = list(_COLUMNS)
        if width < 60:  # the figures alone: a meter needs room
            columns = [one._replace(meter=0, width=8) for one in columns]
        # What was before says more than the last figures do, so it has its room first.
        used = names + 2 + states + (_WANTED_SPARK + 2 if width >= 80 else 0)
        while used + sum(one.width + 2 for one in columns) > width and any(one.drop for one in columns):
            columns.remove(max(columns, key=lambda one: one.drop))
        used = names + 2 + states
        spark = min(_KEPT, width - used - sum(one.width + 2 for one in columns) - 2)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("HOST", no_wrap=True, overflow=cut(), max_width=names)
        table.add_column("STATE" if states > 1 else "", no_wrap=True, overflow=cut(), max_width=states)
        for one in columns:
            table.add_column(one.title, justify="right", no_wrap=True, overflow=cut())
        if spark >= _LEAST_SPARK:
            table.add_column("CPU BEFORE", no_wrap=True, overflow=cut())
        for host in hosts:
            table.add_row(*self._row(host, columns, states, spark, now_s))
        return table

    def _row(self, host: Json, columns: list[_Column], states: int, spark: int, now_s: float) -> list[Text]:
        state, style = state_text(str(host["status"]))
        online = host["status"] == "online"
        if not online and states > 1:  # a host that went quiet looks quiet
            state = f"{state.split()[0]} {ago(host.get('last_seen'), now_s)}"
        cells = [
            Text(_safe(str(host["hostname"]))),
            Text(_safe(state[:states] if states == 1 else state), style),
        ]
        for one in columns:
            value = host["latest"].get(one.key)
            if value is None:
                cells.append(Text("-"))
                continue
            look = severity_style(one.key, value) if online else "dim"
            figure = _safe(_figure(one.key, value))
            bar = meter(value, one.meter, ascii_only=is_ascii()) if one.meter else ""
            cells.append(Text.assemble((bar, look or "green"), (f" {figure:>8}" if bar else figure, look)))
        if spark >= _LEAST_SPARK:
            before = list(self._line(host["hostname"]))[-spark:]
            cells.append(Text(sparkline(before, low=0.0, high=100.0, ascii_only=is_ascii()).rjust(spark)))
        return cells


def _figure(key: str, value: Any) -> str:
    if key == "load.per_core":
        return number(value)
    return quantity(value, _UNITS.get(key, "percent"))


def _safe(text: str) -> str:
    return to_locale(printable(text))
