"""What any `Storage` must do, whatever is behind it.

A test module derives a class from `StorageConformance` and gives it a fixture `place`: where one store lives,
so that it can be closed and opened again. Nothing here knows SQL, files or threads of the store; answers are
held against storage_model.py.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

from storage_model import Model, answer_of
from sysmon._core import PushDecoder
from sysmon.aggregator.storage import (
    AGGREGATOR,
    Drop,
    Event,
    Host,
    HostBatch,
    HostGoneError,
    Query,
    Storage,
    StorageBusyError,
    Write,
)
from sysmon.errors import RangeTooLargeError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sysmon._core import Agg, Columns
    from sysmon.aggregator.storage import Written

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
DAY_START_MS: Final = 1_800_000_000_000 // DAY_MS * DAY_MS
ALWAYS: Final[dict[str, Any]] = {"start_ms": 0, "end_ms": 1 << 60}
STREAM: Final = bytes(range(16))
# Values with which a codec goes wrong first.
EDGES: Final = (0.0, -0.0, 5e-324, 2.0**53, 2.0**63, 1.7976931348623157e308, 0.1, 0.1 + 0.2, -273.15, 99.99)

_GAUGE_AGGS: Final[tuple[Agg | None, ...]] = ("avg", "min", "max", "last", "sum", None)
_COUNTER_AGGS: Final[tuple[Agg | None, ...]] = ("rate", "last", None)  # all that is kept of one for years

Sample = tuple[str, float] | tuple[str, float, "Mapping[str, str]"]


class Place(Protocol):
    """Where one store lives."""

    def open(self, now_ms: Callable[[], int], *, queue_requests: int = 1_024) -> Storage:
        """Opens what is there; an empty store the first time."""

    def held(self, storage: Storage) -> AbstractContextManager[None]:
        """Keeps an open store from committing for so long."""

    def restored(self, backup: Path) -> Place:
        """Another place, in which that backup was put back."""


@dataclass
class Session:
    """A store that can be opened again, a clock that is set by hand, and what must be in the store."""

    place: Place
    now_ms: int = DAY_START_MS
    model: Model = field(default_factory=Model)
    hosts: dict[str, Host] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.storage = self.place.open(lambda: self.now_ms)

    def reopen(self) -> None:
        self.storage.close()
        self.storage = self.place.open(lambda: self.now_ms)

    def host(self, name: str) -> Host:
        made = Host(len(self.hosts) + 1, name, first_seen_ms=self.now_ms)
        return self.hosts.setdefault(name, made)

    def batch(self, name: str, time_ms: int, samples: Sequence[Sample], **more: Any) -> HostBatch:
        """A batch as it would come over the wire; what it holds goes into the model when it is stored."""
        rows = [{"type": s[0], "value": s[1], "tags": dict(s[2]) if len(s) > 2 else {}} for s in samples]
        body = {"hostname": name, "timestamp": time_ms / 1000, "metrics": rows, **more.pop("body", {})}
        decoder = PushDecoder(self.storage.key_sets)
        (push,) = decoder.decode(json.dumps(body).encode(), gzip=False, now_ms=time_ms)
        assert push.rejected == 0
        return HostBatch(self.host(name), push.rows, push.accepted, time_ms=time_ms, **more)

    def write(self, *batches: HostBatch, **more: Any) -> Write:
        return Write(list(batches), self.now_ms, 1_000, **more)

    def store(self, name: str, time_ms: int, *samples: Sample, **more: Any) -> None:
        """Commits one batch, and remembers it."""
        self.storage.submit(self.write(self.batch(name, time_ms, samples, **more))).wait()
        for sample in samples:
            tags = sample[2] if len(sample) > 2 else {}
            self.model.add(self.host(name).host_id, sample[0], tags, time_ms, sample[1])

    def query(self, **question: Any) -> Columns:
        hosts = question.pop("host_ids", [host.host_id for host in self.hosts.values()])
        return self.storage.query(Query(host_ids=hosts, **{**ALWAYS, **question})).columns

    def expect_all(self) -> None:
        """Every sample is there, bit for bit, and no other."""
        question = Query(host_ids=[host.host_id for host in self.hosts.values()], **ALWAYS)
        found = answer_of(self.storage.query(question).columns)
        expected = self.model.answer(question)
        assert _bits(found) == _bits(expected)

    def expect(self, question: Query) -> None:
        """The answer is the model's; cells of sums to 12 digits, for they are added up in another order."""
        found, expected = answer_of(self.storage.query(question).columns), self.model.answer(question)
        assert found.keys() == expected.keys(), question
        for key, values in expected.items():
            assert found[key].keys() == values.keys(), (key, question)
            wrong = {
                at: (found[key][at], value)
                for at, value in values.items()
                if not math.isclose(found[key][at], value, rel_tol=1e-12, abs_tol=1e-12)
            }
            assert not wrong, (key, question)

    def close(self) -> None:
        self.storage.close()


