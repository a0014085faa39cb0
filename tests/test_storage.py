"""The embedded store by itself: opening, locking, migrating, groups, and what a failure leaves."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import apsw
import pytest

from service_kit import START_MS, ServiceKit, push_body
from sysmon._core import KeySets, PushDecoder
from sysmon.aggregator import schema
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.journal_index import HostChunks, JournalIndex
from sysmon.aggregator.settings import LimitSettings
from sysmon.aggregator.storage import DataDirBusyError, Host, HostBatch, Query, Storage, Write
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from sysmon.aggregator.storage import Written


def open_storage(folder: Path, **limits: int) -> EmbeddedStorage:
    return EmbeddedStorage(folder, LimitSettings(**limits), now_ms=lambda: START_MS)


def write_of(storage: EmbeddedStorage, host: Host, seq: int) -> Write:
    body = json.dumps(
        push_body(host.hostname, [("a.b", float(seq))], timestamp=START_MS / 1000 + seq)
    ).encode()
    (push,) = PushDecoder(storage.key_sets).decode(body, gzip=False, now_ms=START_MS)
    batch = HostBatch(host, push.rows, push.accepted, time_ms=push.time_ms, seq=seq, digest=seq)
    return Write([batch], START_MS, len(body), stream=bytes(16))


def test_it_is_a_storage_of_at_most_12_methods(tmp_path: Path) -> None:
    storage: Storage = open_storage(tmp_path)
    storage.close()
    methods = [name for name, value in vars(Storage).items() if callable(value) and not name.startswith("_")]
    assert len(methods) <= 12


def test_one_process_holds_the_folder(tmp_path: Path) -> None:
    first = open_storage(tmp_path)
    with pytest.raises(DataDirBusyError):
        open_storage(tmp_path)
    first.close()
    open_storage(tmp_path).close()


def test_the_folder_and_its_files_are_private(tmp_path: Path) -> None:
    open_storage(tmp_path / "new" / "data").close()
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "data" / "sysmon.db").stat().st_mode & 0o777 == 0o600


def test_the_file_is_as_the_design_says(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    db = storage._db
    assert db.pragma("user_version") == len(schema.MIGRATIONS)
    assert db.pragma("journal_mode") == "wal"
    assert db.pragma("synchronous") == 2  # FULL
    strict = {name: bool(strict) for name, strict in db.execute("SELECT name, strict FROM pragma_table_list")}
    for table in ("hosts", "key_sets", "streams", "journal", "snapshots", "events", "host_facts"):
        assert strict[table]
    with storage._reader() as reader, pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM hosts")
    storage.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    open_storage(tmp_path).close()
    with apsw.Connection(str(tmp_path / "sysmon.db")) as db:
        db.pragma("user_version", 99)
    db.close()
    with pytest.raises(StorageError, match="upgrade"):
        open_storage(tmp_path)


def test_a_migration_that_is_cut_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    db = apsw.Connection(":memory:")
    schema.migrate(db)

    def cut(db: apsw.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, cut))
    with pytest.raises(KeyboardInterrupt):
        schema.migrate(db)
    assert db.pragma("user_version") == len(schema.MIGRATIONS) - 1
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchall()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], lambda db: db.execute("CREATE TABLE whole (x)"))
    )
    schema.migrate(db)
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'whole'").get == 1


def test_what_waits_is_committed_together_and_in_order(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    gate = threading.Event()
    host = Host(1, "web01", first_seen_ms=START_MS)
    job = threading.Thread(target=storage._writer.run, args=(lambda _: gate.wait(30),))
    job.start()  # the writer is busy meanwhile
    tickets = [storage.submit(write_of(storage, host, seq)) for seq in range(1, 131)]
    twice = storage.submit(write_of(storage, host, 5))
    gate.set()
    job.join()
    assert all(not ticket.wait().duplicate for ticket in tickets)
    assert twice.wait().duplicate
    assert storage._writer.commits == 3  # 64 + 64 + 3
    assert storage.ledger(1).streams[0].mark == 130
    columns = storage.query(Query(host_ids=[1], start_ms=0, end_ms=1 << 60)).columns
    assert list(columns.values(0)) == list(range(1, 131))
    storage.close()
    storage = open_storage(tmp_path)
    assert all(storage.settled(bytes(16), seq, None) == (True, False) for seq in range(1, 131))
    storage.close()


def test_other_bytes_in_the_same_group_are_a_conflict(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    gate = threading.Event()
    host = Host(1, "web01", first_seen_ms=START_MS)
    job = threading.Thread(target=storage._writer.run, args=(lambda _: gate.wait(30),))
    job.start()
    first = storage.submit(write_of(storage, host, 1))
    other = write_of(storage, host, 1)
    other.batches[0].digest = 99
    second = storage.submit(other)
    gate.set()
    job.join()
    assert not first.wait().conflict
    assert second.wait().conflict
    storage.close()


class LoopWaiter:
    """Turns what the store tells into a future."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Written] = self.loop.create_future()

    def committed(self, written: Written) -> None:
        assert asyncio.get_running_loop() is self.loop
        self.future.set_result(written)

    def failed(self, error: StorageError) -> None:
        self.future.set_exception(error)


