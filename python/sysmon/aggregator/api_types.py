"""The shapes of the API: what requests may say and what answers look like; openapi.py describes them.

Times are Unix seconds, fractions are milliseconds. `None` in an answer means: not known.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from sysmon.aggregator.gaps import GapCause  # noqa: TC001 - msgspec reads it

Tags = dict[str, str]
Time = Annotated[str, Meta(description="Unix seconds, or ISO 8601 (UTC where it names no zone)")]
Status = Literal["online", "stale", "offline", "archived"]


# ---- requests ----------------------------------------------------------------------------------------------


class HostsQuery(Struct, forbid_unknown_fields=True):
    """GET /api/hosts"""

    limit: Annotated[int, Meta(ge=1, le=20_000)] = 10_000
    cursor: str | None = None
    status: Status | None = None
    tag: list[str] = []


class NewHost(Struct, forbid_unknown_fields=True):
    """POST /api/hosts"""

    hostname: str
    tags: Tags = {}


class HostPatch(Struct, forbid_unknown_fields=True):
    """PATCH /api/hosts/{hostname}: a tag set to null is taken away; what is left out stays."""

    tags: dict[str, str | None] = {}
    archived: bool | None = None


class MetricsQuery(Struct, forbid_unknown_fields=True):
    """GET /api/metrics"""

    host: list[str] = []
    type: list[str] = []
    tag: list[str] = []
    start: Time | None = None
    end: Time | None = None
    step: Annotated[str, Meta(description="seconds, or 30s, 5m, 1h, 1d; at least 1 s")] | None = None
    agg: Literal["avg", "min", "max", "last", "rate", "sum"] | None = None
    across: Literal["avg", "sum", "min", "max"] | None = None
    by: list[str] = []


class LatestQuery(Struct, forbid_unknown_fields=True):
    """GET /api/metrics/latest"""

    host: list[str] = []
    type: list[str] = []
    tag: list[str] = []


class CompareQuery(Struct, forbid_unknown_fields=True):
    """GET /api/compare"""

    hosts: list[str] = []
    start: Time | None = None
    end: Time | None = None


class ExpositionQuery(Struct, forbid_unknown_fields=True):
    """GET /metrics"""

    host: list[str] = []
    names: Literal["sysmon", "node", "both"] | None = None


class FederateQuery(Struct, forbid_unknown_fields=True):
    """GET /federate"""

    match: Annotated[list[str], Meta(description='selectors, like sysmon_load1{host=~"web.*"}')] = field(
        default_factory=list, name="match[]"
    )
    names: Literal["sysmon", "node", "both"] = "sysmon"


class EventsQuery(Struct, forbid_unknown_fields=True):
    """GET /api/hosts/{hostname}/events"""

    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    kind: str | None = None


class GapsQuery(Struct, forbid_unknown_fields=True):
    """GET /api/hosts/{hostname}/gaps; the last day by default"""

    start: Time | None = None
    end: Time | None = None


class ProcessesQuery(Struct, forbid_unknown_fields=True):
    """GET /api/hosts/{hostname}/processes"""

    at: Time | None = None


class NewSession(Struct, forbid_unknown_fields=True):
    """POST /api/session"""

    token: str


class BackupRequest(Struct, forbid_unknown_fields=True):
    """POST /api/admin/backup: an absolute path on the aggregator's machine, of a file to be made."""

    path: str


# ---- answers -----------------------------------------------------------------------------------------------


class PushErrorEntry(Struct):
    """A sample that was not taken: its index in `metrics`, or the time of a whole row."""

    code: str
    index: int | None = None
    time: float | None = None


class PushReply(Struct):
    """POST /api/metrics: 200 with the matching `acked` means committed and fsynced, nothing else does."""

    status: str
    stream: str | None
    acked: tuple[int, int] | None
    duplicate: bool
    accepted: int
    rejected: int
    errors: list[PushErrorEntry]
    server_time: float
    watch_s: int
    corrected: bool = False


