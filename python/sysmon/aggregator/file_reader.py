"""One state of a database file, read from beside whoever writes it: another process, or nobody.

It opens the file read-only and holds one read transaction, so that what moves from journal to chunks
meanwhile stays where it was. The writer is not kept waiting; its WAL grows while the transaction lasts, which
is why whoever asks has a time limit.
"""

from __future__ import annotations

import contextlib
import math
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import apsw

from sysmon import _core
from sysmon.aggregator.damage import DamageLog, understood
from sysmon.aggregator.database_file import is_damage, open_reader
from sysmon.aggregator.file_check import check
from sysmon.aggregator.host_row import HOSTS, host_of_row
from sysmon.aggregator.journal_index import JournalIndex
from sysmon.aggregator.schema import MIGRATIONS
from sysmon.aggregator.storage import DamagedError, Query
from sysmon.aggregator.stored_parts import (
    CELL_MS,
    DAY_MS,
    HOUR_MS,
    RAW,
    TIERS,
    decode,
    keys_of,
    load_index,
    oldest_hour,
    read,
    read_parts,
    tier_for,
    wanted_for,
)
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from sysmon._core import Agg, Columns, KeySets, TagPairs
    from sysmon.aggregator.file_check import Checked
    from sysmon.aggregator.storage import Host, Tier

_FEW_SAMPLES: Final = 50_000  # of a window: the next one is twice as long
_MANY_SAMPLES: Final = 500_000  # … half as long
_LONGEST_MS: Final = 7 * DAY_MS
_MAX_SERIES: Final = 1 << 62


class Samples(NamedTuple):
    """Of one series in one window of time."""

    host: Host
    type: str
    tags: TagPairs
    times_ms: Sequence[int]
    values: Sequence[float]


