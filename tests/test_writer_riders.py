"""What tidies the store rides in the pushes' transactions: one sync for both, and neither harms the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from service_kit import START_MS
from sysmon.aggregator import writer as writer_module
from sysmon.aggregator.storage import Host, HostBatch, Write
from sysmon.errors import StorageError
from test_storage import open_storage, write_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sysmon.aggregator.embedded import EmbeddedStorage

WAIT_S = 30
HOST = Host(1, "web01", first_seen_ms=START_MS)


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedStorage]:
    """One whose riders wait for a group as long as it takes."""
    monkeypatch.setattr(writer_module, "_RIDE_S", WAIT_S)
    monkeypatch.setattr(writer_module, "_BUSY_S", WAIT_S)
    made = open_storage(tmp_path)
    made.submit(write_of(made, HOST, 1)).wait()
    yield made
    made.close()


class Passenger:
    """A rider on a thread of its own."""

    def __init__(self, storage: EmbeddedStorage, job: Callable[[apsw.Connection], Any]) -> None:
        self.result: Any = None
        self.error: StorageError | None = None
        self._writer = storage._writer
        self._queued = threading.Event()
        self._thread = threading.Thread(target=self._ride, args=(job,))
        self._thread.start()
        while not storage._writer._riders:
            assert self._thread.is_alive() or self.error or self.result

    def _ride(self, job: Callable[[apsw.Connection], Any]) -> None:
        try:
            self.result = self._writer.ride(job)
        except StorageError as error:
            self.error = error

    def arrives(self) -> Passenger:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()
        return self


def mark(storage: EmbeddedStorage, told: list[str]) -> Callable[[apsw.Connection], Callable[[], str]]:
    """A job that writes an event, and what it says once that is committed."""

    def job(db: apsw.Connection) -> Callable[[], str]:
        db.execute(
            "INSERT INTO events (id, host_id, start_ms, kind, detail) VALUES (999, 0, 0, 'mark', '{}')"
        )
        told.append("written")
        return lambda: "committed" if db.get_autocommit() else "too early"

    return job


def marks(storage: EmbeddedStorage) -> int:
    return int(storage._db.execute("SELECT count(*) FROM events WHERE kind = 'mark'").get)


def test_a_rider_and_a_group_are_one_transaction(storage: EmbeddedStorage) -> None:
    told: list[str] = []
    statements: list[str] = []
    rider = Passenger(storage, mark(storage, told))
    assert told == []  # it waits
    storage._db.trace_v2(2, lambda event: statements.append(event["sql"]))  # SQLITE_TRACE_PROFILE
    storage.submit(write_of(storage, HOST, 2)).wait()
    storage._db.trace_v2(0)
    assert rider.arrives().result == "committed"
    assert [sql for sql in statements if sql.startswith(("BEGIN", "COMMIT"))] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert marks(storage) == 1


def test_a_rider_that_fails_leaves_nothing_and_the_group_goes_on(storage: EmbeddedStorage) -> None:
    def job(db: apsw.Connection) -> None:
        mark(storage, [])(db)
        db.execute("INSERT INTO nowhere VALUES (1)")

    rider = Passenger(storage, job)
    storage.submit(write_of(storage, HOST, 2)).wait()
    assert "nowhere" in str(rider.arrives().error)
    assert marks(storage) == 0
    assert storage.settled(bytes(16), 2, None) == (True, False)


def test_a_rider_that_ends_the_transaction_ends_only_its_own(storage: EmbeddedStorage) -> None:
    def job(db: apsw.Connection) -> None:  # as SQLite does where the disk fails under a statement
        mark(storage, [])(db)
        db.execute("ROLLBACK")
        raise apsw.IOError("a bad sector")

    rider = Passenger(storage, job)
    storage.submit(write_of(storage, HOST, 2)).wait()
    assert "a bad sector" in str(rider.arrives().error)
    assert marks(storage) == 0
    assert storage.settled(bytes(16), 2, None) == (True, False)
    assert storage._writer.commits == 2


def test_a_row_is_live_before_its_number_is_passed(
    storage: EmbeddedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    add = storage._index.add

    def look(host_id: int, row_id: int, time_ms: int, size: int) -> None:
        seen.append(
            (row_id, storage._writer.next_row)
        )  # what a compactor that has packed all would delete up to
        add(host_id, row_id, time_ms, size)

    monkeypatch.setattr(storage._index, "add", look)
    storage.submit(write_of(storage, HOST, 2)).wait()
    assert seen
    assert all(next_row <= row_id for row_id, next_row in seen)


def test_a_group_that_fails_leaves_the_rider_a_way_of_its_own(storage: EmbeddedStorage) -> None:
    told: list[str] = []
    rider = Passenger(storage, mark(storage, told))
    batch = HostBatch(HOST, write_of(storage, HOST, 2).batches[0].rows, 1, time_ms=START_MS, facts=b"\xff")
    with pytest.raises(StorageError):
        storage.submit(Write([batch], START_MS, 1)).wait()
    assert rider.arrives().result == "committed"
    assert told[-1] == "written"
    assert marks(storage) == 1


def test_a_rider_is_not_left_behind_at_the_end(storage: EmbeddedStorage) -> None:
    told: list[str] = []
    rider = Passenger(storage, mark(storage, told))
    storage._writer.close()
    assert rider.arrives().result == "committed"
    assert marks(storage) == 1


def test_both_may_bring_the_same_key_set(storage: EmbeddedStorage) -> None:
    (new,) = range(1, len(storage.key_sets) + 1)
    storage._writer._persisted.discard(new)
    storage._db.execute("DELETE FROM key_sets")

    def job(db: apsw.Connection) -> Callable[[], None]:
        storage._writer.persist_key_sets(db, {new})
        return lambda: storage._writer.key_sets_persisted({new})

    rider = Passenger(storage, job)
    storage.submit(write_of(storage, HOST, 2)).wait()
    assert rider.arrives().error is None
    assert storage._db.execute("SELECT count(*) FROM key_sets").get == 1
