"""The table `metrics` of `sysmon sql`: virtual, its rows are decoded from chunks and journal as they pass.

    metrics(timestamp, type, host, tags, value)      the stored samples
    metrics(step, agg)                               two more columns, hidden: with them a row is a cell

What a statement says of `host`, `type` and `timestamp` decides what is read; SQLite checks every row again,
so that reading a little more than needed is never wrong. Rows come host by host, in the order of their names.
"""

from __future__ import annotations

import math
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import apsw
import msgspec

from sysmon.aggregator.times import parse_step
from sysmon.errors import SysmonError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sysmon._core import Agg
    from sysmon.aggregator.file_reader import FileReader, Samples
    from sysmon.aggregator.storage import Host

_SCHEMA: Final = """
    CREATE TABLE metrics (
        timestamp REAL, type TEXT, host TEXT, tags TEXT, value REAL, step HIDDEN, agg TEXT HIDDEN,
        PRIMARY KEY (host, type, tags, timestamp, step, agg)
    ) WITHOUT ROWID"""
_TIMESTAMP, _TYPE, _HOST, _STEP, _AGG = 0, 1, 2, 5, 6
_AGGS: Final = ("avg", "min", "max", "last", "rate", "sum")

# What each use of a column divides the rows by, for SQLite's choice of a plan; only their order matters.
_ALL_ROWS: Final = 100_000_000
_FEWER: Final = {"host=": 200, "type=": 100, "type~": 10, "type*": 10, "step=": 10, "agg=": 1}
_FEWER_BY_TIME: Final = 10

_TIME_OPS: Final = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=",
    apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<",
}
_PATTERN_OPS: Final = {apsw.SQLITE_INDEX_CONSTRAINT_LIKE: "~", apsw.SQLITE_INDEX_CONSTRAINT_GLOB: "*"}

Row = tuple[float, str, str, str, float, Any, Any]
Use = tuple[str, bool]  # like "host=", and whether all of an IN list comes at once


class SqlArgumentError(SysmonError):
    """A value that a column cannot be compared with."""


class Selection(NamedTuple):
    """What one pass over the table reads."""

    hosts: list[Host]
    types: list[str] | None
    start_ms: float
    end_ms: float
    step: Any
    agg: Any


class Metrics:
    """apsw's module and table in one: the table is there without having been made, and has no state."""

    def __init__(self, reader: FileReader, on_window: Callable[[], None]) -> None:
        """
        Args:
            on_window: called whenever something was read; raises to end it.
        """
        self.reader = reader
        self.on_window = on_window

    def Connect(self, *_: Any) -> tuple[str, Metrics]:  # noqa: N802 - apsw's interface, as all of these
        return _SCHEMA, self

    Create = Connect

    def Disconnect(self) -> None:  # noqa: N802
        """Nothing is held."""

    Destroy = Disconnect

    def Open(self) -> _Cursor:  # noqa: N802
        return _Cursor(self)

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:  # noqa: N802
        """Takes every comparison that narrows what is read; False where `step` or `agg` come too late."""
        uses: list[str] = []
        rows = float(_ALL_ROWS)
        for i in range(info.nConstraint):
            use = _use_of(info, i)
            if use is None:
                continue
            name, whole_list = use
            if not info.get_aConstraint_usable(i):
                if name in ("step=", "agg="):  # without them the rows would be others
                    return False
                continue
            uses.append(name)
            info.set_aConstraintUsage_argvIndex(i, len(uses))
            if whole_list:
                info.set_aConstraintUsage_in(i, True)
            rows /= _FEWER.get(name, _FEWER_BY_TIME)
        info.idxStr = " ".join(uses)
        info.estimatedRows = max(1, int(rows))
        info.estimatedCost = 1_000 + rows
        info.orderByConsumed = (
            info.nOrderBy == 1 and info.get_aOrderBy_iColumn(0) == _HOST and not info.get_aOrderBy_desc(0)
        )
        return True

    def select(self, uses: str, arguments: tuple[Any, ...]) -> Selection | None:
        """What to read for these uses, None for nothing. Raises SqlArgumentError."""
        names: set[Any] | None = None
        types: set[str] | None = None
        start_ms, end_ms = -math.inf, math.inf
        step = agg = None
        for use, argument in zip(uses.split(), arguments, strict=True):
            if argument is None:
                return None  # nothing compares with NULL
            if use == "host=":
                names = _both(names, argument)
            elif use == "type=":
                types = _both(types, argument)
            elif use in ("type~", "type*"):
                types = _both(types, self._types_like(str(argument), fold=use == "type~"))
            elif use == "step=":
                step = argument
            elif use == "agg=":
                agg = argument
            else:
                time_ms = _time_ms(argument)
                # A millisecond more at both ends: a product of floats is not the number that was stored.
                start_ms = start_ms if use == "timestamp<" else max(start_ms, time_ms - 1)
                end_ms = end_ms if use == "timestamp>" else min(end_ms, time_ms + 2)
        hosts = [host for host in self.reader.hosts if names is None or host.hostname in names]
        kinds = None if types is None else sorted(types.intersection(self.reader.types))
        return Selection(hosts, kinds, start_ms, end_ms, step, agg)

    def _types_like(self, pattern: str, *, fold: bool) -> set[str]:
        """The types that begin as the pattern does, up to its first wildcard."""
        end = next((at for at, sign in enumerate(pattern) if sign in ("%_" if fold else "*?[")), len(pattern))
        prefix = pattern[:end].lower() if fold else pattern[:end]
        return {name for name in self.reader.types if (name.lower() if fold else name).startswith(prefix)}

    def rows(self, selection: Selection) -> Iterator[Row]:
        """Every row of the selection, decoded window by window."""
        step_ms = None if selection.step is None else _step_ms(selection.step)
        agg = None if selection.agg is None else _agg(selection.agg, step_ms)
        if selection.types is not None and not selection.types:
            return
        for host in selection.hosts:
            for window in self.reader.windows(
                host,
                types=selection.types,
                start_ms=selection.start_ms,
                end_ms=selection.end_ms,
                step_ms=step_ms,
                agg=agg,
            ):
                self.on_window()
                yield from chain.from_iterable(_rows(one, selection) for one in window)


