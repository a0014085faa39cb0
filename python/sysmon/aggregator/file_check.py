"""Whether all of a database is as it was written: SQLite's own check, and every payload's checksum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sysmon import _core
from sysmon.aggregator.stored_parts import host_of, time_ms_of

if TYPE_CHECKING:
    import apsw

_CHUNKS: Final = "SELECT key, payload FROM chunks"
_ROWS: Final = "SELECT host_id, time_ms, payload FROM journal"


class Damage(NamedTuple):
    """One payload that is not as it was written."""

    table: str
    host_id: int
    time_ms: int


class Checked(NamedTuple):
    """What a check found."""

    problems: list[str]  # in SQLite's words
    rows: int  # of chunks and journal
    damaged: list[Damage]


def check(db: apsw.Connection) -> Checked:
    """Reads everything. Raises apsw.Error where the damage keeps it from being read."""
    problems = [str(row) for (row,) in db.execute("PRAGMA integrity_check") if row != "ok"]
    damaged = []
    rows = 0
    for key, payload in db.execute(_CHUNKS):
        rows += 1
        if not _core.is_intact(payload):
            damaged.append(Damage("chunks", host_of(key), time_ms_of(key)))
    for host_id, time_ms, payload in db.execute(_ROWS):
        rows += 1
        if not _core.is_intact(payload):
            damaged.append(Damage("journal", host_id, time_ms))
    return Checked(problems, rows, damaged)
