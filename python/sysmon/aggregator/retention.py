"""What is kept how long, and how large the file may be: the oldest goes first, and its space returns."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sysmon import _core
from sysmon.aggregator.storage import Event, Tier
from sysmon.aggregator.stored_parts import DAY_HOURS, HOUR_MS, TIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import apsw

    from sysmon.aggregator.writer import Writer

log = logging.getLogger(__name__)

_BITE_ROWS: Final = 128
_VACUUM_PAGES: Final = 256  # in one bite
_KEPT_FREE_PAGES: Final = 4_096  # soon used again: not worth moving pages for
_KEPT_FREE_SHARE: Final = 0.05
_NOBODY: Final = 0  # events of the aggregator itself

_DELETE: Final = "DELETE FROM chunks WHERE key IN (SELECT key FROM chunks WHERE key >= ? AND key < ? LIMIT ?)"
_OLDEST: Final = "SELECT min(key) FROM chunks WHERE key >= ? AND key < ?"


_DROPPED: Final = """
    SELECT max(start_ms) FROM events
    WHERE host_id = ? AND kind = 'dropped_for_space' AND detail ->> 'tier' = 'raw'"""


def _day_floor(time_ms: int) -> int:
    """The first hour of a time's day."""
    return time_ms // HOUR_MS // DAY_HOURS * DAY_HOURS


class Retention:
    """Thread-safe to read; `step` is called by one thread at a time."""

    def __init__(self, ages_ms: Mapping[Tier, int], max_bytes: int | None) -> None:
        """
        Args:
            ages_ms: how old the samples and cells of each tier may become; whole days are kept until their
                last hour has.
            max_bytes: what the file may hold, deleted pages not counted; None is any size.
        """
        self._ages_ms = ages_ms
        self._max_bytes = max_bytes
        self._done_until: dict[Tier, int] = dict.fromkeys(ages_ms, 0)  # hours before are gone
        self._space_from_hour = 0  # raw chunks before this hour went, or go, for space
        self.dropped_for_space = 0  # rows of chunks

    def restore(self, db: apsw.Connection) -> None:
        """Takes over from the events what went for space before the start."""
        newest: Any = db.execute(_DROPPED, (_NOBODY,)).get
        self._space_from_hour = 0 if newest is None else int(newest) // HOUR_MS + 1

    def raw_from_hour(self, now_ms: int) -> int:
        """Raw chunks of hours before this one are gone, or going."""
        return max(self._space_from_hour, _day_floor(now_ms - self._ages_ms["raw"]))

    def step(self, writer: Writer, now_ms: int) -> bool:
        """Deletes a bite of what is too old or too much; False where nothing is."""
        for tier, age_ms in self._ages_ms.items():
            until = _day_floor(now_ms - age_ms)
            if until <= self._done_until[tier]:
                continue
            if self._delete(writer, tier, until):
                return True
            self._done_until[tier] = until
        return self._shrink(writer, now_ms) or self._vacuum(writer)

    @staticmethod
    def _delete(writer: Writer, tier: Tier, until_hour: int) -> int:
        """Deletes some chunk rows of hours before `until_hour`; returns how many."""
        first, end = _core.chunk_key(TIERS[tier], 0, 0, 0), _core.chunk_key(TIERS[tier], until_hour, 0, 0)

        def job(db: apsw.Connection) -> Callable[[], int]:
            db.execute(_DELETE, (first, end, _BITE_ROWS))
            rows = db.changes()
            return lambda: rows

        return int(writer.ride(job))

    def _shrink(self, writer: Writer, now_ms: int) -> bool:
        """Drops the oldest hour of the finest tier that has one, where the file holds more than it may."""
        if self._max_bytes is None or writer.run(used_bytes) <= self._max_bytes:
            return False
        for tier, number in TIERS.items():
            ends = _core.chunk_key(number, 0, 0, 0), _core.chunk_key(number + 1, 0, 0, 0)
            oldest = writer.run(partial(_oldest, ends=ends))
            if oldest is None:
                continue
            hour = (oldest - ends[0]) // (_core.chunk_key(0, 1, 0, 0) - _core.chunk_key(0, 0, 0, 0))
            if tier == "raw":
                self._space_from_hour = max(hour + 1, self._space_from_hour)
            rows = 0
            while dropped := self._delete(writer, tier, hour + 1):
                rows += dropped
            self.dropped_for_space += rows
            self._tell(writer, tier, hour, rows, now_ms)
            return True
        return False

    def _tell(self, writer: Writer, tier: Tier, hour: int, rows: int, now_ms: int) -> None:
        detail = {
            "tier": tier,
            "start": hour * HOUR_MS // 1000,
            "chunk_rows": rows,
            "max_db_bytes": self._max_bytes,
        }
        event = Event("dropped_for_space", hour * HOUR_MS, now_ms, detail)
        writer.run(lambda db: writer.insert_event(db, _NOBODY, event))
        log.warning("max_db_bytes is reached: the oldest hour of tier %s was deleted (%d rows)", tier, rows)

    def give_back(self, writer: Writer) -> None:
        """Returns all deleted pages to the file system, those too that would soon be used again."""
        while self._vacuum(writer, keep=False):
            pass

    def _vacuum(self, writer: Writer, *, keep: bool = True) -> bool:
        """Gives some pages back to the file system."""

        def job(db: apsw.Connection) -> Callable[[], bool] | None:
            free, pages = int(db.pragma("freelist_count")), int(db.pragma("page_count"))
            kept = max(_KEPT_FREE_PAGES, _KEPT_FREE_SHARE * pages) if keep else 0
            if self._max_bytes is not None and pages * int(db.pragma("page_size")) > self._max_bytes:
                kept = 0
            if free <= kept:
                return None
            db.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
            return lambda: True

        return bool(writer.ride(job))


def _oldest(db: apsw.Connection, ends: tuple[int, int]) -> int | None:
    """The least key of a tier's chunks."""
    found: Any = db.execute(_OLDEST, ends).get
    return None if found is None else int(found)


def used_bytes(db: apsw.Connection) -> int:
    """What the file holds, deleted pages not counted."""
    pages = int(db.pragma("page_count")) - int(db.pragma("freelist_count"))
    return pages * int(db.pragma("page_size"))
