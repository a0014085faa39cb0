"""Rows on stdout as they come, however many: what `sql` and `metrics export` write.

Tables and their options are output.py's; here nothing is held but some rows.
"""

from __future__ import annotations

import csv
import io
import math
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from sysmon.cli.output import csv_cell, json_text, to_locale, write_text
from sysmon.format import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

StreamFormat = Literal["json", "jsonl", "csv", "plain"]
_ROWS_AT_ONCE = 1_000


def write_rows(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], format_: StreamFormat, *, headers: bool = True
) -> int:
    """Writes every row; returns how many there were.

    json is one document, `{"columns": […], "rows": [[…], …]}`; jsonl one object a line. A number that JSON
    has no word for is null there.
    """
    if format_ == "json":
        return _write_json(columns, rows)
    count = 0
    if headers and format_ != "jsonl":
        write_text(_lines(columns, [columns], format_))
    for batch in _batches(rows):
        write_text(_lines(columns, batch, format_))
        count += len(batch)
    return count


def _write_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    count = 0
    write_text(f'{{"columns": {json_text(list(columns))}, "rows": [')
    for batch in _batches(rows):
        texts = [json_text([_json_value(value) for value in row]) for row in batch]
        write_text((",\n" if count else "\n") + ",\n".join(texts))
        count += len(batch)
    write_text("\n]}\n" if count else "]}\n")
    return count


def _lines(columns: Sequence[str], rows: Sequence[Sequence[Any]], format_: StreamFormat) -> str:
    if format_ == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerows([csv_cell(_text_of_bytes(value)) for value in row] for row in rows)
        return buffer.getvalue()
    if format_ == "plain":
        return "".join("\t".join(map(cell_text, row)) + "\n" for row in rows)
    named = ({name: _json_value(value) for name, value in zip(columns, row, strict=True)} for row in rows)
    return "".join(json_text(one) + "\n" for one in named)


def cell_text(value: Any) -> str:
    """A value as a person reads it in a line; nothing in it can steer a terminal."""
    return "-" if value is None else to_locale(printable(str(_text_of_bytes(value))))


def _text_of_bytes(value: Any) -> Any:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else value


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _text_of_bytes(value)


def _batches(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _ROWS_AT_ONCE)):
        yield batch
