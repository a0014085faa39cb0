"""Rows on the screen or for programs: `--format`, `--columns`, `--sort`, `--filter`, `--watch`.

A command describes its rows once as `Column`s; every format comes from the same rows. Text from hosts is
hostile: tables and plain text escape what could steer a terminal, CSV what a spreadsheet would run as a
formula.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sysmon.cli.base import common
from sysmon.cli.exits import CliError, Code
from sysmon.format import UNPRINTABLE, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

Row = dict[str, Any]
F = TypeVar("F", bound="Callable[..., Any]")
FORMATS = ("table", "json", "jsonl", "csv", "plain")
UNLIMITED = 1000  # columns of a table that goes into a pipe: nothing there needs to be cut


@dataclass(frozen=True)
class Column:
    """One column of a command's rows.

    Attributes:
        key: the API's name; what jsonl, csv, --columns, --sort and --filter use.
        title: the heading a person reads.
        show: the row's cell for people, with an optional style: "4.2 %" or ("offline", "red").
        value: the row's cell for programs; None takes row[key].
        right: numbers stand right.
        drop: columns with a higher number go first where the terminal is too narrow; 0 stays always.
    """

    key: str
    title: str
    show: Callable[[Row], str | tuple[str, str]]
    value: Callable[[Row], Any] | None = None
    right: bool = False
    drop: int = 0

    def plain_value(self, row: Row) -> Any:
        return row.get(self.key) if self.value is None else self.value(row)


@dataclass(frozen=True)
class Output:
    """What the output options of one run say."""

    format: Literal["table", "json", "jsonl", "csv", "plain"] = "table"
    columns: tuple[str, ...] = ()
    sort: str | None = None
    filters: tuple[str, ...] = ()
    headers: bool = True
    watch_s: float | None = None

    def emit(self, document: Any, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        """Writes the rows; `json` writes the whole document, as the API gave it."""
        if self.format == "json":
            write_json(document, indent=2 if sys.stdout.isatty() else None)
            return
        kept = self._select(rows, columns)
        chosen = self._columns(columns)
        if self.format == "jsonl":
            for row in kept:
                named = {column.key: column.plain_value(row) for column in chosen}
                # What a command noted on a row for its own columns is no data.
                whole = {key: value for key, value in row.items() if not key.startswith("_")}
                write_json(named if self.columns else whole)
        elif self.format == "csv":
            self._csv(kept, chosen)
        elif self.format == "plain":
            self._plain(kept, chosen)
        else:
            self._table(kept, chosen)

    def repeat(self, once: Callable[[], int]) -> int:
        """Runs `once` and, with --watch, again and again until interrupted; its last exit code."""
        while True:
            if self.watch_s is not None and on_screen():
                click.clear()
            code = once()
            if self.watch_s is None:
                return code
            sys.stdout.flush()
            time.sleep(self.watch_s)

    def _select(self, rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
        kept = list(rows)
        for text in self.filters:
            match = re.fullmatch(r"([\w.]+)(!?=|[<>])(.*)", text)
            column = match and next((c for c in columns if c.key == match[1]), None)
            if not match or not column:
                names = ", ".join(c.key for c in columns)
                raise CliError(
                    Code.USAGE,
                    f"--filter {text!r}: expected KEY=TEXT, KEY!=TEXT, KEY>N or KEY<N; keys: {names}",
                )
            kept = [row for row in kept if _matches(column.plain_value(row), match[2], match[3])]
        if self.sort:
            falling = self.sort.startswith("-")
            column = _named(columns, self.sort.lstrip("-"), "--sort")
            present = [row for row in kept if column.plain_value(row) is not None]
            absent = [row for row in kept if column.plain_value(row) is None]
            kept = (
                sorted(present, key=lambda row: _sort_key(column.plain_value(row)), reverse=falling) + absent
            )
        return kept

    def _columns(self, columns: Sequence[Column]) -> list[Column]:
        return [_named(columns, key, "--columns") for key in self.columns] or list(columns)

    def _csv(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if self.headers:
            writer.writerow([column.key for column in columns])
        for row in rows:
            writer.writerow([csv_cell(column.plain_value(row)) for column in columns])
        write_text(buffer.getvalue())

    def _plain(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        lines = [[column.title for column in columns]] if self.headers else []
        lines += [[_cell(column, row)[0] for column in columns] for row in rows]
        write_text("".join("\t".join(line) + "\n" for line in lines))

    def _table(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        cells = [[_cell(column, row) for column in columns] for row in rows]
        widths = [
            max([len(column.title), *(len(line[at][0]) for line in cells)])
            for at, column in enumerate(columns)
        ]
        shown = list(range(len(columns)))
        out = console()
        while sum(widths[at] + 2 for at in shown) - 2 > out.width:
            loose = [at for at in shown if columns[at].drop]
            if not loose:
                break
            shown.remove(max(loose, key=lambda at: (columns[at].drop, at)))
        table = Table(
            box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=self.headers, header_style="bold"
        )
        for at in shown:
            table.add_column(
                Text(columns[at].title),
                justify="right" if columns[at].right else "left",
                no_wrap=True,
                overflow=cut(),
            )
        for line in cells:
            table.add_row(*(Text(line[at][0], style=line[at][1]) for at in shown))
        out.print(table)


def output_options(function: F) -> F:
    """Adds the output options to a command, which receives them as `out: Output`."""

    @functools.wraps(function)
    def wrapped(*args: Any, as_json: bool, columns: str | None, no_headers: bool, **rest: Any) -> Any:
        out = Output(
            format="json" if as_json else rest.pop("format"),
            columns=tuple(part.strip() for part in columns.split(",")) if columns else (),
            sort=rest.pop("sort"),
            filters=rest.pop("filter"),
            headers=not no_headers,
            watch_s=rest.pop("watch"),
        )
        rest.pop("format", None)
        return function(*args, out=out, **rest)

    options = [
        click.option("--format", type=click.Choice(FORMATS), default="table", show_default=True,
                     help="How to write it."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document: --format json."),
        click.option("--columns", metavar="KEY,…", help="Only these columns, in this order."),
        click.option("--sort", metavar="[-]KEY", help="Order of the rows; - for falling."),
        click.option("--filter", metavar="KEY=TEXT", multiple=True,
                     help="Only rows that match (=, !=, >, <; repeatable)."),
        click.option("--no-headers", is_flag=True, help="No line of headings."),
        click.option("--watch", type=click.FloatRange(min=0.2), is_flag=False, flag_value=2.0,
                     metavar="[SECONDS]", help="Again every SECONDS [2] until Ctrl-C."),
    ]  # fmt: skip
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


def is_ascii() -> bool:
    """True where stdout cannot write the symbols and bars."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") not in {"utf8", "utf8sig"}