def test_waiters_of_a_loop_are_told_and_one_that_fails_keeps_nothing_from_the_others(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    host = Host(1, "web01", first_seen_ms=START_MS)

    async def send() -> list[Written]:
        waiters = [LoopWaiter() for _ in range(10)]
        waiters[3].committed = lambda _: waiters[99]  # type: ignore[method-assign, assignment]
        for seq, waiter in enumerate(waiters, 1):
            storage.submit(write_of(storage, host, seq), waiter)
        return list(await asyncio.gather(*(waiter.future for waiter in waiters if waiter is not waiters[3])))

    assert [written.duplicate for written in asyncio.run(send())] == [False] * 9
    storage.close()


def test_a_fault_of_ours_is_told_and_the_writer_goes_on(kit: ServiceKit) -> None:
    writer = kit.service.storage._writer

    def job(db: apsw.Connection) -> None:
        db.execute("BEGIN IMMEDIATE; DELETE FROM hosts")
        raise KeyError("nobody thought of this")

    with pytest.raises(StorageError, match="nobody thought of this"):
        writer.run(job)
    kit.push("web01", ("a.b", 1.0))
    kit.now_ms += 10_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sysmon.aggregator.writer._Transaction.add", lambda *_: 1 / 0)
        assert kit.post(push_body("web01", [("a.b", 2.0)])).status_code == 503
    kit.now_ms += 10_000
    kit.push("web01", ("a.b", 3.0))
    (series,) = kit.get("/api/metrics")["series"]
    assert series["values"] == [1.0, 3.0]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    host = Host(1, "web01", first_seen_ms=START_MS)
    ticket = storage.submit(write_of(storage, host, 1))
    storage.close()
    assert ticket.wait().duplicate is False  # what was queued is committed first
    with pytest.raises(StorageError, match="closed"):
        storage.submit(write_of(storage, host, 2))


def test_a_queue_that_is_full_refuses(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, queue_requests=2)
    gate = threading.Event()
    host = Host(1, "web01", first_seen_ms=START_MS)
    job = threading.Thread(target=storage._writer.run, args=(lambda _: gate.wait(30),))
    job.start()
    storage.submit(write_of(storage, host, 1))
    assert storage.busy == 0.5
    storage.submit(write_of(storage, host, 2))
    with pytest.raises(StorageError, match="wait for the disk"):
        storage.submit(write_of(storage, host, 3))
    gate.set()
    job.join()
    storage.close()


def test_a_damaged_row_is_an_error_not_a_guess(kit: ServiceKit) -> None:
    kit.push("web01", ("a.b", 1.0))
    kit.service.storage._writer.run(lambda db: db.execute("UPDATE journal SET payload = x'00ff'"))
    assert kit.error("/api/metrics") == (500, "storage_damaged")


def test_streams_nobody_can_resend_are_forgotten(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    storage.submit(write_of(storage, Host(1, "web01", first_seen_ms=START_MS), 1)).wait()
    storage.close()
    later = EmbeddedStorage(tmp_path, LimitSettings(), now_ms=lambda: START_MS + 9 * 86_400_000)
    assert later.settled(bytes(16), 1, None) == (False, False)
    later.close()


def test_the_index_keeps_time_order_whatever_the_arrival() -> None:
    index = JournalIndex()
    for row, time_ms in enumerate((10, 30, 20, 20, 5), 1):
        index.add(1, row, time_ms, 100)
    assert list(index.find(1, 0, 100)[0].ids) == [5, 1, 3, 4, 2]
    assert list(index.find(1, 10, 30)[0].ids) == [1, 3, 4]
    assert list(index.newest(1, 2)) == [4, 2]
    assert list(index.find(2, 0, 100)[0].ids) == []
    assert (index.bytes, index.first_id(), index.total()) == (500, 1, 5)


def test_rows_leave_the_index_for_chunks() -> None:
    index = JournalIndex()
    for row, time_ms in enumerate((10, 30, 20, 40), 1):
        index.add(1, row, time_ms, 100)
    index.put_chunks(1, HostChunks(journal_id=3, rows=3, first_hour=0, last_hour=0))
    live, chunks = index.find(1, 0, 100)
    assert (list(live.ids), chunks.rows, index.bytes, index.first_id()) == ([4], 3, 100, 4)
    assert index.count(1) == 4
    index.drop_host(1)
    assert (index.bytes, index.first_id(), index.count(1)) == (0, None, 0)


def test_processes_are_kept_three_days(kit: ServiceKit) -> None:
    for day in range(5):
        kit.now_ms = START_MS + day * 86_400_000
        kit.post(push_body("web01", processes=[{"pid": day}]))
    count = kit.service.storage._db.execute("SELECT count(*) FROM snapshots").get
    assert count == 4


def test_key_sets_are_loaded_under_their_numbers(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    storage.submit(write_of(storage, Host(1, "web01", first_seen_ms=START_MS), 1)).wait()
    stored = storage._db.execute("SELECT key_set_id, keys FROM key_sets").fetchall()
    storage.close()
    fresh = KeySets()
    for number, blob in stored:
        fresh.load(number, blob)
        assert fresh.keys(number) == [("a.b", ())]
