"""Checks of the store on this machine: whole, not too large, and with room for what comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sysmon.doctor.result import Finding, failed, good, odd, skipped
from sysmon.format import size

if TYPE_CHECKING:
    from sysmon.doctor.subject import Subject

_LARGE_WAL: Final = 256 << 20
_SOON_DAYS: Final = 14
_NOW_DAYS: Final = 3
_CHECKED_BYTES: Final = 256 << 20


def check_database(subject: Subject) -> Finding:
    """A small database is read whole; of any size the WAL and the forecast are looked at."""
    from sysmon.aggregator.database_file import DATABASE, set_aside_before
    from sysmon.aggregator.file_reader import FileReader
    from sysmon.aggregator.file_stats import read_stats
    from sysmon.aggregator.storage import DamagedError

    settings = subject.store
    if settings is None:
        return skipped("no database on this machine")
    path = settings.data_dir / DATABASE
    restore = "stop the aggregator and put the last backup in its place (docs/data.md)"
    try:
        stats = read_stats(settings, time.time_ns() // 1_000_000)
        if stats.bytes <= _CHECKED_BYTES:
            with FileReader(path) as reader:
                found = reader.check()
            if found.problems or found.damaged:
                what = found.problems[0] if found.problems else f"{len(found.damaged)} rows are damaged"
                return failed(f"{path}: {what}", f"sysmon db check names them; {restore}")
    except DamagedError as error:
        return failed(str(error), restore)
    if moved := set_aside_before(path):
        return odd(f"a damaged database was set aside as {moved[0]}", "keep it elsewhere or delete it")
    if stats.wal_bytes > _LARGE_WAL:
        return odd(
            f"the WAL holds {size(stats.wal_bytes)}",
            "a long sysmon sql, backup or check keeps it; else restart the aggregator",
        )
    forecast = stats.forecast
    if forecast.days is not None and forecast.limit == "the disk" and forecast.days < _SOON_DAYS:
        say = failed if forecast.days < _NOW_DAYS else odd
        return say(forecast.text, "set max_db_bytes or a shorter retention, or make room on the disk")
    checked = "whole" if stats.bytes <= _CHECKED_BYTES else "too large to be read here (sysmon db check)"
    return good(f"{size(stats.bytes)}, {checked}; {forecast.text}")