class FileReader:
    """One thread at a time. What is missing or damaged is told when it is read, not before."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            StorageError: the file cannot be opened, or is of another version.
        """
        self._path = path
        try:
            self._db = open_reader(path, None)
        except apsw.Error as error:
            raise StorageError(f"{path}: {error}") from error
        try:
            with self._understood():
                self._db.execute("BEGIN")
                version = int(self._db.pragma("user_version"))
                if version != len(MIGRATIONS):
                    raise StorageError(_other_version(path, version))
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def hosts(self) -> list[Host]:
        """Every host, by name."""
        with self._understood():
            found = [host_of_row(values) for values in self._db.execute(HOSTS)]
        return sorted(found, key=lambda host: host.hostname)

    @cached_property
    def key_sets(self) -> KeySets:
        sets = _core.KeySets()
        with self._understood():
            for key_set_id, blob in self._db.execute("SELECT key_set_id, keys FROM key_sets"):
                sets.load(key_set_id, blob)
        return sets

    @cached_property
    def types(self) -> list[str]:
        """Every metric type that was ever sent."""
        found: set[str] = set()
        for (key_set_id,) in self._db.execute("SELECT key_set_id FROM key_sets"):
            found.update(metric for metric, _ in self.key_sets.keys(key_set_id))
        return sorted(found)

    @cached_property
    def _index(self) -> JournalIndex:
        index = JournalIndex()
        with self._understood():
            load_index(self._db, index, [host.host_id for host in self.hosts])
        return index

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one of our own statements, as they are read."""
        with self._understood():
            yield from self._db.execute(statement)

    def check(self) -> Checked:
        """Reads everything, and says what of it is not as it was written."""
        with self._understood():
            return check(self._db)

    def count_samples(self, tier: Tier, chunks: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """(samples or cells, bytes of payload) of the chunks of these (host_id, hour) in a tier."""
        total = size = 0
        for host_id, hour in chunks:
            with self._understood():
                parts = read_parts(self._db, keys_of(TIERS[tier], [hour], host_id, _core.parts_of(None)))
            start_ms = hour * HOUR_MS
            query = Query(
                host_ids=[host_id],
                start_ms=start_ms,
                end_ms=start_ms + (HOUR_MS if tier == "raw" else DAY_MS),
                step_ms=None if tier == "raw" else CELL_MS[tier],
                agg=None if tier == "raw" else "last",
            )
            try:
                columns = decode(self.key_sets, [(parts, [])], query, max_series=_MAX_SERIES)
            except (ValueError, TypeError):
                continue  # damaged: `check` tells
            total += sum(sum(columns.present(i)) for i in range(len(columns)))
            size += sum(len(payload) for _, payload in parts)
        return total, size

    def windows(
        self,
        host: Host,
        *,
        types: Sequence[str] | None,
        start_ms: float,
        end_ms: float,
        step_ms: int | None = None,
        agg: Agg | None = None,
    ) -> Iterator[list[Samples]]:
        """The host's samples in [start, end), or its cells of `step_ms`, window by window of time.

        A window holds about half a million samples at most, or those of an hour; it may be empty. A cell has
        the time of its start, and lies on multiples of the step.

        Raises:
            DamagedError: what is stored is not as it was written.
            StorageError: it cannot be read.
        """
        first_ms, last_ms = self._extent(host, step_ms)
        start_ms = math.floor(min(max(start_ms, first_ms), last_ms))
        end_ms = math.ceil(max(min(end_ms, last_ms), first_ms))
        if step_ms is not None:  # whole cells, and windows of whole days where they can be
            start_ms -= start_ms % step_ms
            end_ms += -end_ms % step_ms
        width_ms = HOUR_MS if step_ms is None else step_ms * max(1, DAY_MS // step_ms)
        at_ms = start_ms - start_ms % width_ms
        while at_ms < end_ms:
            query = Query(
                host_ids=[host.host_id],
                start_ms=max(at_ms, start_ms),
                end_ms=min(at_ms + width_ms, end_ms),
                types=types,
                step_ms=step_ms,
                agg=agg,
            )
            columns = self._columns(host, query)
            yield list(_samples(host, columns, on_grid=step_ms is not None))
            at_ms += width_ms
            if step_ms is None:
                width_ms = _next_width(width_ms, sum(len(columns.times(i)) for i in range(len(columns))))

    def _extent(self, host: Host, step_ms: int | None) -> tuple[int, int]:
        """The times before and after which nothing of a host is stored."""
        live, chunks = self._index.find(host.host_id, -_MAX_SERIES, _MAX_SERIES)
        firsts, lasts = list(live.times[:1]), [time_ms + 1 for time_ms in live.times[-1:]]
        oldest = self._oldest_ms[tier_for(step_ms)]
        if chunks.last_hour >= 0 and oldest is not None:
            firsts.append(max(chunks.first_hour * HOUR_MS, oldest))
            lasts.append((chunks.last_hour + 1) * HOUR_MS)
        return (min(firsts), max(lasts)) if firsts else (0, 0)

    @cached_property
    def _oldest_ms(self) -> dict[str, int | None]:
        """When the first chunk begins that a question of each tier may read."""
        found: dict[str, int | None] = {}
        with self._understood():
            raw = oldest_hour(self._db, RAW)
            found["raw"] = None if raw is None else raw * HOUR_MS
            for tier in CELL_MS:
                hours = [hour for hour in (raw, oldest_hour(self._db, TIERS[tier])) if hour is not None]
                found[tier] = min(hours) * HOUR_MS if hours else None
        return found

    def _columns(self, host: Host, query: Query) -> Columns:
        with self._understood():
            stored = read(self._db, [wanted_for(self._index, host.host_id, query)])
        try:
            return decode(self.key_sets, stored, query, max_series=_MAX_SERIES)
        except (ValueError, TypeError) as error:
            times = ", ".join(DamageLog(self._path).times_in([host.host_id], stored))
            raise DamagedError(
                f"what is stored of {host.hostname} is damaged: {error}; ask for times other than {times}"
            ) from error

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """Around everything that reads the file: what SQLite and what conversions say, as ours."""
        try:
            with understood(str(self._path)):
                yield
        except apsw.Error as error:
            kind = DamagedError if is_damage(error) else StorageError
            raise kind(f"{self._path}: {error}") from error


def _other_version(path: Path, version: int) -> str:
    if version > len(MIGRATIONS):
        return f"{path} has version {version}, this sysmon knows {len(MIGRATIONS)}: upgrade sysmon"
    return f"{path} has version {version}, this sysmon reads {len(MIGRATIONS)}: start the aggregator once"


def _next_width(width_ms: int, samples: int) -> int:
    """Of a window of samples, in whole hours, by how many there were in the last one."""
    if samples < _FEW_SAMPLES:
        return min(2 * width_ms, _LONGEST_MS)
    if samples > _MANY_SAMPLES:
        return max(width_ms // 2 // HOUR_MS * HOUR_MS, HOUR_MS)
    return width_ms


def _samples(host: Host, columns: Columns, *, on_grid: bool) -> Iterator[Samples]:
    for i in range(len(columns)):
        metric, tags = columns.key(i)
        times: Sequence[int] = columns.times(i).tolist()
        values: Sequence[float] = columns.values(i).tolist()
        if on_grid:
            present = columns.present(i)
            times, values = list(compress(times, present)), list(compress(values, present))
        if times:
            yield Samples(host, metric, tags, times, values)
