"""The embedded store: one SQLite file in the data folder, one writer thread, a few read-only connections."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import apsw
import msgspec

from sysmon import _core
from sysmon.aggregator.compactor import Compactor
from sysmon.aggregator.damage import WAL_IS_MISSING, DamageLog, understood
from sysmon.aggregator.database_file import (
    DATABASE,
    checkpoint,
    close_unused,
    copy_database,
    is_damage,
    lacks_its_wal,
    mark_closed,
    mark_in_use,
    open_reader,
    open_writer,
    set_aside,
)
from sysmon.aggregator.file_check import check
from sysmon.aggregator.folder_lock import lock_folder
from sysmon.aggregator.host_row import HOSTS, SAVE_HOST, host_of_row, host_row
from sysmon.aggregator.journal_index import JournalIndex
from sysmon.aggregator.retention import Retention, used_bytes
from sysmon.aggregator.schema import is_as_migrated, migrate
from sysmon.aggregator.settings import RetentionSettings
from sysmon.aggregator.storage import (
    AGGREGATOR,
    Answer,
    DamagedError,
    Event,
    Host,
    Ledger,
    Ticket,
    Write,
)
from sysmon.aggregator.stored_parts import (
    DAY_HOURS,
    RAW,
    TIERS,
    decode,
    keys_of,
    load_index,
    read,
    read_parts,
    read_rows,
    tier_for,
    wanted_for,
)
from sysmon.aggregator.streams import GapDetail, Streams, stream_of
from sysmon.aggregator.writer import Writer
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sysmon._core import Columns, Row
    from sysmon.aggregator.settings import LimitSettings
    from sysmon.aggregator.storage import DocumentKind, Query, Task, Tier, Waiter
    from sysmon.aggregator.stored_parts import Stored, Wanted

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_NEWEST_ROWS: Final = 64  # enough for every family, also those read once a minute at a tick of 1 s
_HOSTS_AT_ONCE: Final = 16  # of a question: what is read of them is in memory together, near the processor
_TABLES_OF_A_HOST: Final = (
    "journal",
    "snapshots",
    "events",
    "streams",
    "host_facts",
    "compacted",
    "dirty_days",
    "hosts",
)
_DROPPED: Final = """
    SELECT detail ->> 'stream', detail ->> 'reason', sum((detail ->> 'to') - (detail ->> 'from') + 1),
        sum(detail ->> 'samples')
    FROM events WHERE host_id = ? AND kind = 'dropped' GROUP BY 1, 2"""
_STREAM_AGE_MS: Final = 8 * 86_400_000  # the agent's spool keeps 7 days; nobody resends after that
_DOCUMENTS: Final = {
    "facts": "SELECT time_ms, facts FROM host_facts WHERE host_id = ?1 AND time_ms <= ?2",
    "processes": "SELECT time_ms, payload FROM snapshots WHERE host_id = ?1 AND time_ms <= ?2"
    " ORDER BY time_ms DESC LIMIT 1",
}


class EmbeddedStorage:
    """`Storage` in one file. Opening it locks the folder, migrates, and rebuilds what is in memory."""

    def __init__(
        self,
        folder: Path,
        limits: LimitSettings,
        retention: RetentionSettings | None = None,
        *,
        max_db_bytes: int | None = None,
        on_commit: Callable[[list[Write]], None] = lambda _: None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        vfs: str | None = None,
    ) -> None:
        """
        Args:
            folder: made with mode 0700 if it is missing.
            retention: ages of the tiers; None is the default ones.
            max_db_bytes: what the file may hold; None is any size.
            on_commit: called on the writer's thread with what was just committed, before anybody is told.
            vfs: the registered apsw VFS to reach the file through; None is the system's.

        Raises:
            DataDirBusyError: another process holds the folder.
            StorageError: the file is damaged, newer than this program, or cannot be opened.
        """
        self.folder = folder
        self.path = folder / DATABASE
        self._limits = limits
        self._vfs = vfs
        self._now_ms = now_ms
        self._damage = DamageLog(self.path)
        self._lock_fd = lock_folder(folder)
        try:
            self._start(on_commit)
            self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
            for _ in range(limits.queries):
                self._readers.put(open_reader(self.path, vfs))
            self._compactor = Compactor(
                self._writer,
                self._index,
                self.key_sets,
                open_reader(self.path, vfs),
                Retention((retention or RetentionSettings()).ages_ms, max_db_bytes),
                journal_bytes=limits.journal_bytes,
                now_ms=now_ms,
            )
        except apsw.Error as error:
            os.close(self._lock_fd)
            raise StorageError(f"{self.path}: {error}") from error
        except BaseException:
            os.close(self._lock_fd)
            raise

    def _start(self, on_commit: Callable[[list[Write]], None]) -> None:
        """Opens the file and rebuilds what is in memory; one that is damaged makes place for a fresh one."""
        event = None
        if lacks_its_wal(self.path):
            self._damage.note(WAL_IS_MISSING)
            event = Event("wal_missing", self._now_ms())
        try:
            self._open(on_commit)
        except DamagedError as error:
            moved = set_aside(self.path, self._now_ms())
            self._damage.forget()
            log.error("%s is damaged (%s): set aside as %s, and a fresh one begun", self.path, error, moved)
            event = Event(
                "database_damaged", self._now_ms(), detail={"file": moved.name, "reason": str(error)}
            )
            self._open(on_commit)
        if event is not None:
            with _immediate(self._db):
                self._writer.insert_event(self._db, AGGREGATOR, event)

    def _open(self, on_commit: Callable[[list[Write]], None]) -> None:
        self.key_sets = _core.KeySets()
        self._index = JournalIndex()
        self._streams = Streams()
        db = open_writer(self.path, self._vfs)
        try:
            migrate(db)
            with understood("sqlite_schema"):  # a name that is no UTF-8
                if not is_as_migrated(db):
                    raise DamagedError("its tables are not those of its version")
            self._rebuild(db, on_commit)
            mark_in_use(db)
        except BaseException as error:
            close_unused(db)
            if is_damage(error):
                raise DamagedError(str(error)) from error
            raise
        self._db = db

    def _rebuild(self, db: apsw.Connection, on_commit: Callable[[list[Write]], None]) -> None:
        """Hosts, key sets and streams carry all else: one that cannot be read makes the file damaged."""
        persisted = set()
        with understood("hosts"):
            known = {host_of_row(values).host_id for values in db.execute(HOSTS)}
        with understood("key_sets"):
            for key_set_id, blob in db.execute("SELECT key_set_id, keys FROM key_sets"):
                self.key_sets.load(key_set_id, blob)
                persisted.add(key_set_id)
        with understood("streams"):
            for values in db.execute("SELECT stream, host_id, seqs, seen_ms FROM streams"):
                self._streams.put(values[0], stream_of(*values))
        old = self._streams.prune(self._now_ms() - _STREAM_AGE_MS)
        db.executemany("DELETE FROM streams WHERE stream = ?", [(name,) for name in old])
        gaps = "SELECT id, CAST(detail AS BLOB) FROM events WHERE kind = 'gap'"  # a blob is any bytes
        for event_id, text in db.execute(gaps):
            try:
                detail = msgspec.json.decode(text, type=GapDetail)
                stream = self._streams.get(bytes.fromhex(detail.stream))
            except ValueError as error:
                self._damage.note(f"event {event_id} cannot be read: {error}")
                continue
            if stream is not None:
                stream.gaps[event_id] = (detail.first, detail.last)
        with understood("compacted and journal"):
            last_row, orphans = load_index(db, self._index, known)
        for row_id, host_id in orphans:
            self._damage.note(f"row {row_id} of the journal is of host {host_id}, and there is none")
        self._writer = Writer(
            db,
            key_sets=self.key_sets,
            persisted=persisted,
            streams=self._streams,
            index=self._index,
            next_row=last_row + 1,
            next_event=1 + int(db.execute("SELECT coalesce(max(id), 0) FROM events").get),
            queue_requests=self._limits.queue_requests,
            queue_bytes=self._limits.queue_bytes,
            folder=self.folder,
            min_free_bytes=self._limits.min_free_bytes,
            on_commit=on_commit,
            on_error=self._damage.error_of,
        )

    # ---- writing -------------------------------------------------------------------------------------------

    @property
    def warnings(self) -> list[str]:
        return self._damage.warnings

    @property
    def is_well(self) -> bool:
        return self._writer.is_alive

    @property
    def busy(self) -> float:
        return self._writer.depth / self._limits.queue_requests

    def submit(self, write: Write, waiter: Waiter | None = None) -> Ticket:
        return self._writer.submit(write, waiter)

    def settled(self, stream: bytes, seq: int, digest: int | None) -> tuple[bool, bool]:
        return self._streams.settled(stream, seq, digest)

    def save_host(self, host: Host, events: Sequence[Event] = ()) -> None:
        if host.deleted:
            self._forget(host)
            return
        edits = host.edits

        def job(db: apsw.Connection) -> None:
            with _immediate(db):
                db.execute(SAVE_HOST, host_row(host, host.last_seen_ms))
                for event in events:
                    self._writer.insert_event(db, host.host_id, event)

        self._writer.run(job)
        host.saved_edits = edits

    def _forget(self, host: Host) -> None:
        """Chunks first and in bites, the host last: one that is cut half is there to be deleted again."""
        with self._compactor.lock:
            chunks = self._index.chunks(host.host_id)
            hours = range(chunks.first_hour // DAY_HOURS * DAY_HOURS, chunks.last_hour + 1)
            for first in range(0, len(hours), DAY_HOURS):
                self._writer.run(_deletion_of(host.host_id, hours[first : first + DAY_HOURS]))
            self._writer.run(lambda db: _delete_host(db, host.host_id))
            self._streams.drop_host(host.host_id)
            self._index.drop_host(host.host_id)

    def start(self) -> None:
        """Begins to compact in the background."""
        self._compactor.start()

    def maintain(self, task: Task, path: Path | None = None) -> dict[str, int]:
        if task == "compact":
            return self._compactor.everything() | {"bytes": self._writer.run(_checkpoint)}
        if task == "check":
            return self._check()
        if path is None:
            raise StorageError("backup: a path is needed")
        return {"bytes": copy_database(self.path, path, self._vfs)}

    def _check(self) -> dict[str, int]:
        with self._reader() as db:
            found = check(db)
        return {"problems": len(found.problems), "rows": found.rows, "damaged": len(found.damaged)}

    # ---- reading -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        """A read-only connection; there are as many as queries may run at once."""
        try:
            db = self._readers.get(timeout=self._limits.query_s)
        except queue.Empty:
            raise StorageError(f"{self._limits.queries} queries run already; come back in a moment") from None
        try:
            yield db
        except apsw.Error as error:
            raise self._damage.error_of(error) from error
        except (UnicodeDecodeError, msgspec.MsgspecError) as error:
            raise DamagedError(f"{self.path}: a stored text is damaged: {error}") from error
        finally:
            self._readers.put(db)

    def load(self) -> Iterator[tuple[Host, list[Row]]]:
        with self._reader() as db:
            for values in db.execute(HOSTS):
                host = host_of_row(values)
                yield host, self._newest_rows(db, host.host_id)

    def _newest_rows(self, db: apsw.Connection, host_id: int) -> list[Row]:
        ids = self._index.newest(host_id, _NEWEST_ROWS)
        rows: list[Row] = []
        hour = self._index.chunks(host_id).last_hour
        if len(ids) < _NEWEST_ROWS and hour >= 0:
            with contextlib.suppress(DamagedError):  # noted; the host has no last values until its next push
                rows = self._newest_of_chunks(db, host_id, [hour])
                if len(rows) < 2:  # the hour has just begun: rates need what came before
                    rows = self._newest_of_chunks(db, host_id, [hour - 1, hour])
        return rows + self._damage.rows(host_id, read_rows(db, ids))[0]

    def _newest_of_chunks(self, db: apsw.Connection, host_id: int, hours: list[int]) -> list[Row]:
        parts = read_parts(db, keys_of(RAW, hours, host_id, _core.parts_of(None)))
        return self._decoded([host_id], [(parts, [])], lambda: _core.newest_rows(self.key_sets, (parts, [])))

    def query(self, query: Query) -> Answer:
        deadline = time.monotonic() + self._limits.query_s
        tier = tier_for(query.step_ms)
        parts: list[Columns] = []
        read_tier: Tier = "raw"
        left = query.max_series
        hosts = list(query.host_ids)
        with self._reader() as db:
            for first in range(0, len(hosts), _HOSTS_AT_ONCE):
                wanted = [
                    wanted_for(self._index, host_id, query)
                    for host_id in hosts[first : first + _HOSTS_AT_ONCE]
                ]
                if any(one.has_cells for one in wanted):
                    read_tier = tier
                columns = self._read(db, wanted, query, left, first)
                left -= len(columns)
                parts.append(columns)
                if time.monotonic() > deadline:
                    raise StorageError(f"not answered within {self._limits.query_s:g} s: ask for less")
        return Answer(parts[0] if len(parts) == 1 else _core.join_columns(parts), read_tier)

    def _read(
        self, db: apsw.Connection, wanted: list[Wanted], query: Query, max_series: int, first_host: int
    ) -> Columns:
        stored = read(db, wanted)
        return self._decoded(
            [one.host_id for one in wanted],
            stored,
            lambda: decode(self.key_sets, stored, query, max_series=max_series, first_host=first_host),
        )

    def _decoded(self, host_ids: Sequence[int], stored: Sequence[Stored], decode: Callable[[], _T]) -> _T:
        try:
            return decode()
        except (ValueError, TypeError) as error:
            times = ", ".join(self._damage.times_in(host_ids, stored))
            raise DamagedError(
                f"what is stored is damaged: {error}; ask for times other than {times}"
            ) from error

    def events(self, host_id: int, *, kind: str | None = None, limit: int = 100) -> list[Event]:
        with self._reader() as db:
            rows = db.execute(
                "SELECT kind, start_ms, end_ms, detail, id FROM events"
                " WHERE host_id = ?1 AND (?2 IS NULL OR kind = ?2) ORDER BY start_ms DESC, id DESC LIMIT ?3",
                (host_id, kind, limit),
            )
            return [
                Event(kind, start, end, msgspec.json.decode(detail), number)
                for kind, start, end, detail, number in rows
            ]

    def document(
        self, host_id: int, kind: DocumentKind, at_ms: int | None = None
    ) -> tuple[int, bytes] | None:
        with self._reader() as db:
            row = db.execute(_DOCUMENTS[kind], (host_id, at_ms if at_ms is not None else 1 << 62)).fetchone()
        return (row[0], row[1].encode()) if row else None

    def ledger(self, host_id: int) -> Ledger:
        samples = 0
        declared: Counter[str] = Counter()
        of_stream: Counter[str] = Counter()
        with self._reader() as db:
            for stream, reason, batches, lost in db.execute(_DROPPED, (host_id,)):
                declared[reason] += batches
                of_stream[stream] += batches
                samples += lost
        streams = [
            replace(stream, dropped=of_stream[stream.stream]) for stream in self._streams.of_host(host_id)
        ]
        missing = sum(stream.missing for stream in streams)
        return Ledger(self._index.count(host_id), samples, missing, tuple(streams), declared)

    def stats(self) -> dict[str, int]:
        wal = self.path.with_name(DATABASE + "-wal")
        return {
            "bytes": self.path.stat().st_size,
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
            "rows": self._index.total(),
            "journal_bytes": self._index.bytes,
            "key_sets": len(self.key_sets),
            "streams": len(self._streams),
            "queue": self._writer.depth,
            "commits": self._writer.commits,
            "compacted_samples": self._compactor.samples,
            "longest_job_ms": round(self._writer.longest_job_s * 1000),
        }

    def close(self) -> None:
        self._compactor.close()
        self._writer.close()
        try:
            mark_closed(self._db)
        except apsw.Error as error:
            log.warning("%s: not marked as closed: %s", self.path, error)
        while not self._readers.empty():
            self._readers.get_nowait().close()
        self._db.close()
        os.close(self._lock_fd)


@contextlib.contextmanager
def _immediate(db: apsw.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _deletion_of(host_id: int, hours: range) -> Callable[[apsw.Connection], None]:
    """A job that deletes the chunks of a host in these hours, of all tiers."""
    keys = [key for tier in TIERS.values() for key in keys_of(tier, hours, host_id, _core.parts_of(None))]

    def job(db: apsw.Connection) -> None:
        with _immediate(db):
            db.executemany("DELETE FROM chunks WHERE key = ?", [(key,) for key in keys])

    return job


def _delete_host(db: apsw.Connection, host_id: int) -> None:
    with _immediate(db):
        for table in _TABLES_OF_A_HOST:
            db.execute(f"DELETE FROM {table} WHERE host_id = ?", (host_id,))  # noqa: S608 - our names


def _checkpoint(db: apsw.Connection) -> int:
    """Brings the WAL into the file; returns what that holds."""
    checkpoint(db)
    return used_bytes(db)