class HostView(Struct):
    """A host as lists and the live channel show it."""

    hostname: str
    status: Status
    last_seen: float | None
    interval: float | None
    tags: Tags
    version: str | None
    agent_id: str | None
    first_seen: float | None
    clock_offset: float | None
    corrected: bool
    latest: dict[str, float]
    latest_tags: dict[str, Tags]


class HostList(Struct):
    hosts: list[HostView]
    count: int
    online: int
    stale: int
    offline: int
    archived: int
    next_cursor: str | None


class EventView(Struct):
    id: int
    start: float
    end: float | None
    kind: str
    detail: dict[str, Any]


class EventList(Struct):
    events: list[EventView]


class GapView(Struct):
    """A time without samples, and why; `end` is null while it lasts. `late`: they came afterwards."""

    start: float
    end: float | None
    cause: GapCause
    text: str
    late: bool


class MissingView(Struct, rename={"from_": "from"}):
    """Batches that are not here: declared dropped, with the reason, or simply missing."""

    from_: int
    to: int
    start: float
    end: float | None
    reason: str
    stream: str | None


class GapList(Struct):
    start: float
    end: float
    gaps: list[GapView]
    missing: list[MissingView]


class StreamView(Struct):
    """One run of the host's agent, in batches: highest = stored + dropped + missing."""

    stream: str
    mark: Annotated[int, Meta(description="every number up to here is stored or declared dropped")]
    highest: int
    missing: Annotated[int, Meta(description="numbers below `highest` that are neither")]
    last_seen: float
    stored: int = 0
    dropped: Annotated[int, Meta(description="batches that were declared dropped")] = 0
    duplicates: Annotated[int, Meta(description="batches that came again, since `since`")] = 0


class AgentLedger(Struct):
    """What the agent said last of its own batches; of its present run, but for `recovered`."""

    time: float
    sealed: int
    recovered: Annotated[int, Meta(description="batches of earlier runs that it found in its spool")]
    acked: int
    spooled: Annotated[int, Meta(description="batches that waited to be acknowledged")]
    dropped: Annotated[dict[str, int], Meta(description="batches given up, by reason")]
    quarantined: Annotated[int, Meta(description="of these, kept aside because they were refused for ever")]
    corrupt_records: Annotated[int, Meta(description="places where its spool was damaged")]
    balance: Annotated[int, Meta(description="sealed + recovered - acked - spooled - dropped: 0")]


class LedgerView(Struct):
    """The books of one host: what was stored, given up, is missing, came again or was not taken."""

    committed: Annotated[int, Meta(description="rows stored, one for each time of each batch")]
    dropped: Annotated[int, Meta(description="samples in batches that were declared dropped")]
    gaps: Annotated[int, Meta(description="batches that are neither stored nor declared dropped")]
    streams: list[StreamView]
    stored: Annotated[int, Meta(description="numbered batches stored, of the streams listed")] = 0
    declared: Annotated[dict[str, int], Meta(description="batches declared dropped, by reason")] = {}
    duplicates: Annotated[int, Meta(description="batches that came again, since `since`")] = 0
    rejected: Annotated[
        dict[str, int], Meta(description="samples not taken from batches that were, by code, since `since`")
    ] = {}
    since: Annotated[float, Meta(description="when the aggregator started")] = 0.0
    agent: AgentLedger | None = None
    unexplained: Annotated[int, Meta(description="of `gaps`, those that the agent does not hold either")] = 0


class HostDetail(HostView):
    facts: dict[str, Any] | None
    series: int
    events: list[EventView]
    ledger: LedgerView


class ProcessView(Struct):
    pid: int
    user: str | None = None
    command: str | None = None
    cpu_percent: float | None = None
    rss_bytes: float | None = None
    read_bytes: float | None = None
    write_bytes: float | None = None


