"""Every stored sample compared with what was sent, bit for bit, through the store's own read API."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING

from bench.generator import TICK_S, hostname
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.settings import LimitSettings
from sysmon.aggregator.storage import Query

if TYPE_CHECKING:
    from pathlib import Path

    from bench.generator import Dataset


def read_back(folder: Path, data: Dataset) -> int:
    """How many samples are stored in `folder`: all of `data`, and nothing else.

    Raises:
        ValueError: a host, a series, a time or a value is not as it was sent.
    """
    raw = array.array("d", data.raw.read_bytes())
    times = array.array("q", ((data.start_s + TICK_S * tick) * 1000 for tick in range(data.ticks)))
    storage = EmbeddedStorage(folder, LimitSettings())
    try:
        hosts = {host.hostname: host.host_id for host, _ in storage.load()}
        if set(hosts) != {hostname(number) for number in range(data.hosts)}:
            raise ValueError(f"{len(hosts)} hosts are stored where {data.hosts} sent")
        for number in range(data.hosts):
            query = Query(host_ids=[hosts[hostname(number)]], start_ms=0, end_ms=1 << 62)
            columns = storage.query(query).columns
            found = {columns.key(i): i for i in range(len(columns))}
            for series, (family, name, tag, value) in enumerate(data.names):
                key = (f"{family}.{name}", ((tag, value),) if tag else ())
                column = found.pop(key)
                sent = raw[number * data.series + series :: data.hosts * data.series]
                if columns.times(column).tobytes() != times.tobytes():
                    raise ValueError(f"{hostname(number)} {key}: other times than were sent")
                if columns.values(column).tobytes() != sent.tobytes():
                    raise ValueError(f"{hostname(number)} {key}: other values than were sent")
            if found:
                raise ValueError(f"{hostname(number)}: {len(found)} series that were never sent")
    finally:
        storage.close()
    return data.samples
