"""What the aggregator asks of its store: the `Storage` interface and the records that cross it.

The embedded implementation is beside it (embedded.py, with writer.py, schema.py, journal_index.py and
seqset.py); nothing outside those files knows SQL. A distributed store would be an existing engine behind the
same interface.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from sysmon.errors import StorageError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sysmon._core import Agg, Columns, KeySets, Row

DocumentKind = Literal["facts", "processes"]
AGGREGATOR: Final = 0  # the host_id of events that are nobody else's; hosts count from 1
Tier = Literal["raw", "5m", "1h"]
Task = Literal["compact", "backup", "check"]


class StorageBusyError(StorageError):
    """The commit queue is full; come back in a moment."""


class DataDirBusyError(StorageError):
    """Another process holds the data folder."""


class HostGoneError(StorageError):
    """The host was deleted while its push was on the way; sent again it makes a new one."""


class DamagedError(StorageError):
    """What is stored is not what was written: the message says what, and it is not served."""


@dataclass(slots=True, eq=False)
class Host:
    """A host as it is registered; the store's copy and everybody else's are this one object.

    Whoever changes a field says so with `touch`, and the next commit that concerns the host saves it.
    """

    host_id: int
    hostname: str
    agent_id: str | None = None
    boot_id: str | None = None
    version: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    own_tags: dict[str, str] = field(default_factory=dict)
    interval_ms: int | None = None
    first_seen_ms: int | None = None
    last_seen_ms: int | None = None
    clock_offset_ms: int | None = None
    corrected: bool = False
    archived: bool = False
    deleted: bool = False
    edits: int = 1
    saved_edits: int = 0

    def touch(self) -> None:
        self.edits += 1

    @property
    def saved(self) -> bool:
        """It was committed at least once."""
        return self.saved_edits > 0

    @property
    def all_tags(self) -> dict[str, str]:
        """The agent's tags, with those set by hand over them."""
        return self.tags | self.own_tags if self.own_tags else self.tags


@dataclass(slots=True, frozen=True)
class Drop:
    """Batches of a stream that will never come, as their agent declared."""

    first: int
    last: int
    samples: int
    reason: str


@dataclass(slots=True, frozen=True)
class Event:
    """Something that happened to a host; `detail` is JSON-able."""

    kind: str
    start_ms: int
    end_ms: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    event_id: int = 0


@dataclass(slots=True)
class HostBatch:
    """One batch on its way into the store: a host's rows of one push, or of one member of a bundle."""

    host: Host
    rows: Sequence[Row]
    samples: int
    facts: bytes | None = None
    processes: bytes | None = None
    time_ms: int = 0
    seq: int | None = None
    digest: int | None = None  # CRC-32 of its JSON; None where nobody knows
    events: tuple[Event, ...] = ()
    stored: bool = False  # set by the writer: False for a seq that was there before


@dataclass(slots=True)
class Write:
    """One request's worth of batches, committed together with what it says about its stream."""

    batches: list[HostBatch]
    now_ms: int
    size: int
    stream: bytes | None = None
    drops: tuple[Drop, ...] = ()


@dataclass(slots=True, frozen=True)
class Written:
    """What became of a `Write`."""

    duplicate: bool = False  # every seq of it was there before
    conflict: bool = False  # one of its seqs was there before, for another batch: nothing of it is stored


class Waiter(Protocol):
    """Who waits for a commit on an event loop. Both calls come in the loop's own thread."""

    loop: asyncio.AbstractEventLoop

    def committed(self, written: Written) -> None:
        """The write is in the file, and synced."""

    def failed(self, error: StorageError) -> None:
        """It is not."""


class Ticket:
    """The promise of a commit: `wait` on a thread, or the waiter given to `submit` is told on its loop."""

    __slots__ = ("_event", "error", "result", "waiter")

    def __init__(self, waiter: Waiter | None = None) -> None:
        self.waiter = waiter
        self._event = threading.Event() if waiter is None else None
        self.result: Any = None
        self.error: StorageError | None = None

    def settle(self) -> None:
        """Wakes the thread that waits; waiters are told by the writer, all of a loop at once."""
        if self._event is not None:
            self._event.set()

    def wait(self, timeout_s: float = 60) -> Any:
        """What was written.

        Raises:
            StorageError: it was not, or nothing happened for so long.
        """
        if self._event is None or not self._event.wait(timeout_s):
            raise StorageError(f"no commit within {timeout_s:g} s")
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(slots=True, frozen=True)
class StreamLedger:
    """The delivery of one agent run: what is settled, what is missing in between."""

    stream: str
    mark: int
    highest: int
    missing: int
    seen_ms: int
    dropped: int = 0  # batches declared dropped


