"""The one thread that writes: takes tickets, commits them in groups, wakes who waits.

It commits at once when idle; what arrives during a commit forms the next group (at most 64). The order within
a group is the order of arrival. Nothing in memory changes before COMMIT has returned, so a failed one leaves
nothing. What only moves or deletes stored rows rides along with a group, so that no push waits for two syncs.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import apsw
import msgspec

from sysmon.aggregator.fact_changes import changed_facts
from sysmon.aggregator.host_row import SAVE_HOST, host_row
from sysmon.aggregator.storage import Event, HostGoneError, StorageBusyError, Ticket, Write
from sysmon.aggregator.streams import stream_row
from sysmon.errors import StorageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sysmon._core import KeySets
    from sysmon.aggregator.journal_index import JournalIndex
    from sysmon.aggregator.storage import Host, Waiter
    from sysmon.aggregator.streams import StreamChange, Streams

log = logging.getLogger(__name__)

_GROUP: Final = 64
_GATHER_S: Final = 0.0005  # under load: twice as many a commit, and 7 % less of the processor a push
_RIDE_S: Final = 0.02  # so long riders wait for a group, if there was one so shortly before:
_BUSY_S: Final = 0.1
_SNAPSHOT_AGE_MS: Final = 3 * 86_400_000
_SPACE_CHECK_MS: Final = 5_000
_MIN_FREE_SHARE: Final = 0.05

_SEEN: Final = "UPDATE hosts SET last_seen_ms = ?, clock_offset_ms = ? WHERE host_id = ?"
_JOURNAL: Final = "INSERT INTO journal (id, host_id, time_ms, payload) VALUES (?, ?, ?, ?)"
_KEY_SET: Final = "INSERT OR IGNORE INTO key_sets (key_set_id, keys) VALUES (?, ?)"  # a rider may have it too
_STREAM: Final = """
    INSERT INTO streams (stream, host_id, seqs, seen_ms) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (stream) DO UPDATE SET seqs = ?3, seen_ms = ?4"""
_EVENT: Final = "INSERT INTO events (id, host_id, start_ms, end_ms, kind, detail) VALUES (?, ?, ?, ?, ?, ?)"
_FACTS: Final = """
    INSERT INTO host_facts (host_id, time_ms, facts) VALUES (?1, ?2, ?3)
    ON CONFLICT (host_id) DO UPDATE SET time_ms = ?2, facts = ?3 WHERE ?2 >= time_ms"""
_KNOWN_FACTS: Final = "SELECT facts FROM host_facts WHERE host_id = ? AND time_ms < ?"
_SNAPSHOT: Final = "INSERT OR REPLACE INTO snapshots (host_id, time_ms, payload) VALUES (?, ?, ?)"
_OLD_SNAPSHOTS: Final = "DELETE FROM snapshots WHERE host_id = ? AND time_ms < ?"

Job = tuple["Callable[[apsw.Connection], Any]", Ticket]
Committed: TypeAlias = "Callable[[], Any] | None"  # to be called once the transaction is committed


class Rider(NamedTuple):
    """A job within a transaction that is the writer's."""

    job: Callable[[apsw.Connection], Committed]
    ticket: Ticket


