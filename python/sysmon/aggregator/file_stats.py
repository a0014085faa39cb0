"""What fills a database, by tier and host, and how long it will go on growing.

Sizes are those of the stored payloads, times the one factor by which the file is larger than all of them
(pages, keys, indexes). Growth is what the last whole days of each tier hold; on the first day, its hours.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sysmon.aggregator.database_file import DATABASE
from sysmon.aggregator.file_reader import FileReader
from sysmon.aggregator.stored_parts import (
    DAY_HOURS,
    DAY_MS,
    HOUR_MS,
    TIERS,
    host_of,
    is_ticks,
    tier_of,
    time_ms_of,
)
from sysmon.aggregator.writer import kept_free_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sysmon.aggregator.settings import Settings
    from sysmon.aggregator.storage import Tier

_SAMPLED_CHUNKS: Final = 200  # decoded, to see how many bytes a sample takes
_GROWTH_DAYS: Final = 7
_LEAST_HOURS: Final = 3
_FORECAST_DAYS: Final = 10 * 365
_OTHERS: Final = (
    "SELECT sum(length(payload)) FROM snapshots",
    "SELECT sum(length(keys)) FROM key_sets",
    "SELECT sum(length(detail)) FROM events",
    "SELECT sum(length(seqs)) FROM streams",
    "SELECT sum(length(facts)) FROM host_facts",
)


@dataclass
class TierStats:
    """One tier of the file; times in Unix milliseconds."""

    tier: Tier
    keep_days: float
    bytes: int = 0
    chunks: int = 0  # of a host and an hour, or a day
    first_ms: int | None = None
    last_ms: int | None = None
    sample_bytes: float | None = None  # a sample, or a cell
    day_bytes: float | None = None  # added by a day; None where too little was seen
    days: dict[int, int] = field(default_factory=dict)  # day since 1970 -> payload bytes


@dataclass
class HostStats:
    hostname: str
    bytes: int
    journal_bytes: int


@dataclass(frozen=True)
class Forecast:
    """How far the file will grow.

    Attributes:
        day_bytes: it grows by now.
        final_bytes: what it holds when every tier has reached its age, if nothing else changes; None where
            too little was seen.
        limit_bytes: what it may hold: max_db_bytes, or what the disk has room for.
        limit: which of both, "max_db_bytes" or "the disk".
        days: until the limit; None where retention ends the growth before, or nothing is known.
        text: the same in one sentence, and how it was calculated.
    """

    day_bytes: float | None
    final_bytes: int | None
    limit_bytes: int
    limit: str
    days: int | None
    text: str


@dataclass(frozen=True)
class FileStats:
    path: str
    bytes: int
    wal_bytes: int
    free_bytes: int  # deleted pages, used again before the file grows
    journal_rows: int
    journal_bytes: int
    other_bytes: int  # hosts, process snapshots, events, delivery
    tiers: list[TierStats]
    hosts: list[HostStats]  # largest first
    forecast: Forecast


def read_stats(settings: Settings, now_ms: int) -> FileStats:
    """Looks at every row of the file (not at its payload), beside whoever writes it.

    Raises:
        StorageError: the file cannot be read, or is damaged.
    """
    path = settings.data_dir / DATABASE
    with FileReader(path) as reader:
        tiers, host_bytes, sampled = _chunks(reader, settings)
        journal_rows, journal = _journal(reader)
        others = sum(int(value or 0) for sql in _OTHERS for (value,) in reader.rows(sql))
        (((pages, free, page_bytes),)) = reader.rows(
            "SELECT page_count, freelist_count, page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        payloads = sum(tier.bytes for tier in tiers) + sum(journal.values()) + others
        factor = (pages - free) * page_bytes / payloads if payloads else 1.0
        for tier in tiers:
            _measure(reader, tier, sampled[tier.tier], factor, now_ms)
        names = {host.host_id: host.hostname for host in reader.hosts}
    hosts = [
        HostStats(
            names.get(host_id, f"deleted host {host_id}"),
            round(factor * (host_bytes[host_id] + journal.get(host_id, 0))),
            round(factor * journal.get(host_id, 0)),
        )
        for host_id in sorted(names.keys() | host_bytes.keys() | journal.keys())
    ]
    wal = path.with_name(path.name + "-wal")
    used = (pages - free) * page_bytes
    return FileStats(
        path=str(path),
        bytes=pages * page_bytes,
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        free_bytes=free * page_bytes,
        journal_rows=journal_rows,
        journal_bytes=round(factor * sum(journal.values())),
        other_bytes=round(factor * others),
        tiers=tiers,
        hosts=sorted(hosts, key=lambda host: (-host.bytes, host.hostname)),
        forecast=forecast(tiers, used, settings.max_db_bytes, _room(settings, pages * page_bytes), now_ms),
    )


def _chunks(
    reader: FileReader, settings: Settings
) -> tuple[list[TierStats], dict[int, int], dict[Tier, list[tuple[int, int]]]]:
    """Payload bytes by tier and day, and by host; and some chunks of each tier as (host_id, hour)."""
    ages = settings.retention.ages_ms
    tiers = {number: TierStats(name, ages[name] / DAY_MS) for name, number in TIERS.items()}
    hosts: dict[int, int] = defaultdict(int)
    sampled: dict[Tier, list[tuple[int, int]]] = {name: [] for name in TIERS}
    choose = random.Random(1)  # noqa: S311 - the same chunks each time, so that figures can be compared
    for key, size in reader.rows("SELECT key, length(payload) FROM chunks ORDER BY key"):
        tier, start_ms = tiers[tier_of(key)], time_ms_of(key)
        tier.bytes += size
        hosts[host_of(key)] += size
        tier.days[start_ms // DAY_MS] = tier.days.get(start_ms // DAY_MS, 0) + size
        tier.first_ms = start_ms if tier.first_ms is None else min(tier.first_ms, start_ms)
        tier.last_ms = max(tier.last_ms or 0, start_ms)
        if is_ticks(key):
            tier.chunks += 1
            # Reservoir sampling: every chunk has the same chance, however many there are.
            kept, place = sampled[tier.tier], choose.randrange(tier.chunks)
            if len(kept) < _SAMPLED_CHUNKS:
                kept.append((host_of(key), start_ms // HOUR_MS))
            elif place < _SAMPLED_CHUNKS:
                kept[place] = (host_of(key), start_ms // HOUR_MS)
    return list(tiers.values()), hosts, sampled


def _journal(reader: FileReader) -> tuple[int, dict[int, int]]:
    """Rows, and payload bytes by host."""
    hosts: dict[int, int] = defaultdict(int)
    rows = 0
    for host_id, size in reader.rows("SELECT host_id, length(payload) FROM journal"):
        rows += 1
        hosts[host_id] += size
    return rows, hosts


def _measure(
    reader: FileReader, tier: TierStats, chunks: Sequence[tuple[int, int]], factor: float, now_ms: int
) -> None:
    """Turns payload bytes into bytes of the file, and adds what a sample and a day take."""
    samples, size = reader.count_samples(tier.tier, chunks)
    tier.sample_bytes = size * factor / samples if samples else None
    tier.bytes = round(tier.bytes * factor)
    if whole := _whole_days(tier, now_ms):
        tier.day_bytes = factor * sum(tier.days.get(day, 0) for day in whole) / len(whole)
    elif hours := _hours(tier):
        tier.day_bytes = tier.bytes * DAY_HOURS / hours


def _whole_days(tier: TierStats, now_ms: int) -> range:
    """The last days of which the tier has all: before today, and after its first one."""
    if not tier.days:
        return range(0)
    first, end = min(tier.days) + 1, min(max(tier.days) + 1, now_ms // DAY_MS)
    if tier.tier != "raw" and end - first < 1:
        first = min(tier.days)  # a day is rolled up as one: the first is as whole as it ever will be
    return range(max(first, end - _GROWTH_DAYS), end)


def _hours(tier: TierStats) -> int:
    """From the first to the last of raw chunks; 0 where there are too few to tell a day's growth."""
    if tier.tier != "raw" or tier.first_ms is None or tier.last_ms is None:
        return 0
    hours = (tier.last_ms - tier.first_ms) // HOUR_MS + 1
    return hours if hours >= _LEAST_HOURS else 0