def _bits(answer: Any) -> Any:
    return {key: {time_ms: float(v).hex() for time_ms, v in values.items()} for key, values in answer.items()}


class StorageConformance:
    """Derive from it in a module of tests, with a fixture `place`."""

    @pytest.fixture
    def session(self, place: Place) -> Iterator[Session]:
        made = Session(place)
        yield made
        made.close()

    # ---- acknowledged is stored ------------------------------------------------------------------------

    def test_what_is_acknowledged_is_read_at_once_and_after_reopening(self, session: Session) -> None:
        for number, value in enumerate(EDGES):
            session.store(
                "web01", DAY_START_MS + number, ("own.edge", value), ("own.tagged", -value, {"a": "é"})
            )
        session.expect_all()
        session.reopen()
        session.expect_all()

    def test_what_waits_is_committed_before_closing(self, session: Session) -> None:
        tickets = []
        for number in range(100):
            batch = session.batch("web01", DAY_START_MS + number, [("own.m", float(number))])
            tickets.append(session.storage.submit(session.write(batch)))
            session.model.add(1, "own.m", {}, DAY_START_MS + number, float(number))
        session.reopen()
        assert not any(ticket.wait().duplicate for ticket in tickets)
        session.expect_all()

    def test_a_closed_store_says_so(self, place: Place) -> None:
        session = Session(place)
        batch = session.batch("web01", DAY_START_MS, [("own.m", 1.0)])
        session.close()
        with pytest.raises(StorageError):
            session.storage.submit(session.write(batch))

    def test_many_threads_store_everything_once(self, session: Session) -> None:
        names = [f"host{number}" for number in range(4)]
        for name in names:
            session.host(name)

        def send(name: str) -> None:
            for number in range(50):
                session.store(name, DAY_START_MS + number, ("own.m", number / 7))

        threads = [threading.Thread(target=send, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        session.expect_all()
        session.reopen()
        session.expect_all()

    def test_a_waiter_is_told_on_its_loop(self, session: Session) -> None:
        class Waiter:
            def __init__(self) -> None:
                self.loop = asyncio.get_running_loop()
                self.future: asyncio.Future[Written] = self.loop.create_future()

            def committed(self, written: Written) -> None:
                assert asyncio.get_running_loop() is self.loop
                self.future.set_result(written)

            def failed(self, error: StorageError) -> None:
                self.future.set_exception(error)

        async def send() -> list[Written]:
            waiters = [Waiter() for _ in range(10)]
            for number, waiter in enumerate(waiters):
                batch = session.batch("web01", DAY_START_MS + number, [("own.m", 1.0)])
                session.storage.submit(session.write(batch), waiter)
            return list(await asyncio.gather(*(waiter.future for waiter in waiters)))

        assert [written.duplicate for written in asyncio.run(send())] == [False] * 10
        assert len(answer_of(session.query())[0, "own.m", ()]) == 10

    def test_a_full_queue_refuses_and_loses_nothing(self, place: Place) -> None:
        session = Session(place)
        session.close()
        session.storage = place.open(lambda: session.now_ms, queue_requests=4)
        assert session.storage.busy == 0
        with place.held(session.storage):
            tickets = []
            with pytest.raises(StorageBusyError):
                for number in range(100):
                    batch = session.batch("web01", DAY_START_MS + number, [("own.m", float(number))])
                    tickets.append(session.storage.submit(session.write(batch)))
                    assert 0 < session.storage.busy <= 1
        for number, ticket in enumerate(tickets):
            ticket.wait()
            session.model.add(1, "own.m", {}, DAY_START_MS + number, float(number))
        assert 1 <= len(tickets) < 100
        session.expect_all()
        session.close()

    # ---- nothing is stored twice -----------------------------------------------------------------------

    def test_a_seq_is_stored_once(self, session: Session) -> None:
        def send(seq: int, digest: int) -> Written:
            batch = session.batch(
                "web01", DAY_START_MS + seq, [("own.m", float(seq))], seq=seq, digest=digest
            )
            written: Written = session.storage.submit(session.write(batch, stream=STREAM)).wait()
            assert batch.stored is not (written.duplicate or written.conflict)
            return written

        assert not send(1, 111).duplicate
        session.model.add(1, "own.m", {}, DAY_START_MS + 1, 1.0)
        assert session.storage.settled(STREAM, 1, 111) == (True, False)
        assert session.storage.settled(STREAM, 1, 222) == (True, True)
        assert session.storage.settled(STREAM, 2, None) == (False, False)
        assert session.storage.settled(bytes(16), 1, None) == (False, False)
        again = send(1, 111)
        assert (again.duplicate, again.conflict) == (True, False)
        other = send(1, 222)  # the same number with other bytes: not the same batch
        assert (other.duplicate, other.conflict) == (False, True)
        session.expect_all()
        session.reopen()
        assert session.storage.settled(STREAM, 1, None)[0]
        assert send(1, 111).duplicate
        session.expect_all()

    def test_of_a_bundle_only_what_is_new_is_stored(self, session: Session) -> None:
        def bundle(*seqs: int) -> tuple[Written, list[bool]]:
            batches = [
                session.batch("web01", DAY_START_MS + seq, [("own.m", float(seq))], seq=seq) for seq in seqs
            ]
            written = session.storage.submit(session.write(*batches, stream=STREAM)).wait()
            for seq in seqs:
                session.model.add(1, "own.m", {}, DAY_START_MS + seq, float(seq))
            return written, [batch.stored for batch in batches]

        assert bundle(1, 2, 3)[1] == [True, True, True]
        written, stored = bundle(2, 3, 4, 5)
        assert (written.duplicate, stored) == (False, [False, False, True, True])
        assert bundle(1, 5)[0].duplicate
        assert session.storage.settled(STREAM, 5, None)[0]
        session.expect_all()

    def test_of_a_bundle_with_another_batch_nothing_is_stored(self, session: Session) -> None:
        def bundle(name: str, seqs: range, parted_at: int) -> Written:
            """Two machines resumed from one snapshot: up to where they part their batches are the same."""
            batches = [
                session.batch(
                    "web01",
                    DAY_START_MS + seq,
                    [("own.m", float(seq))],
                    seq=seq,
                    digest=seq if seq < parted_at else hash((name, seq)) & 0xFFFF_FFFF,
                )
                for seq in seqs
            ]
            written: Written = session.storage.submit(session.write(*batches, stream=STREAM)).wait()
            assert {batch.stored for batch in batches} == {not (written.duplicate or written.conflict)}
            return written

        assert not bundle("a", range(1, 6), 4).conflict
        for seq in range(1, 6):
            session.model.add(1, "own.m", {}, DAY_START_MS + seq, float(seq))
        assert bundle("b", range(1, 4), 4).duplicate
        assert bundle("b", range(3, 6), 4).conflict
        assert bundle("b", range(5, 9), 4).conflict
        assert bundle("a", range(1, 6), 4).duplicate
        assert not session.storage.settled(STREAM, 6, None)[0]
        session.expect_all()

    def test_of_two_samples_at_one_time_the_first_stays(self, session: Session) -> None:
        session.store("web01", DAY_START_MS, ("own.m", 1.0), ("own.n", 1.0))
        session.store("web01", DAY_START_MS, ("own.m", 2.0), ("own.new", 2.0))
        session.store("db01", DAY_START_MS, ("own.m", 3.0))
        session.expect_all()
        session.storage.maintain("compact")
        session.expect_all()
        session.store("web01", DAY_START_MS, ("own.m", 4.0), ("own.newest", 4.0))
        session.expect_all()
        session.storage.maintain("compact")
        session.reopen()
        session.expect_all()

    def test_declared_drops_and_gaps_are_in_the_ledger(self, session: Session) -> None:
        def send(seq: int, *drops: Drop) -> None:
            batch = session.batch("web01", DAY_START_MS + seq, [("own.m", float(seq))], seq=seq)
            session.storage.submit(session.write(batch, stream=STREAM, drops=drops)).wait()

        send(1)
        send(5)  # 2 … 4 are missing
        ledger = session.storage.ledger(1)
        assert (ledger.committed, ledger.dropped, ledger.gaps) == (2, 0, 3)
        assert [event.detail["from"] for event in session.storage.events(1, kind="gap")] == [2]
        send(6, Drop(2, 3, 40, "spool_full"))
        send(7, Drop(2, 3, 40, "spool_full"))  # told again: the reply to it was lost
        for _ in range(2):
            ledger = session.storage.ledger(1)
            assert (ledger.committed, ledger.dropped, ledger.gaps) == (4, 40, 1)
            (stream,) = ledger.streams
            assert (stream.stream, stream.mark, stream.highest, stream.missing) == (STREAM.hex(), 3, 7, 1)
            assert session.storage.settled(STREAM, 3, None)[0]
            session.reopen()
        send(4)
        assert session.storage.ledger(1).gaps == 0
        assert session.storage.events(1, kind="gap") == []
        session.storage.maintain("compact")
        assert session.storage.ledger(1).committed == 5

    # ---- questions -------------------------------------------------------------------------------------

    def test_answers_are_the_models_wherever_it_lies(self, session: Session) -> None:
        """Fresh, packed, late, rolled up, opened again: the same answers to the same questions."""
        rng = random.Random(7)
        self._fill(
            session, rng, DAY_START_MS, DAY_START_MS + 2 * DAY_MS + 2 * HOUR_MS, every_ms=2 * MINUTE_MS
        )
        self._ask(session)
        session.storage.maintain("compact")
        self._ask(session)
        for _ in range(60):  # late, some of it at times that are there
            at = DAY_START_MS + rng.randrange(2 * DAY_MS) // MINUTE_MS * MINUTE_MS
            self._tick(session, rng, "web01", at)
        self._ask(session)
        session.now_ms = DAY_START_MS + 3 * DAY_MS + HOUR_MS
        session.storage.maintain("compact")
        self._ask(session)
        session.reopen()
        self._ask(session)
        self._tick(session, rng, "web01", DAY_START_MS + HOUR_MS + 1)
        self._fill(session, rng, session.now_ms - HOUR_MS, session.now_ms, every_ms=MINUTE_MS)
        self._ask(session)
        session.storage.maintain("compact")
        self._ask(session)

    @staticmethod
    def _fill(session: Session, rng: random.Random, start_ms: int, end_ms: int, *, every_ms: int) -> None:
        for time_ms in range(start_ms, end_ms, every_ms):
            session.now_ms = max(session.now_ms, time_ms)
            for name in ("web01", "db01"):
                if rng.random() < 0.9:  # a host is silent now and then
                    StorageConformance._tick(session, rng, name, time_ms)

    @staticmethod
    def _tick(session: Session, rng: random.Random, name: str, time_ms: int) -> None:
        samples: list[Sample] = [("cpu.total_usage", round(rng.uniform(0, 100), 2))]
        # A counter that grows with time, and begins anew in the middle of days.
        grown = float((time_ms - DAY_START_MS) % (17 * HOUR_MS))
        samples += [("network.bytes_recv", grown * n, {"interface": f"eth{n}"}) for n in (1, 2)]
        if rng.random() < 0.5:
            samples.append(("own.metric", rng.random(), {"a": "x", "b": "y"}))
        session.store(name, time_ms, *samples)

    @staticmethod
    def _ask(session: Session) -> None:
        session.expect_all()
        day, hosts = DAY_START_MS, [2, 1]
        gauges, counters = ["cpu.*", "own.metric"], ["network.bytes_recv"]
        filters: list[tuple[list[str] | None, dict[str, str] | None]] = [
            (None, None),
            (gauges, None),
            (["*"], {"interface": "eth1"}),
            (["no.such"], None),
        ]
        for start, end in ((day, day + 2 * DAY_MS), (day + 7 * HOUR_MS, day + 2 * DAY_MS + HOUR_MS)):
            for types, tags in filters:
                session.expect(
                    Query(host_ids=hosts, start_ms=start + 1, end_ms=end - 1, types=types, tags=tags)
                )
            for step in (7 * MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS):
                span: Any = {"start_ms": start - start % step, "end_ms": end + -end % step, "step_ms": step}
                for agg in _GAUGE_AGGS:
                    session.expect(Query(host_ids=hosts, **span, types=gauges, agg=agg))
                for agg in _COUNTER_AGGS:
                    session.expect(Query(host_ids=hosts, **span, types=counters, agg=agg))

    def test_rates_do_not_cross_a_boot(self, session: Session) -> None:
        for minute, value in enumerate((100.0, 160.0, 500.0, 560.0)):
            boot = {
                "boot_id": "one" if minute < 2 else "two",
                "boottime_ms": 1_000_000 if minute < 2 else 1_000,
            }
            at = DAY_START_MS + minute * MINUTE_MS
            session.store("web01", at, ("network.bytes_recv", value), body=boot)
        question = {"step_ms": MINUTE_MS, "start_ms": DAY_START_MS, "end_ms": DAY_START_MS + 4 * MINUTE_MS}
        for _ in range(2):
            rates = answer_of(session.query(**question))[0, "network.bytes_recv", ()]
            assert rates == {DAY_START_MS + MINUTE_MS: 1.0, DAY_START_MS + 3 * MINUTE_MS: 1.0}
            session.storage.maintain("compact")

    def test_hosts_are_numbered_as_they_were_asked_for(self, session: Session) -> None:
        for number in range(30):
            session.store(f"host{number}", DAY_START_MS, ("own.m", float(number)))
        wanted = [17, 3, 999, 25]
        columns = session.query(host_ids=wanted)
        found = [(columns.host(i), columns.values(i)[0]) for i in range(len(columns))]
        assert found == [(0, 16.0), (1, 2.0), (3, 24.0)]

    def test_without_types_there_are_the_ticks_alone(self, session: Session) -> None:
        for minute in (0, 1, 5):
            at = DAY_START_MS + minute * MINUTE_MS
            session.store("web01", at, ("own.m", 1.0), *([("own.n", 2.0)] if minute else []))
        session.store("db01", DAY_START_MS, ("own.m", 1.0))
        for _ in range(2):
            columns = session.query(types=[])
            ticks = {columns.host(i): list(columns.times(i)) for i in range(len(columns))}
            assert ticks == {
                0: [DAY_START_MS + minute * MINUTE_MS for minute in (0, 1, 5)],
                1: [DAY_START_MS],
            }
            assert not any(columns.present(0))
            session.storage.maintain("compact")

    def test_more_than_the_question_allows_is_an_error(self, session: Session) -> None:
        for number in range(10):
            samples = [(f"own.m{n}", 1.0) for n in range(5)]
            session.store("web01", DAY_START_MS + number, *samples)
        assert len(session.query(max_series=5, max_points=10)) == 5
        with pytest.raises(RangeTooLargeError, match="series"):
            session.query(max_series=4)
        with pytest.raises(RangeTooLargeError, match="points"):
            session.query(max_points=9)
        with pytest.raises(RangeTooLargeError, match="series"):
            session.query(max_series=4, step_ms=10, start_ms=DAY_START_MS, end_ms=DAY_START_MS + 100)

    def test_an_empty_store_answers(self, session: Session) -> None:
        assert len(session.query(host_ids=[1, 2])) == 0
        assert list(session.storage.load()) == []
        assert session.storage.events(AGGREGATOR) == []
        assert session.storage.document(1, "facts") is None
        assert session.storage.ledger(1).committed == 0
        assert session.storage.warnings == []
        assert session.storage.busy == 0
        assert all(isinstance(value, int) for value in session.storage.stats().values())

    # ---- hosts, events, documents ----------------------------------------------------------------------

    def test_hosts_come_back_with_their_newest_rows(self, session: Session) -> None:
        host = session.host("web01")
        host.agent_id, host.version, host.tags = "agent", "1.0", {"role": "web"}
        for minute in range(3):
            session.now_ms = DAY_START_MS + minute * MINUTE_MS
            session.store("web01", session.now_ms, ("own.m", float(minute)))
        assert host.saved
        for _ in range(2):
            ((again, rows),) = list(session.storage.load())
            assert (again.host_id, again.hostname, again.agent_id) == (1, "web01", "agent")
            assert (again.version, again.tags, again.last_seen_ms) == ("1.0", {"role": "web"}, session.now_ms)
            assert max(row.time_ms for row in rows) == session.now_ms
            assert [row.time_ms for row in rows] == sorted(row.time_ms for row in rows)
            session.storage.maintain("compact")
            session.reopen()

    def test_a_host_that_was_changed_by_hand_is_kept(self, session: Session) -> None:
        host = session.host("spare")
        host.own_tags = {"owner": "ops"}
        host.archived = True
        host.touch()
        session.storage.save_host(host, [Event("archived", DAY_START_MS, detail={"by": "hand"})])
        session.reopen()
        ((again, rows),) = list(session.storage.load())
        assert (again.hostname, again.own_tags, again.archived, rows) == ("spare", {"owner": "ops"}, True, [])
        assert [event.kind for event in session.storage.events(host.host_id)] == ["archived"]

    def test_a_forgotten_host_leaves_nothing(self, session: Session) -> None:
        for name in ("web01", "db01"):
            for minute in range(100):
                body = {"facts": b'{"os":"x"}', "processes": b"[]"} if minute == 99 else {}
                session.store(name, DAY_START_MS + minute * MINUTE_MS, ("own.m", float(minute)), **body)
            session.storage.save_host(session.host(name), [Event("tagged", DAY_START_MS)])
        session.storage.maintain("compact")
        session.store("web01", DAY_START_MS + HOUR_MS * 3, ("own.m", 5.0))
        late = session.batch("web01", DAY_START_MS + HOUR_MS * 4, [("own.m", 6.0)])
        host = session.host("web01")
        host.deleted = True
        session.storage.save_host(host)
        session.model.forget(host.host_id)
        with pytest.raises(HostGoneError):  # it was on the way
            session.storage.submit(session.write(late)).wait()
        for _ in range(2):
            session.expect_all()
            assert session.storage.events(1) == []
            assert session.storage.document(1, "facts") is None
            assert session.storage.document(1, "processes") is None
            assert session.storage.ledger(1).committed == 0
            assert [again.hostname for again, _ in session.storage.load()] == ["db01"]
            assert session.storage.document(2, "facts") is not None
            session.reopen()

    def test_events_come_newest_first(self, session: Session) -> None:
        events = tuple(
            Event(f"kind{n % 2}", DAY_START_MS + n, detail={"n": n, "é": [None, 1.5]}) for n in range(6)
        )
        session.store("web01", DAY_START_MS, ("own.m", 1.0), events=events)
        session.store("db01", DAY_START_MS, events=(Event("other", DAY_START_MS, DAY_START_MS + 5),))
        for _ in range(2):
            found = session.storage.events(1)
            assert [event.detail["n"] for event in found] == [5, 4, 3, 2, 1, 0]
            assert found[0].detail == {"n": 5, "é": [None, 1.5]}
            assert len({event.event_id for event in found}) == 6
            assert [event.detail["n"] for event in session.storage.events(1, kind="kind1")] == [5, 3, 1]
            assert [event.detail["n"] for event in session.storage.events(1, limit=2)] == [5, 4]
            (other,) = session.storage.events(2)
            assert (other.start_ms, other.end_ms) == (DAY_START_MS, DAY_START_MS + 5)
            session.reopen()

    def test_documents_are_those_of_a_time(self, session: Session) -> None:
        for minute in range(3):
            text = json.dumps({"minute": minute, "name": "é"}, ensure_ascii=False).encode()
            session.now_ms = at = DAY_START_MS + minute * MINUTE_MS
            session.store("web01", at, ("own.m", 1.0), facts=text, processes=b"[" + text + b"]")
        session.store("web01", DAY_START_MS - 1, facts=b'{"minute":"late"}')
        for _ in range(2):
            newest = session.storage.document(1, "facts")
            assert newest is not None
            assert (newest[0], json.loads(newest[1])["minute"]) == (DAY_START_MS + 2 * MINUTE_MS, 2)
            before = session.storage.document(1, "processes", DAY_START_MS + 2 * MINUTE_MS - 1)
            assert before is not None
            assert (before[0], json.loads(before[1])[0]["minute"]) == (DAY_START_MS + MINUTE_MS, 1)
            assert session.storage.document(1, "processes", DAY_START_MS - 1) is None
            session.reopen()

    # ---- care ------------------------------------------------------------------------------------------

    def test_a_backup_put_back_is_the_store_of_that_moment(
        self, session: Session, place: Place, tmp_path: Path
    ) -> None:
        rng = random.Random(3)
        self._fill(session, rng, DAY_START_MS, DAY_START_MS + 3 * HOUR_MS, every_ms=2 * MINUTE_MS)
        session.storage.maintain("compact")
        session.store("web01", session.now_ms, ("own.m", 1 / 3), events=(Event("seen", DAY_START_MS),))
        target = tmp_path / "backup"
        assert session.storage.maintain("backup", target)["bytes"] > 0
        batch = session.batch("web01", session.now_ms + 1, [("own.m", 2 / 3)])
        session.storage.submit(session.write(batch)).wait()  # after it
        with pytest.raises(StorageError):
            session.storage.maintain("backup", target)
        other = Session(place.restored(target), session.now_ms, session.model, session.hosts)
        other.expect_all()
        assert [event.kind for event in other.storage.events(1)] == ["seen"]
        assert len(list(other.storage.load())) == 2
        other.store("web01", session.now_ms + 2, ("own.m", 5.0))
        other.expect_all()
        other.close()

    def test_a_check_of_what_is_whole_finds_nothing(self, session: Session) -> None:
        for number in range(50):
            session.store("web01", DAY_START_MS + number * MINUTE_MS, ("own.m", float(number)))
        for _ in range(2):
            found = session.storage.maintain("check")
            assert (found["problems"], found["damaged"]) == (0, 0)
            session.storage.maintain("compact")
        assert session.storage.warnings == []