class Writer:
    """Owns the only connection that writes. `submit` and `run` may be called from any thread."""

    def __init__(
        self,
        db: apsw.Connection,
        *,
        key_sets: KeySets,
        persisted: set[int],
        streams: Streams,
        index: JournalIndex,
        next_row: int,
        next_event: int,
        queue_requests: int,
        queue_bytes: int,
        folder: Path,
        min_free_bytes: int,
        on_commit: Callable[[list[Write]], None],
        on_error: Callable[[apsw.Error], StorageError],
    ) -> None:
        self._db = db
        self._key_sets = key_sets
        self._persisted = persisted
        self._streams = streams
        self._index = index
        self._next_row = next_row
        self._next_event = next_event
        self._queue_requests = queue_requests
        self._queue_bytes = queue_bytes
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._on_commit = on_commit
        self._on_error = on_error
        self._queue: queue.SimpleQueue[tuple[Write, Ticket] | Job | Rider | None] = queue.SimpleQueue()
        self._riders: list[Rider] = []
        self._committed_s = 0.0  # when the last group was
        self._lock = threading.Lock()
        self._waiting = 0
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failing = False
        self._space_checked_ms = 0
        self._is_full = False
        self._is_crowded = False  # pushes came while the last group was committed
        self.commits = 0
        self.longest_job_s = 0.0  # since the start: so long did pushes wait for the statements of others

    @property
    def depth(self) -> int:
        """Requests that wait for a commit."""
        return self._waiting

    @property
    def is_alive(self) -> bool:
        """The thread runs, or is not needed yet; only an error that nobody foresaw ends it."""
        return self._thread is None or self._thread.is_alive()

    def submit(self, write: Write, waiter: Waiter | None) -> Ticket:
        with self._lock:
            if self._waiting >= self._queue_requests or self._waiting_bytes + write.size > self._queue_bytes:
                raise StorageBusyError(f"{self._waiting} pushes wait for the disk; come back in a moment")
            ticket = Ticket(waiter)
            self._put((write, ticket))
            self._waiting += 1
            self._waiting_bytes += write.size
        return ticket

    def run(self, job: Callable[[apsw.Connection], Any]) -> Any:
        """Runs a function on the writer's thread, between two commits, and returns its result."""
        ticket = Ticket()
        with self._lock:
            self._put((job, ticket))
        return ticket.wait(600)

    def ride(self, job: Callable[[apsw.Connection], Committed]) -> Any:
        """Runs a function within the transaction of the next pushes, or in one of its own where none come.

        What it returns is called on the writer's thread once that is committed, for the result. Pushes wait
        for its statements and not for a sync of its own; if these fail, pushes go on without it.
        """
        ticket = Ticket()
        with self._lock:
            self._put(Rider(job, ticket))
        return ticket.wait(600)

    @property
    def next_row(self) -> int:
        """The id of the next journal row: all committed ones are less."""
        return self._next_row

    def persist_key_sets(self, db: apsw.Connection, key_sets: Iterable[int]) -> None:
        """For jobs: writes those sets that are not stored yet within the job's transaction."""
        new = [(one, self._key_sets.blob(one)) for one in key_sets if one and one not in self._persisted]
        _many(db, _KEY_SET, new)

    def key_sets_persisted(self, key_sets: Iterable[int]) -> None:
        """For jobs: the transaction with those sets is committed."""
        self._persisted.update(key_sets)

    def insert_event(self, db: apsw.Connection, host_id: int, event: Event) -> None:
        """For jobs: writes an event within the job's transaction. Only on the writer's thread."""
        db.execute(_EVENT, _event_row(self._next_event, host_id, event))
        self._next_event += 1  # also if the transaction fails: a number unused is no harm

    def _put(self, item: tuple[Write, Ticket] | Job | Rider) -> None:
        if self._closed:
            raise StorageError("the store is closed")
        if self._thread is None:  # at the first use, so that building an application starts nothing
            self._thread = threading.Thread(target=self._loop, name="writer", daemon=True)
            self._thread.start()
        self._queue.put(item)

    def close(self) -> None:
        """Commits what is queued and ends the thread."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        ended = False
        while not ended:
            waited = bool(self._riders)
            group, job, ended = self._gather(_RIDE_S if waited else None)
            self._is_crowded = len(group) > 1
            if group:
                self._commit(group)
            is_busy = time.monotonic() - self._committed_s < _BUSY_S
            if self._riders and (waited or group or ended or not is_busy):
                self._let_riders_walk()
            if job is not None:
                self._do(*job)

    def _gather(self, patience_s: float | None) -> tuple[list[tuple[Write, Ticket]], Job | None, bool]:
        """The next group, a job to be done after it, and whether this is the end."""
        group: list[tuple[Write, Ticket]] = []
        try:
            item = self._queue.get(timeout=patience_s)
            if self._is_crowded:
                time.sleep(_GATHER_S)
            while item is not None:
                if isinstance(item, Rider):
                    self._riders.append(item)
                elif isinstance(item[0], Write):
                    group.append(item)
                else:
                    return group, item, False
                if len(group) >= _GROUP:
                    return group, None, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return group, None, False
        return group, None, True

    def _do(self, job: Callable[[apsw.Connection], Any], ticket: Ticket) -> None:
        start_s = time.monotonic()
        try:
            ticket.result = job(self._db)
        except Exception as error:  # who asked is told, the thread goes on for the others
            ticket.error = self._error_of(error)
        finally:
            if not self._db.get_autocommit():
                self._db.execute("ROLLBACK")
            if not self._queue.empty():
                self.longest_job_s = max(self.longest_job_s, time.monotonic() - start_s)
            ticket.settle()

    def _error_of(self, error: Exception) -> StorageError:
        if isinstance(error, apsw.Error):
            return self._on_error(error)
        if isinstance(error, StorageError):
            return error
        log.error("a job of the writer failed", exc_info=error)  # a fault of ours
        return StorageError(f"failed: {error!r}")

    def _let_riders_walk(self) -> None:
        riders, self._riders = self._riders, []
        for job, ticket in riders:
            self._do(partial(_alone, job), ticket)

    def _attempt(self, group: list[tuple[Write, Ticket]], riders: list[Rider]) -> _Done:
        """One transaction; whatever is raised, nothing of it is left."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            start_s = time.monotonic()
            ridden = [(ticket, job(self._db)) for job, ticket in riders]
            if riders:
                self.longest_job_s = max(self.longest_job_s, time.monotonic() - start_s)
            transaction = _Transaction(self)
            for write, ticket in group:
                transaction.add(write, ticket)
            transaction.write(self._db)
            self._db.execute("COMMIT")
        finally:
            if not self._db.get_autocommit():
                self._db.execute("ROLLBACK")
        return _Done(transaction, ridden)

    def _try_with_riders(self, group: list[tuple[Write, Ticket]], riders: list[Rider]) -> _Done:
        self._check_space(group[0][0].now_ms)
        if riders:
            try:
                return self._attempt(group, riders)
            except Exception:  # whose fault it was shows when each goes alone
                log.debug("compaction did not ride along", exc_info=True)
        self._riders = riders
        return self._attempt(group, [])

    def _commit(self, group: list[tuple[Write, Ticket]]) -> None:
        riders, self._riders = self._riders, []
        done: _Done | None = None
        try:
            done = self._try_with_riders(group, riders)
        except Exception as error:  # also a fault of ours, for a thread that ends would end it for everybody
            self._riders = riders
            if isinstance(error, apsw.Error):
                self._on_error(error)
            if not self._failing:
                expected = isinstance(error, (apsw.Error, StorageError))
                log.error(
                    "cannot store: %s; pushes are answered 503 until it works again",
                    error,
                    exc_info=None if expected else error,
                )
            self._failing = True
            for _, ticket in group:
                ticket.error = ticket.error or StorageError(f"could not be stored: {error}")
        else:
            if self._failing:
                log.warning("storing again")
            self._failing = False
            self._committed_s = time.monotonic()
            done.transaction.publish()
            self.commits += 1
            self._on_commit([write for write, ticket in group if ticket.error is None])
        with self._lock:
            self._waiting -= len(group)
            self._waiting_bytes -= sum(write.size for write, _ in group)
        _wake([ticket for _, ticket in group])
        if done is not None:
            self._arrive(done.ridden)

    def _arrive(self, ridden: list[tuple[Ticket, Committed]]) -> None:
        for ticket, committed in ridden:
            try:
                ticket.result = committed() if committed else None
            except Exception as error:
                ticket.error = self._error_of(error)
            ticket.settle()

    def _check_space(self, now_ms: int) -> None:
        """Stops before the disk is full: reads and whatever else lives there still need some."""
        if self._is_full or abs(now_ms - self._space_checked_ms) >= _SPACE_CHECK_MS:
            self._space_checked_ms = now_ms
            usage = shutil.disk_usage(self._folder)
            kept = kept_free_bytes(usage.total, self._min_free_bytes)
            self._is_full = usage.free < kept
        if self._is_full:
            raise StorageError(f"less than {kept >> 20} MiB free on the disk of {self._folder}")


