"""Which rows of `chunks` and `journal` a question needs, reading them, and decoding what was read.

Raw chunks lie hour by hour, the cells of a day in one chunk. A day's cells stand for its samples where the
step is a multiple of theirs, unless some of its samples still lie in the journal.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import apsw

from sysmon import _core
from sysmon.aggregator.journal_index import HostChunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sysmon._core import Columns, KeySets
    from sysmon.aggregator.journal_index import JournalIndex, LiveRows
    from sysmon.aggregator.storage import Query, Tier

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
DAY_HOURS: Final = 24
RATE_LOOKBACK_MS: Final = 300_000  # the first cell's rate needs a sample from before it
RAW: Final = 0
TIERS: Final[dict[Tier, int]] = {"raw": RAW, "5m": 1, "1h": 2}  # as in chunk keys
CELL_MS: Final[dict[Tier, int]] = {"5m": 300_000, "1h": HOUR_MS}
_HOUR_STRIDE: Final = _core.chunk_key(RAW, 1, 0, 0) - _core.chunk_key(RAW, 0, 0, 0)
_HOST_STRIDE: Final = _core.chunk_key(RAW, 0, 1, 0) - _core.chunk_key(RAW, 0, 0, 0)
_HOSTS: Final = _HOUR_STRIDE // _HOST_STRIDE
_HOURS: Final = _core.chunk_key(1, 0, 0, 0) // _HOUR_STRIDE

_PARTS_SQL: Final = (
    "SELECT c.key, c.payload FROM carray(?) AS wanted JOIN chunks AS c ON c.key = wanted.value"
)
_ROWS_SQL: Final = (
    "SELECT j.host_id, j.time_ms, j.payload FROM carray(?) AS wanted JOIN journal AS j ON j.id = wanted.value"
)

Parts = list[tuple[int, bytes]]
Rows = list[tuple[int, bytes]]
Stored = tuple[Parts, Rows]


class Wanted(NamedTuple):
    """What to read of one host."""

    host_id: int
    keys: list[int]  # ascending
    rows: Sequence[int]  # journal ids
    has_cells: bool


def tier_for(step_ms: int | None) -> Tier:
    """The coarsest tier whose cells make up cells of this step."""
    if step_ms is not None and step_ms % CELL_MS["1h"] == 0:
        return "1h"
    if step_ms is not None and step_ms % CELL_MS["5m"] == 0:
        return "5m"
    return "raw"


def oldest_hour(db: apsw.Connection, tier: int) -> int | None:
    """The first hour (since 1970) of a tier's oldest chunk; None where it has none."""
    first, end = _core.chunk_key(tier, 0, 0, 0), _core.chunk_key(tier + 1, 0, 0, 0)
    found: Any = db.execute("SELECT min(key) FROM chunks WHERE key >= ? AND key < ?", (first, end)).get
    return None if found is None else time_ms_of(int(found)) // HOUR_MS


def keys_of(tier: int, hours: Iterable[int], host_id: int, parts: Sequence[int]) -> list[int]:
    """Keys of the parts of a host's chunks, ascending if `hours` and `parts` are."""
    base = _core.chunk_key(tier, 0, host_id, 0)
    return [base + hour * _HOUR_STRIDE + part for hour in hours for part in parts]


def host_of(key: int) -> int:
    """The host of a chunk's key."""
    return key // _HOST_STRIDE % _HOSTS


def tier_of(key: int) -> int:
    """The tier of a chunk's key, as a number."""
    return key // (_HOUR_STRIDE * _HOURS)


def is_ticks(key: int) -> bool:
    """Whether it is the key of a chunk's ticks; every chunk has one."""
    return key % _HOST_STRIDE == 0


def time_ms_of(key: int) -> int:
    """When the hour (or the day) of a chunk's key begins."""
    return key // _HOUR_STRIDE % _HOURS * HOUR_MS


def load_index(
    db: apsw.Connection, index: JournalIndex, host_ids: Iterable[int]
) -> tuple[int, list[tuple[int, int]]]:
    """Fills the index with what the file says: the newest row's id, and (row, host) of rows of nobody.

    What cannot be read is left to the caller: it raises ValueError or TypeError.
    """
    known = set(host_ids)
    last_row = 0
    compacted: dict[int, int] = {}
    for host_id, *numbers in db.execute(
        "SELECT host_id, journal_id, rows, first_hour, last_hour, rolled_day FROM compacted"
    ):
        chunks = HostChunks(*numbers)
        index.put_chunks(host_id, chunks)
        compacted[host_id] = chunks.journal_id
        last_row = max(last_row, chunks.journal_id)  # its row may be gone, its number is not free
    orphans = []
    for row_id, host_id, time_ms, size in db.execute(
        "SELECT id, host_id, time_ms, length(payload) FROM journal"
    ):
        last_row = max(last_row, row_id)
        if row_id <= compacted.get(host_id, 0):
            continue
        if host_id in known:
            index.add(host_id, row_id, time_ms, size)
        else:
            orphans.append((row_id, host_id))
    return last_row, orphans