def cut() -> Literal["crop", "ellipsis"]:
    """How rich shortens a cell: the sign for it is none that an ASCII locale can write."""
    return "crop" if is_ascii() else "ellipsis"


class _Screen(Console):
    """rich's console, which would end the program by itself where the reader of stdout has gone."""

    def on_broken_pipe(self) -> None:
        """Called while the BrokenPipeError is handled; cli/base.py ends quietly on it."""
        raise  # noqa: PLE0704 - see above


def console() -> Console:
    """A rich console on stdout that obeys --color, NO_COLOR and TERM=dumb, and the width of the terminal."""
    mode = common().color
    terminal = on_screen()
    colored = mode == "always" or (mode == "auto" and terminal and not os.environ.get("NO_COLOR"))
    return _Screen(
        file=sys.stdout,
        force_terminal=terminal or colored,
        no_color=not colored,
        color_system="auto" if colored and terminal else ("standard" if colored else None),
        width=shutil.get_terminal_size().columns
        if sys.stdout.isatty() or "COLUMNS" in os.environ
        else UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def on_screen() -> bool:
    """True where stdout is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def write_text(text: str) -> None:
    """Text on stdout; what the locale cannot write becomes an escape."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def write_json(document: Any, *, indent: int | None = None) -> None:
    """One JSON document and a line break; nothing in it can steer a terminal."""
    sys.stdout.write(json_text(document, indent=indent) + "\n")


def json_text(document: Any, *, indent: int | None = None) -> str:
    """A JSON document in which nothing can steer a terminal."""
    text = _json_encoder(is_ascii(), indent)(document)
    if not text.isascii():
        text = re.sub(
            r"[^\x00-\x7f]", lambda m: f"\\u{ord(m[0]):04x}" if UNPRINTABLE.match(m[0]) else m[0], text
        )
    return text.replace("\x7f", "\\u007f")


@functools.cache
def _json_encoder(ascii_only: bool, indent: int | None) -> Callable[[Any], str]:
    return json.JSONEncoder(ensure_ascii=ascii_only, indent=indent, allow_nan=False).encode


def csv_cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _text_cell(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return _text_cell(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value))


@functools.lru_cache(maxsize=4096)  # an export has the same few names in every row
def _text_cell(text: str) -> str:
    text = printable(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def symbol(fancy: str, plain: str) -> str:
    """The symbol, or its stand-in where the locale is not UTF-8."""
    return plain if is_ascii() else fancy


def _cell(column: Column, row: Row) -> tuple[str, str]:
    shown = column.show(row)
    text, style = shown if isinstance(shown, tuple) else (shown, "")
    return to_locale(printable(text)), style


def to_locale(text: str) -> str:
    """The text with what the locale cannot write as escapes or near ASCII signs."""
    if not is_ascii():
        return text
    near = text.translate(
        {ord("°"): None, ord("µ"): "u", ord("×"): "x", ord("–"): "-", ord("•"): "*", ord("…"): "..."}
    )
    return near.encode("ascii", "backslashreplace").decode("ascii")


def _named(columns: Sequence[Column], key: str, option: str) -> Column:
    for column in columns:
        if key in {column.key, column.title.lower()}:
            return column
    raise CliError(Code.USAGE, f"{option}: no column {key!r}; there are: {', '.join(c.key for c in columns)}")


def _matches(value: Any, operator: str, wanted: str) -> bool:
    if operator in {"<", ">"}:
        try:
            limit = float(wanted)
        except ValueError:
            raise CliError(Code.USAGE, f"--filter: {wanted!r} is not a number") from None
        if not isinstance(value, int | float):
            return False
        return value > limit if operator == ">" else value < limit
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return (wanted.lower() in text.lower()) == (operator == "=")


def _sort_key(value: Any) -> tuple[int, float, str]:
    if isinstance(value, bool | int | float):
        return (0, float(value), "")
    return (1, 0.0, json.dumps(value) if isinstance(value, dict | list) else str(value))
