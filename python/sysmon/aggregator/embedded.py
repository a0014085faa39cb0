"""The embedded store: one SQLite file in the data folder, one writer thread, a few read-only connections."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import queue
import time
from typing import TYPE_CHECKING, Any, Final

import apsw
import msgspec

from sysmon import _core
from sysmon.aggregator.damage import WAL_IS_MISSING, DamageLog, understood
from sysmon.aggregator.database_file import (
    DATABASE,
    close_unused,
    is_damage,
    lacks_its_wal,
    mark_closed,
    mark_in_use,
    open_reader,
    open_writer,
    set_aside,
)
from sysmon.aggregator.journal_index import JournalIndex
from sysmon.aggregator.schema import is_as_migrated, migrate
from sysmon.aggregator.storage import (
    AGGREGATOR,
    DamagedError,
    DataDirBusyError,
    Event,
    Host,
    Ledger,
    Ticket,
    Write,
)
from sysmon.aggregator.streams import GapDetail, Streams, stream_of
from sysmon.aggregator.writer import SAVE_HOST, Writer, host_row
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sysmon._core import Columns, Row
    from sysmon.aggregator.settings import LimitSettings
    from sysmon.aggregator.storage import DocumentKind, Waiter

log = logging.getLogger(__name__)

_NEWEST_ROWS: Final = 64  # enough for every family, also those read once a minute at a tick of 1 s
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
        *,
        on_commit: Callable[[list[Write]], None] = lambda _: None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        vfs: str | None = None,
    ) -> None:
        """
        Args:
            folder: made with mode 0700 if it is missing.
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
        self._lock_fd = _lock(folder)
        try:
            self._start(on_commit)
            self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
            for _ in range(limits.queries):
                self._readers.put(open_reader(self.path, vfs))
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
            known = {_host_of(values).host_id for values in db.execute("SELECT * FROM hosts")}
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
        last_row = 0
        with understood("journal"):
            for row_id, host_id, time_ms in db.execute("SELECT id, host_id, time_ms FROM journal"):
                if host_id in known:
                    self._index.add(host_id, row_id, time_ms)
                else:
                    self._damage.note(f"row {row_id} of the journal is of host {host_id}, and there is none")
                last_row = row_id
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
            on_commit=on_commit,
            on_error=self._damage.error_of,
        )

    # ---- writing -------------------------------------------------------------------------------------------

    @property
    def warnings(self) -> list[str]:
        return self._damage.warnings

    @property
    def busy(self) -> float:
        return self._writer.depth / self._limits.queue_requests

    def submit(self, write: Write, waiter: Waiter | None = None) -> Ticket:
        return self._writer.submit(write, waiter)

    def settled(self, stream: bytes, first: int, last: int, digest: int | None) -> tuple[bool, bool]:
        return self._streams.settled(stream, first, last, digest)

    def save_host(self, host: Host, events: Sequence[Event] = ()) -> None:
        edits = host.edits

        def job(db: apsw.Connection) -> None:
            with _immediate(db):
                db.execute(SAVE_HOST, host_row(host, host.last_seen_ms))
                for event in events:
                    self._writer.insert_event(db, host.host_id, event)

        self._writer.run(job)
        host.saved_edits = edits

    def delete_host(self, host: Host) -> None:
        def job(db: apsw.Connection) -> None:
            with _immediate(db):
                for table in ("journal", "snapshots", "events", "streams", "host_facts", "hosts"):
                    db.execute(f"DELETE FROM {table} WHERE host_id = ?", (host.host_id,))  # noqa: S608 - our names
            host.deleted = True  # before the next commit: a push on its way must not bring rows of nobody
            self._streams.drop_host(host.host_id)
            self._index.drop_host(host.host_id)

        self._writer.run(job)

    def backup(self, path: Path) -> int:
        def job(db: apsw.Connection) -> None:
            db.execute("VACUUM INTO ?", (str(path),))

        if path.exists():
            raise StorageError(f"{path} exists; a backup never overwrites")
        path.touch(mode=0o600)
        try:
            self._writer.run(job)
        except StorageError:
            path.unlink(missing_ok=True)
            raise
        return path.stat().st_size

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
            for values in db.execute("SELECT * FROM hosts ORDER BY host_id"):
                host = _host_of(values)
                ids = self._index.newest(host.host_id, _NEWEST_ROWS)
                yield host, self._damage.rows(host.host_id, _rows(db, ids))[0]

    def read(
        self,
        host_id: int,
        *,
        types: Sequence[str] | None,
        tags: Mapping[str, str] | None,
        start_ms: int,
        end_ms: int,
        max_rows: int | None = None,
    ) -> Columns:
        ids = self._index.find(host_id, start_ms, end_ms, max_rows)
        with self._reader() as db:
            rows = _rows(db, ids)
        try:
            return _core.read_rows(
                self.key_sets, rows, types=types, tags=tags, start_ms=start_ms, end_ms=end_ms
            )
        except (ValueError, TypeError) as error:
            _, times = self._damage.rows(host_id, rows)
            raise DamagedError(
                f"a stored row is damaged: {error}; ask for times other than {times}"
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
        with self._reader() as db:
            dropped = db.execute(
                "SELECT coalesce(sum(detail ->> 'samples'), 0) FROM events"
                " WHERE host_id = ? AND kind = 'dropped'",
                (host_id,),
            ).get
        streams = self._streams.of_host(host_id)
        missing = sum(stream.missing for stream in streams)
        return Ledger(self._index.count(host_id), int(dropped), missing, tuple(streams))

    def stats(self) -> dict[str, int]:
        wal = self.path.with_name(DATABASE + "-wal")
        return {
            "bytes": self.path.stat().st_size,
            "wal_bytes": wal.stat().st_size if wal.exists() else 0,
            "rows": self._index.total(),
            "key_sets": len(self.key_sets),
            "streams": len(self._streams),
            "queue": self._writer.depth,
            "commits": self._writer.commits,
        }

    def close(self) -> None:
        self._writer.close()
        try:
            mark_closed(self._db)
        except apsw.Error as error:
            log.warning("%s: not marked as closed: %s", self.path, error)
        while not self._readers.empty():
            self._readers.get_nowait().close()
        self._db.close()
        os.close(self._lock_fd)


def _lock(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder itself carries the lock: no file that could be left behind, or deleted under us.
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise DataDirBusyError(f"{folder} is in use by another aggregator") from None
    return fd


@contextlib.contextmanager
def _immediate(db: apsw.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _rows(db: apsw.Connection, ids: Any) -> list[tuple[int, bytes]]:
    """(time_ms, payload) of journal rows, in the order of `ids`."""
    if not len(ids):
        return []
    sql = "SELECT j.time_ms, j.payload FROM carray(?) AS wanted JOIN journal AS j ON j.id = wanted.value"
    found: list[Any] = db.execute(sql, (apsw.carray(ids),)).fetchall()
    return found


def _host_of(values: tuple[Any, ...]) -> Host:
    (host_id, hostname, agent_id, boot_id, version, tags, own_tags, interval_ms) = values[:8]
    (first_seen_ms, last_seen_ms, clock_offset_ms, corrected, status) = values[8:]
    return Host(
        host_id,
        hostname,
        agent_id,
        boot_id,
        version,
        msgspec.json.decode(tags, type=dict[str, str]),
        msgspec.json.decode(own_tags, type=dict[str, str]),
        interval_ms,
        first_seen_ms,
        last_seen_ms,
        clock_offset_ms,
        bool(corrected),
        status == "archived",
        saved_edits=1,
    )