def wanted_for(index: JournalIndex, host_id: int, query: Query) -> Wanted:
    """What a question needs of one host, by what lies where at this moment."""
    lookback_ms = RATE_LOOKBACK_MS if query.step_ms else 0
    live, chunks = index.find(host_id, query.start_ms - lookback_ms, query.end_ms)
    return want(
        host_id,
        live,
        chunks,
        start_ms=query.start_ms,
        end_ms=query.end_ms,
        lookback_ms=lookback_ms,
        tier=tier_for(query.step_ms),
        parts=_core.parts_of(query.types),
    )


def decode(
    key_sets: KeySets, stored: Sequence[Stored], query: Query, *, max_series: int, first_host: int = 0
) -> Columns:
    """What was read of several hosts, as the columns of the question.

    Raises:
        ValueError, TypeError: a payload is damaged.
        RangeTooLargeError: more than `max_series` columns, or the query's `max_points` samples in one.
    """
    if query.step_ms is None:
        return _core.read_hosts(
            key_sets,
            stored,
            types=query.types,
            tags=query.tags,
            start_ms=query.start_ms,
            end_ms=query.end_ms,
            max_series=max_series,
            max_points=query.max_points,
            first_host=first_host,
        )
    return _core.fold_hosts(
        key_sets,
        stored,
        types=query.types,
        tags=query.tags,
        start_ms=query.start_ms,
        end_ms=query.end_ms,
        step_ms=query.step_ms,
        agg=query.agg,
        lookback_ms=RATE_LOOKBACK_MS,
        max_series=max_series,
        first_host=first_host,
    )


def want(
    host_id: int,
    live: LiveRows,
    chunks: HostChunks,
    *,
    start_ms: int,
    end_ms: int,
    lookback_ms: int,
    tier: Tier,
    parts: Sequence[int],
) -> Wanted:
    """What [start − lookback, end) of one host needs. `live` are its rows in that range."""
    # What was compacted between two looks is found by its hour, which is that of a row seen at the first.
    first, last = chunks.first_hour, chunks.last_hour
    if live.times:
        live_first, live_last = live.times[0] // HOUR_MS, live.times[-1] // HOUR_MS
        first = min(first, live_first) if chunks.last_hour >= 0 else live_first
        last = max(last, live_last)
    first = max(first, (start_ms - lookback_ms) // HOUR_MS)
    last = min(last, (end_ms - 1) // HOUR_MS)
    days: list[int] = []
    if tier != "raw" and chunks.rolled_day > 0:
        journaled = {time_ms // DAY_MS for time_ms in live.times if time_ms // DAY_MS < chunks.rolled_day}
        until = min(chunks.rolled_day, -(-end_ms // DAY_MS))
        from_day = max(start_ms // DAY_MS, chunks.first_hour // DAY_HOURS)
        days = [day for day in range(from_day, until) if day not in journaled]
    rolled = set(days)
    hours = [hour for hour in range(first, last + 1) if hour // DAY_HOURS not in rolled]
    if rolled:  # the hour before samples take over from cells has what their first increase counts from
        after = [hour for hour in hours if hour % DAY_HOURS == 0 and hour // DAY_HOURS - 1 in rolled]
        hours = sorted(hours + [hour - 1 for hour in after])
    keys = keys_of(RAW, hours, host_id, parts)
    keys += keys_of(TIERS[tier], (day * DAY_HOURS for day in days), host_id, parts) if days else []
    return Wanted(host_id, keys, live.ids, bool(days))


def read(db: apsw.Connection, wanted: Sequence[Wanted]) -> list[Stored]:
    """Parts and rows of each host, as the core takes them, out of one state of the file."""
    keys = [key for one in wanted for key in one.keys]
    ids = [row for one in wanted for row in one.rows]
    with db:  # one transaction: what moves from rows to chunks meanwhile is in one of them
        found_parts = read_parts(db, keys)
        found_rows: list[Any] = db.execute(_ROWS_SQL, (apsw.carray(_int64(ids)),)).fetchall() if ids else []
    parts: dict[int, Parts] = {one.host_id: [] for one in wanted}
    rows: dict[int, Rows] = {one.host_id: [] for one in wanted}
    for part in found_parts:
        parts[host_of(part[0])].append(part)
    for host_id, time_ms, payload in found_rows:
        rows[host_id].append((time_ms, payload))
    return [(parts[one.host_id], rows[one.host_id]) for one in wanted]


def read_parts(db: apsw.Connection, keys: Sequence[int]) -> Parts:
    """(key, payload) of those that are there, in the order of `keys`."""
    if not keys:
        return []
    found: Any = db.execute(_PARTS_SQL, (apsw.carray(_int64(keys)),)).fetchall()
    return cast("Parts", found)


def intact_parts(parts: Parts) -> Parts:
    """Those that are as they were written, and have their ticks."""
    good = [part for part in parts if _core.is_intact(part[1])]
    with_ticks = {key for key, _ in good if is_ticks(key)}
    return [part for part in good if part[0] - part[0] % _HOST_STRIDE in with_ticks]


def read_rows(db: apsw.Connection, ids: Sequence[int]) -> Rows:
    """(time_ms, payload) of journal rows, in the order of `ids`."""
    if not ids:
        return []
    return [(time_ms, payload) for _, time_ms, payload in db.execute(_ROWS_SQL, (apsw.carray(_int64(ids)),))]


def _int64(numbers: Sequence[int]) -> Any:
    return numbers if isinstance(numbers, array) else array("q", numbers)