class _Cursor:
    """One pass, or several after each other, over the table."""

    def __init__(self, table: Metrics) -> None:
        self._table = table
        self._rows: Iterator[Row] = iter(())
        self._row: Row | None = None

    def Filter(self, _: int, uses: str | None, arguments: tuple[Any, ...]) -> None:  # noqa: N802
        selection = self._table.select(uses or "", arguments)
        self._rows = iter(()) if selection is None else self._table.rows(selection)
        self._row = next(self._rows, None)

    def Eof(self) -> bool:  # noqa: N802
        return self._row is None

    def Next(self) -> None:  # noqa: N802
        self._row = next(self._rows, None)

    def Column(self, number: int) -> Any:  # noqa: N802
        return cast("Row", self._row)[number]

    def Close(self) -> None:  # noqa: N802
        self._rows = iter(())


def _use_of(info: apsw.IndexInfo, i: int) -> Use | None:
    """What a comparison may be used for; None for nothing."""
    column, op = info.get_aConstraint_iColumn(i), info.get_aConstraint_op(i)
    equal = op == apsw.SQLITE_INDEX_CONSTRAINT_EQ
    if column == _TIMESTAMP and op in _TIME_OPS:
        return f"timestamp{_TIME_OPS[op]}", False
    if column == _TYPE and op in _PATTERN_OPS:
        return f"type{_PATTERN_OPS[op]}", False
    if column in (_TYPE, _HOST) and equal and info.get_aConstraint_collation(i) == "BINARY":
        return ("type=" if column == _TYPE else "host="), info.get_aConstraintUsage_in(i)
    if column in (_STEP, _AGG) and equal:
        return ("step=" if column == _STEP else "agg="), False
    return None


def _both(found: set[Any] | None, argument: Any) -> set[Any]:
    """What is in both; `argument` is one value, or the set of an IN."""
    wanted = set(argument) if isinstance(argument, (set, frozenset)) else {argument}
    return wanted if found is None else found & wanted


def _rows(one: Samples, selection: Selection) -> Iterable[Row]:
    tags = msgspec.json.encode(dict(one.tags)).decode()
    return zip(
        [time_ms / 1000 for time_ms in one.times_ms],
        repeat(one.type),
        repeat(one.host.hostname),
        repeat(tags),
        one.values,
        repeat(selection.step),
        repeat(selection.agg),
        strict=False,
    )


def _time_ms(argument: Any) -> float:
    try:
        if not math.isnan(time_ms := float(argument) * 1000):
            return time_ms
        raise ValueError
    except (TypeError, ValueError):
        text = str(argument)[:40]
        raise SqlArgumentError(
            f"timestamp is compared with {text!r}, and is a number of seconds since 1970:"
            f" unixepoch('2026-01-31 12:00') makes one of a date, unixepoch()-3600 is an hour ago"
        ) from None


def _step_ms(step: Any) -> int:
    try:
        return parse_step(str(step))
    except SysmonError as error:
        raise SqlArgumentError(str(error)) from None


def _agg(agg: Any, step_ms: int | None) -> Agg:
    if agg not in _AGGS:
        raise SqlArgumentError(f"agg: {str(agg)[:40]!r} is not one of {', '.join(_AGGS)}")
    if step_ms is None:
        raise SqlArgumentError("agg says what a cell of some step is made of: say step = 300, or '1h', too")
    return cast("Agg", agg)