class ProcessList(Struct):
    time: float | None
    processes: list[dict[str, Any]]


class SeriesView(Struct):
    """One series; on a grid a cell without a sample is null."""

    host: str
    type: str
    unit: str
    kind: Literal["gauge", "counter"]
    tags: Tags
    times: list[float]
    values: list[float | None]


class MetricsAnswer(Struct):
    start: float
    end: float
    step: float | None
    tier: str
    series: list[SeriesView]


class LatestMetric(Struct):
    host: str
    type: str
    tags: Tags
    value: float
    timestamp: float
    unit: str
    rate: float | None


class LatestAnswer(Struct):
    metrics: list[LatestMetric]


class TypeView(Struct):
    type: str
    unit: str
    kind: Literal["gauge", "counter"]
    tags: list[str]
    help: str
    formula: str
    source: str
    since: str


class TypeList(Struct):
    types: list[TypeView]
    count: int


class FleetSummary(Struct):
    total_hosts: int
    online_hosts: int
    stale_hosts: int
    offline_hosts: int
    avg_cpu_percent: float | None
    avg_memory_percent: float | None
    total_memory_used_bytes: float | None
    total_disk_used_bytes: float | None
    timestamp: float


class Difference(Struct):
    """One metric in which the hosts differ; `effect` is |difference of medians| over what is usual for it."""

    type: str
    tags: Tags
    unit: str
    kind: Literal["gauge", "counter"]  # a counter's medians are per second
    median: dict[str, float]
    effect: float
    text: str


class FactDifference(Struct):
    fact: str
    values: dict[str, Any]


class CompareAnswer(Struct):
    hosts: list[str]
    start: float
    end: float
    differs: list[Difference]
    sizes: list[Difference]  # how big the machines are: in no way what is wrong with one
    facts: list[FactDifference]
    missing: dict[str, float | None]
    clock_offset: dict[str, float | None]


class DatabaseHealth(Struct):
    path: str
    bytes: int
    wal_bytes: int
    rows: int


class IngestHealth(Struct):
    pushes: int
    samples: int
    duplicates: int
    rejected: int
    queue: int


class Health(Struct, omit_defaults=True):
    """Only `status` for who may not read."""

    status: str
    version: str | None = None
    uptime_s: float | None = None
    hosts: int | None = None
    database: DatabaseHealth | None = None
    ingest: IngestHealth | None = None
    retention_s: Annotated[dict[str, float] | None, Meta(description="how long each tier is kept")] = None
    warnings: list[str] | None = None


class BackupAnswer(Struct):
    path: str
    bytes: int


class CompactAnswer(Struct):
    """samples: moved into chunks; bytes: what the file holds now."""

    samples: int
    bytes: int


class StoredTier(Struct):
    """One tier of the database: how long it is kept, what it holds, and what a sample (or a cell) takes."""

    tier: str
    keep_days: float
    bytes: int
    chunks: int
    sample_bytes: float | None
    day_bytes: float | None
    first: float | None
    last: float | None


class StoredHost(Struct):
    hostname: str
    bytes: int
    journal_bytes: int


class StatsAnswer(Struct):
    """What fills the database. `forecast`: how far it will grow, in figures and one sentence (`text`)."""

    path: str
    bytes: int
    wal_bytes: int
    free_bytes: int
    journal_rows: int
    journal_bytes: int
    other_bytes: int
    tiers: list[StoredTier]
    hosts: list[StoredHost]
    forecast: dict[str, Any]


class DamageView(Struct):
    """A row whose checksum does not fit."""

    table: str
    host: str
    time: float


class CheckAnswer(Struct):
    """problems: in SQLite's words; rows: of samples, looked at."""

    path: str
    rows: int
    problems: list[str]
    damaged: list[DamageView]


class ErrorInside(Struct):
    code: str
    message: str


class ErrorAnswer(Struct):
    error: ErrorInside