class _Done(NamedTuple):
    """A transaction that is committed, and what its riders asked to be called then."""

    transaction: _Transaction
    ridden: list[tuple[Ticket, Committed]]


def _alone(job: Callable[[apsw.Connection], Committed], db: apsw.Connection) -> Any:
    db.execute("BEGIN IMMEDIATE")
    committed = job(db)
    db.execute("COMMIT")
    return committed() if committed else None


def kept_free_bytes(disk_bytes: int, min_free_bytes: int) -> int:
    """With less left on a disk of this size nothing is stored any more."""
    return max(min_free_bytes, int(_MIN_FREE_SHARE * disk_bytes))


class _Transaction:
    """Everything one group changes, first in lists, then in the file, then (after COMMIT) in memory."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._next_row = writer._next_row
        self._next_event = writer._next_event
        self._rows: list[tuple[int, int, int, bytes]] = []
        self._key_sets: dict[int, bytes] = {}
        self._hosts: dict[int, tuple[Host, int]] = {}  # host and last_seen
        self._saved: list[tuple[Host, int]] = []
        self._streams: dict[bytes, StreamChange] = {}
        self._events: list[tuple[int, int, int, int | None, str, str]] = []
        self._gaps: list[tuple[bytes, int, tuple[int, int]]] = []
        self._facts: list[tuple[int, int, str]] = []
        self._snapshots: list[tuple[int, int, str]] = []

    def add(self, write: Write, ticket: Ticket) -> None:
        for batch in write.batches:
            if batch.host.deleted:
                ticket.error = HostGoneError("the host was deleted meanwhile; send it again")
                return
        try:
            ticket.result = self._writer._streams.plan(write, self._streams)
        except StorageBusyError as error:
            ticket.error = error
            return
        if ticket.result.conflict:
            return
        for batch in write.batches:
            host = batch.host
            self._hosts[host.host_id] = (host, write.now_ms)
            if not batch.stored:
                continue
            for row in batch.rows:
                self._need_key_set(row.key_set)
                self._rows.append((self._next_row, host.host_id, row.time_ms, row.payload))
                self._next_row += 1
            for event in batch.events:
                self._add_event(host.host_id, event)
            if batch.facts is not None:
                self._facts.append((host.host_id, batch.time_ms, batch.facts.decode()))
            if batch.processes is not None:
                self._snapshots.append((host.host_id, batch.time_ms, batch.processes.decode()))

    def _need_key_set(self, key_set: int) -> None:
        if key_set not in self._writer._persisted and key_set not in self._key_sets:
            self._key_sets[key_set] = self._writer._key_sets.blob(key_set)

    def _add_event(self, host_id: int, event: Event) -> int:
        number = self._next_event
        self._next_event += 1
        self._events.append(_event_row(number, host_id, event))
        return number

    def write(self, db: apsw.Connection) -> None:
        filled: list[tuple[int]] = []
        for name, change in self._streams.items():
            self._writer._streams.note_gaps(name, change)
            filled += [(event_id,) for event_id in change.filled]
            for event in change.events:
                number = self._add_event(change.stream.host_id, event)
                if event.kind == "gap":
                    self._gaps.append((name, number, (event.detail["from"], event.detail["to"])))
        seen: list[tuple[int, int | None, int]] = []
        edited: list[tuple[Any, ...]] = []
        for host, now_ms in self._hosts.values():
            if host.saved_edits == host.edits:
                seen.append((now_ms, host.clock_offset_ms, host.host_id))
            else:
                self._saved.append((host, host.edits))
                edited.append(host_row(host, now_ms))
        _many(db, SAVE_HOST, edited)
        _many(db, _SEEN, seen)
        _many(db, _KEY_SET, self._key_sets.items())
        _many(db, _JOURNAL, self._rows)
        changes = self._streams.items()
        _many(db, _STREAM, [stream_row(name, change) for name, change in changes])
        _many(db, "DELETE FROM events WHERE id = ?", filled)
        self._note_fact_changes(db)
        _many(db, _EVENT, self._events)
        _many(db, _FACTS, self._facts)
        _many(db, _SNAPSHOT, self._snapshots)
        _many(
            db,
            _OLD_SNAPSHOTS,
            [(host_id, time_ms - _SNAPSHOT_AGE_MS) for host_id, time_ms, _ in self._snapshots],
        )

    def _note_fact_changes(self, db: apsw.Connection) -> None:
        for host_id, time_ms, told in self._facts:
            known = db.execute(_KNOWN_FACTS, (host_id, time_ms)).fetchone()
            if known and known[0] != told and (changed := changed_facts(known[0], told)):
                self._add_event(host_id, Event("facts_changed", time_ms, detail=changed))

    def publish(self) -> None:
        """Takes over in memory what COMMIT made true."""
        writer = self._writer
        writer._next_event = self._next_event
        writer._persisted.update(self._key_sets)
        for row_id, host_id, time_ms, payload in self._rows:
            writer._index.add(host_id, row_id, time_ms, len(payload))
        writer._next_row = self._next_row  # after them: whoever sees it must see that they are live
        for name, change in self._streams.items():
            writer._streams.commit(name, change)
        for name, event_id, hole in self._gaps:
            stream = writer._streams.get(name)
            if stream is not None:
                stream.gaps[event_id] = hole
        for host, edits in self._saved:
            host.saved_edits = edits
        for host, now_ms in self._hosts.values():
            host.last_seen_ms = max(now_ms, host.last_seen_ms or 0)


def _event_row(number: int, host_id: int, event: Event) -> tuple[int, int, int, int | None, str, str]:
    detail = msgspec.json.encode(dict(event.detail)).decode()
    return number, host_id, event.start_ms, event.end_ms, event.kind, detail


def _many(db: apsw.Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    if rows:
        db.executemany(sql, rows)


def _wake(tickets: list[Ticket]) -> None:
    """Settles threads one by one and waiters with one wake-up of each loop."""
    loops: dict[asyncio.AbstractEventLoop, list[Ticket]] = {}
    for ticket in tickets:
        if ticket.waiter is None:
            ticket.settle()
        else:
            loops.setdefault(ticket.waiter.loop, []).append(ticket)
    for loop, waiting in loops.items():
        try:
            loop.call_soon_threadsafe(_tell, waiting)
        except RuntimeError:  # the loop ended while its clients waited: they get no answer, and send again
            log.info("%d pushes were committed after their server had stopped", len(waiting))


def _tell(tickets: list[Ticket]) -> None:
    for ticket in tickets:
        waiter = ticket.waiter
        if waiter is None:
            continue
        try:
            if ticket.error is None:
                waiter.committed(ticket.result)
            else:
                waiter.failed(ticket.error)
        except Exception:  # the others wait too
            log.exception("a push could not be answered")