@dataclass(slots=True, frozen=True)
class Ledger:
    """The sums of the conservation law for one host, as the aggregator sees them."""

    committed: int  # journal rows
    dropped: int  # samples declared dropped
    gaps: int  # seqs neither stored nor declared
    streams: tuple[StreamLedger, ...]
    declared: Mapping[str, int] = field(default_factory=dict)  # batches declared dropped, by reason


@dataclass(slots=True, frozen=True, kw_only=True)
class Query:
    """The samples of hosts in [start_ms, end_ms): as they were sent, or on cells of `step_ms`."""

    host_ids: Sequence[int]
    start_ms: int
    end_ms: int
    # Exact, or a prefix ending in "*"; None is every type. No type ([], without a step): one column a
    # host, whose times are its ticks and whose values are not present.
    types: Sequence[str] | None = None
    tags: Mapping[str, str] | None = None  # all of them must be there
    step_ms: int | None = None
    agg: Agg | None = None  # with a step; None: rate for counters, avg for all others
    max_series: int = 1 << 62
    max_points: int = 1 << 62  # samples a series, where there is no step


@dataclass(slots=True, frozen=True)
class Answer:
    """Columns host by host; `columns.host(i)` is an index into the query's `host_ids`."""

    columns: Columns
    tier: Tier  # the coarsest that was read


class Storage(Protocol):
    """Where acknowledged samples live. All methods may be called from any thread."""

    key_sets: KeySets

    @property
    def busy(self) -> float:
        """How full the commit queue is, 0 to 1."""

    @property
    def is_well(self) -> bool:
        """False when nothing can be committed any more until the process is started anew."""

    @property
    def warnings(self) -> list[str]:
        """What the operator should know about the store, in sentences: damage, above all."""

    def submit(self, write: Write, waiter: Waiter | None = None) -> Ticket:
        """Queues a write and returns at once; its ticket or waiter is told after COMMIT, with fsync.

        A seq that is in its stream's set already is not stored again. Raises StorageBusyError when the queue
        is full.
        """

    def settled(self, stream: bytes, seq: int, digest: int | None) -> tuple[bool, bool]:
        """(seq is stored or declared, as another batch than that of `digest` as far as is known)."""

    def load(self) -> Iterator[tuple[Host, list[Row]]]:
        """Every host with its newest rows, oldest first, for what is kept in memory."""

    def save_host(self, host: Host, events: Sequence[Event] = ()) -> None:
        """Commits a host that was changed by hand; one that is `deleted` is forgotten, with all it sent."""

    def query(self, query: Query) -> Answer:
        """What is stored, from journal, chunks and cells, each sample once.

        Raises:
            RangeTooLargeError: more series or points than the query allows.
            DamagedError: a stored payload is not as it was written.
            StorageError: it took too long.
        """

    def events(self, host_id: int, *, kind: str | None = None, limit: int = 100) -> list[Event]:
        """Newest first; of host AGGREGATOR they are the store's own."""

    def document(
        self, host_id: int, kind: DocumentKind, at_ms: int | None = None
    ) -> tuple[int, bytes] | None:
        """(time_ms, JSON) of the host's facts, or of the process snapshot newest at `at_ms`."""

    def ledger(self, host_id: int) -> Ledger:
        """The host's delivery, summed and by stream."""

    def maintain(self, task: Task, path: Path | None = None) -> dict[str, int]:
        """Does one of these now, and returns its figures by name.

        compact: moves all of the journal into chunks and does what is due of rollups and retention.
        backup: writes a consistent copy to `path`, a file that must not exist.
        check: reads everything and counts what is damaged.
        """

    def stats(self) -> dict[str, int]:
        """Bytes, rows and counters, by name."""

    def close(self) -> None:
        """Commits what is queued, then closes the file."""