def _room(settings: Settings, file_bytes: int) -> int:
    """What the file may hold before the disk is too full to store anything."""
    usage = shutil.disk_usage(settings.data_dir)
    return max(0, file_bytes + usage.free - kept_free_bytes(usage.total, settings.limits.min_free_bytes))


def forecast(
    tiers: Sequence[TierStats], used_bytes: int, max_bytes: int | None, room_bytes: int, now_ms: int
) -> Forecast:
    """When `used_bytes` reach what is allowed, if every day adds what the last whole days did.

    Args:
        tiers: sizes and growth in bytes of the file.
        max_bytes: max_db_bytes, if it is set.
        room_bytes: what the file may hold before the disk is full.
    """
    limit, limit_bytes = ("the disk", room_bytes)
    if max_bytes is not None and max_bytes <= room_bytes:
        limit, limit_bytes = ("max_db_bytes", max_bytes)
    growing = {tier.tier: tier for tier in tiers if tier.day_bytes is not None}
    if "raw" not in growing:
        text = f"no forecast yet: it takes {_LEAST_HOURS} hours of samples"
        return Forecast(None, None, limit_bytes, limit, None, text)
    final = {name: max(tier.bytes, (tier.day_bytes or 0) * tier.keep_days) for name, tier in growing.items()}

    def size_after(days: float) -> float:
        return used_bytes + sum(
            min((tier.day_bytes or 0) * days, final[name] - tier.bytes) for name, tier in growing.items()
        )

    end = next((day for day in range(_FORECAST_DAYS) if size_after(day) >= limit_bytes), None)
    return Forecast(
        day_bytes=sum(tier.day_bytes or 0 for tier in growing.values()),
        final_bytes=round(size_after(float("inf"))),
        limit_bytes=limit_bytes,
        limit=limit,
        days=end,
        text=_explain(growing, end, limit, now_ms),
    )


def _explain(growing: Mapping[Tier, TierStats], days: int | None, limit: str, now_ms: int) -> str:
    whole = _whole_days(growing["raw"], now_ms)
    if whole:
        first, last = (time.strftime("%Y-%m-%d", time.gmtime(day * 86_400)) for day in (whole[0], whole[-1]))
        measured = f"the mean of {first} to {last}" if first != last else f"what {first} added"
    else:
        measured = f"what {_hours(growing['raw'])} hours added, times 24 / {_hours(growing['raw'])}"
    unseen = [name for name in TIERS if name not in growing]
    how = f"a day adds {measured}, and leaves when its tier's age is reached"
    if unseen:
        how += f"; {' and '.join(unseen)} not counted: no day is rolled up yet"
    subject, reached = ("max_db_bytes", "reached") if limit == "max_db_bytes" else ("the disk", "full")
    if days is None:
        return f"{subject} is never {reached}: {how}"
    what = "the oldest samples go then" if limit == "max_db_bytes" else "nothing more is stored then"
    return f"{subject} is {reached} in {days} days, {what}: {how}"
