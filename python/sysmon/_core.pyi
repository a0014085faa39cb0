"""Types of the native extension. `tests/test_core_types.py` holds this file against the module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Generic, Literal, Self, TypedDict, TypeVar

from typing_extensions import Buffer

__version__: str

T = TypeVar("T")
Agg = Literal["avg", "min", "max", "last", "rate", "sum"]
TagPairs = tuple[tuple[str, str], ...]

# ---- the machine -------------------------------------------------------------------------------------------

class MetricInfo:
    """One entry of the registry (include/sysmon/metric.hpp)."""

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def kind(self) -> Literal["gauge", "counter"]: ...
    @property
    def tags(self) -> list[str]: ...
    @property
    def help(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def formula(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def default_on(self) -> bool: ...
    @property
    def collector(self) -> str:
        """Name of the collector that emits it; "" for the agent's own."""
    @property
    def interval_s(self) -> float:
        """Least time between two readings; 0 means every tick."""

class PrometheusName:
    """One way to say a metric in Prometheus (include/sysmon/prometheus.hpp)."""

    @property
    def metric(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Literal["gauge", "counter", "untyped"]: ...
    @property
    def help(self) -> str: ...
    @property
    def tags(self) -> list[str]:
        """Of the metric."""
    @property
    def when(self) -> str:
        """Only for series with such a tag: `mode=guest`, `mode!=guest|guest_nice`; "" for all."""
    @property
    def changes(self) -> str:
        """Of tags: `old>new` renames, `-old` leaves out, `new=value` adds ($host is the hostname)."""
    @property
    def divide(self) -> float: ...
    @property
    def other(self) -> str | None:
        """A metric whose value of the same tags goes into `value_of`."""
    @property
    def needs_host(self) -> bool:
        """The labels depend on the hostname."""
    def labels_of(self, pairs: TagPairs, hostname: str = "") -> TagPairs | None:
        """The labels of a series with these tags, sorted; None for a series this name is not for."""
    def value_of(self, value: float, other: float = 0.0) -> float:
        """The value in Prometheus' unit."""

def prometheus_names(metric: str, names: Literal["sysmon", "node", "both"]) -> list[PrometheusName]:
    """What a metric is called; empty where node_exporter has no name for it."""

def prometheus_label(key: str) -> str:
    """A tag's key as a label."""

class Batch:
    """One tick's samples of this machine."""

    @property
    def time_ms(self) -> int: ...
    @property
    def tick(self) -> int: ...
    def __len__(self) -> int: ...
    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """(type, tags, value) of every sample."""

class CollectorStatus:
    @property
    def name(self) -> str: ...
    @property
    def up(self) -> bool: ...
    @property
    def errors(self) -> int: ...
    @property
    def last_seconds(self) -> float: ...
    @property
    def last_error(self) -> str: ...

class MetricsCollector:
    """Reads this machine, or a recorded tree, on its own native thread; a full ring refuses the newest."""

    def __init__(
        self,
        interval_s: float = 1.0,
        proc_root: str = "/",
        *,
        enable: Sequence[str] = (),
        disable: Sequence[str] = (),
        ring_capacity: int = 64,
    ) -> None: ...
    def sample(self) -> Batch:
        """One tick now, on this thread. Rates need a second one."""
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def drain(self) -> list[Batch]:
        """The batches collected since the last call, oldest first; empty if none."""
    def status(self) -> list[CollectorStatus]: ...
    @property
    def dropped(self) -> int: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

def registry() -> list[MetricInfo]:
    """Every metric of the core, in the order of the registry."""

def facts(proc_root: str = "/") -> bytes:
    """What a host is rather than does: the wire's `facts` as JSON (os, kernel, cores, mounts …)."""

class RingBuffer(Generic[T]):
    """The core's one-producer one-consumer ring, holding Python objects; when full the newest is refused."""

    def __init__(self, capacity: int) -> None: ...
    def try_push(self, item: T) -> bool: ...
    def try_pop(self) -> T | None: ...
    def drain(self) -> list[T]: ...
    def __len__(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    @property
    def dropped(self) -> int: ...

# ---- the agent's configuration -----------------------------------------------------------------------------

class ConfigIssue:
    """Something wrong or odd in a configuration file. `str()` is "file:line:column: message"."""

    @property
    def level(self) -> Literal["error", "warning"]: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def message(self) -> str: ...

class ConfigSetting(TypedDict):
    key: str
    value: str
    default: str
    unit: str
    help: str
    secret: bool

def validate_agent_config(text: str, filename: str = "agent.yaml") -> list[ConfigIssue]:
    """Every error and warning in the text of an agent's YAML file; empty if there is nothing to say."""

def agent_settings(text: str = "", filename: str = "agent.yaml") -> list[ConfigSetting]:
    """Every setting of the agent's file, with its value in `text` (or the default) in canonical spelling."""

# ---- the agent's spool -------------------------------------------------------------------------------------

def look_at_spool(folder: str) -> bytes:
    """What a spool's folder holds, as JSON (docs/formats/spool.md); nothing is changed or locked.

    Raises:
        FileNotFoundError: there is none, or it holds something else.
        PermissionError: it may not be read.
        ValueError: it is a symlink, or open to others.
    """

# ---- a received push ---------------------------------------------------------------------------------------

class Limits:
    """The limits of a push; defaults as in docs/formats/wire.md."""

    def __init__(
        self,
        *,
        inflated_bytes: int = 8 << 20,
        ratio: int = 100,
        batches: int = 64,
        samples: int = 20_000,
        metrics_per_batch: int = 2_000,
        series_per_host: int = 2_000,
        tags_per_metric: int = 16,
    ) -> None: ...

class KeySets:
    """The ordered lists of (type, tags) that journal rows refer to, shared by all hosts. Thread-safe."""

    def __init__(self) -> None: ...
    def load(self, key_set_id: int, blob: bytes) -> None:
        """Puts a stored key set back. Raises ValueError if the blob is not one or the id is another's."""
    def blob(self, key_set_id: int) -> bytes:
        """The bytes to be stored for it (docs/formats/journal.md). Raises KeyError."""
    def keys(self, key_set_id: int) -> list[tuple[str, TagPairs]]:
        """Its keys in order; tags sorted by key. Raises KeyError."""
    def __len__(self) -> int: ...
    @property
    def max_id(self) -> int: ...

class Row:
    """One journal row: the samples of one host at one time."""

    def __init__(self, time_ms: int, payload: bytes) -> None:
        """A stored row. Raises ValueError if the payload is damaged."""
    @property
    def time_ms(self) -> int: ...
    @property
    def key_set(self) -> int: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def samples(self) -> int: ...

class Push:
    """One decoded batch of a push: who, when, and the rows to be stored. Immutable."""

    @property
    def hostname(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def agent_id(self) -> str | None: ...
    @property
    def boot_id(self) -> str | None: ...
    @property
    def boottime_ms(self) -> int | None: ...
    @property
    def interval_ms(self) -> int | None: ...
    @property
    def time_ms(self) -> int:
        """The batch's own time, or that of arrival where it has none."""
    @property
    def has_time(self) -> bool: ...
    @property
    def identity(self) -> bytes:
        """16 bytes for hostname, agent_id, boot_id, version, interval and tags: equal if and only if all are.

        Of this process: another one has others.
        """
    @property
    def digest(self) -> int:
        """CRC-32 of the batch's JSON text; of a gzip member it is what its trailer says. 0 of `pack`."""
    @property
    def tags(self) -> dict[str, str] | None: ...
    @property
    def facts(self) -> bytes | None:
        """The JSON text of `facts`, minified; None where the push has none."""
    @property
    def processes(self) -> bytes | None: ...
    @property
    def rows(self) -> list[Row]:
        """One row per distinct time, oldest first; empty for a heartbeat."""
    @property
    def accepted(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def errors(self) -> list[tuple[int, str]]:
        """(index in `metrics`, code) of the first 20 rejected samples."""

class PushDecoder:
    """Turns the body of a push into rows. Thread-safe; the GIL is released while it works."""

    def __init__(self, key_sets: KeySets, limits: Limits | None = None) -> None: ...
    def decode(self, body: Buffer, *, gzip: bool, now_ms: int) -> list[Push]:
        """The batches of a body: one, or one per gzip member of a bundle.

        Raises:
            sysmon.errors.PushError: nothing of it is usable; status 400, 413 or 422 and a code.
        """
    def pack(self, batch: Batch, hostname: str, interval_ms: int) -> Push:
        """A batch of this machine, straight to rows (local mode)."""
    def remember(self, hostname: str, key_set_id: int) -> None:
        """Says which key set a host used last (after a restart); an id that is not there is ignored."""

# ---- reading what was stored -------------------------------------------------------------------------------

class LastValues:
    """The newest sample of every series of one host, with the one before, so that a rate is at hand.

    Not thread-safe: the owner holds a lock. Times never move backwards: an older sample is ignored.
    """

    def __init__(self, key_sets: KeySets) -> None: ...
    def update(self, row: Row) -> None: ...
    def get(self, type: str, tags: TagPairs = ()) -> tuple[float, int, float | None] | None:
        """(value, time_ms, rate per second or None) of one series, or None if it was never seen."""
    def find(
        self, types: Sequence[str] | None = None, tags: Mapping[str, str] | None = None
    ) -> list[tuple[str, TagPairs, float, int, float | None]]:
        """(type, tags, value, time_ms, rate) of every series that matches; `types` may end in "*"."""
    @property
    def time_ms(self) -> int:
        """Time of the newest sample; 0 before the first."""
    def __len__(self) -> int: ...

class Columns:
    """Series side by side: S columns, each with its own times and values, or all on one grid."""

    def __len__(self) -> int: ...
    def key(self, column: int) -> tuple[str, TagPairs]: ...
    def times(self, column: int) -> memoryview:
        """int64 milliseconds, ascending, no two equal. Shares memory with this object."""
    def values(self, column: int) -> memoryview:
        """float64 in the metric's unit; on a grid, cells without a sample are not in `present`."""
    def present(self, column: int) -> memoryview:
        """uint8, one a value: 1 where there is a sample. All ones off a grid."""
    def host(self, column: int) -> int:
        """Which of the hosts that were asked for it is of, from 0."""
    def across(self, agg: Literal["avg", "sum", "min", "max"], groups: Sequence[int]) -> Columns:
        """Columns of one grid folded into max(groups)+1 columns: column i goes into groups[i]."""
    def json(self, heads: Sequence[bytes]) -> bytes:
        """`{head,"times":[…],"values":[…]}` per column, joined by commas; a grid's empty cells are null.

        heads: per column the JSON members that come first, without braces; times in seconds.
        """

# What is stored of one host: (parts, rows). Parts are (key, payload) in the order of their keys, the ticks of
# each chunk among them; rows are (time_ms, payload) in any order.
StoredHost = tuple[Sequence[tuple[int, bytes]], Sequence[tuple[int, bytes]]]

def read_hosts(
    key_sets: KeySets,
    hosts: Iterable[StoredHost],
    *,
    types: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    start_ms: int,
    end_ms: int,
    max_series: int = ...,
    max_points: int = ...,
    first_host: int = 0,
) -> Columns:
    """The samples of several hosts, start included, end not. Of one time a part's sample is kept.

    types: exact names or prefixes ending in "*"; None is all. None of them ([]) gives one column a host
    without a name or present values: the times at which anything is stored. The GIL is released while
    decoding.

    Raises:
        ValueError: a payload is damaged.
        sysmon.errors.RangeTooLargeError: more than `max_series` columns, or `max_points` samples in one.
    """

def fold_hosts(
    key_sets: KeySets,
    hosts: Iterable[StoredHost],
    *,
    types: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
    start_ms: int,
    end_ms: int,
    step_ms: int,
    agg: Agg | None = None,
    lookback_ms: int = 0,
    max_series: int = ...,
    first_host: int = 0,
) -> Columns:
    """The same on cells [start + k·step, +step), from samples and from the cells of tiers.

    `rate` is the increase per second between samples, never across a boot and never negative; it is what
    counters get without an agg, all others their average. Samples up to `lookback_ms` before the start count
    as the first of a pair.
    """

def join_columns(parts: Sequence[Columns]) -> Columns:
    """The columns of several answers in one, for `across` and `json`."""

class PackedChunk:
    """The parts of one chunk, ready to be stored. Immutable."""

    @property
    def key_set(self) -> int:
        """The set its parts refer to, which may be a new one; 0 where there are no samples."""
    @property
    def samples(self) -> int:
        """Samples, or cells of all series."""
    @property
    def parts(self) -> list[tuple[int, bytes]]:
        """(part, payload), the ticks first; empty where there are no samples."""

def chunk_key(tier: int, hour: int, host_id: int, part: int) -> int:
    """The key of a part's row. tier: 0 raw, 1 five minutes, 2 an hour; hour: since 1970, a day's first."""

def parts_of(types: Sequence[str] | None) -> list[int]:
    """The parts of a chunk that may hold series of these types, ticks included, ascending; None is all."""

def is_intact(payload: bytes) -> bool:
    """Whether the checksum of a stored payload, a row's or a part's, is right."""

def pack_hour(key_sets: KeySets, host: StoredHost, start_ms: int) -> PackedChunk:
    """The chunk of the hour from `start_ms`, of its old parts and of the rows in it.

    Raises:
        ValueError: a payload is damaged.
    """

def pack_day(key_sets: KeySets, host: StoredHost, start_ms: int, cell_ms: int) -> PackedChunk:
    """The cells of the day from `start_ms`, of the raw parts of it and of the hour before it."""

def newest_rows(key_sets: KeySets, host: StoredHost) -> list[Row]:
    """The last two samples of every series as the rows they would have come in, oldest first."""
