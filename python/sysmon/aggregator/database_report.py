"""What fills the database and whether it is whole, as the API says it; read from beside the writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sysmon.aggregator.api_types import CheckAnswer, DamageView, StatsAnswer, StoredHost, StoredTier
from sysmon.aggregator.database_file import DATABASE
from sysmon.aggregator.file_reader import FileReader
from sysmon.aggregator.file_stats import read_stats
from sysmon.aggregator.storage import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

    from sysmon.aggregator.settings import Settings


def stats_report(settings: Settings, now_ms: int) -> StatsAnswer:
    """Sizes by tier and host, and how long the disk lasts.

    Raises:
        StorageError: the file cannot be read, or is damaged.
    """
    found = read_stats(settings, now_ms)
    return StatsAnswer(
        path=found.path,
        bytes=found.bytes,
        wal_bytes=found.wal_bytes,
        free_bytes=found.free_bytes,
        journal_rows=found.journal_rows,
        journal_bytes=found.journal_bytes,
        other_bytes=found.other_bytes,
        tiers=[
            StoredTier(
                tier=tier.tier,
                keep_days=tier.keep_days,
                bytes=tier.bytes,
                chunks=tier.chunks,
                sample_bytes=tier.sample_bytes,
                day_bytes=tier.day_bytes,
                first=_seconds(tier.first_ms),
                last=_seconds(tier.last_ms),
            )
            for tier in found.tiers
        ],
        hosts=[StoredHost(host.hostname, host.bytes, host.journal_bytes) for host in found.hosts],
        forecast=msgspec.to_builtins(found.forecast),
    )


def check_report(data_dir: Path) -> CheckAnswer:
    """Reads all of the database: SQLite's own check, and the checksum of every row.

    Raises:
        StorageError: it cannot be opened, or is of another version.
    """
    path = data_dir / DATABASE
    try:
        with FileReader(path) as reader:
            found = reader.check()
            names = {host.host_id: host.hostname for host in reader.hosts}
    except DamagedError as error:
        return CheckAnswer(str(path), 0, [str(error)], [])
    damaged = [
        DamageView(one.table, names.get(one.host_id, f"host {one.host_id}"), one.time_ms / 1000)
        for one in found.damaged
    ]
    return CheckAnswer(str(path), found.rows, list(found.problems), damaged)


def _seconds(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / 1000
