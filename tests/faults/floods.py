"""F34: a host with ever-new tags, and ever-new hosts: bounded, told, and nobody else suffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from faults.hostile import GoodHost, connect, gauge, post, with_limits
from faults.kills import get
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

_BATCH: Final = 2_000  # metrics of a push, as many as are allowed
_SERIES: Final = 2_000  # of a host
_LISTS: Final = 100  # new ones of a host within the hour
_HOSTS: Final = 500
_PUSHES: Final = 200
_LIST_BYTES: Final = 400 << 10  # of the database, for a list of 2,000 names and its values
_HOST_BYTES: Final = 16 << 10


@dataclass
class Tally:
    tried: int = 0
    series_admitted: int = 0
    hosts_admitted: int = 0
    db_mib: int = 0
    hostile_inputs: int = 0  # requests
    hostile_5xx: int = 0
    p99_before_max_us: int = 0
    p99_during_max_us: int = 0


def bomb_of_tags(seed: int, tries: int, folder: Path) -> Tally:
    """So many series, each of them new. Raises BrokenError."""
    tally = Tally()
    with (
        with_limits(folder, series_per_host=_SERIES, new_key_sets_per_hour=_LISTS) as running,
        GoodHost(running) as good,
        connect(running) as connection,
    ):
        tally.p99_before_max_us = round(good.pushes(_PUSHES) * 1e6)
        every = max(1, tries // _BATCH // 10)
        for first in range(0, tries, _BATCH):
            metrics = [
                {"type": "bomb.value", "value": n, "tags": {"id": f"{seed}-{n}"}}
                for n in range(first, min(first + _BATCH, tries))
            ]
            status, code, _ = post(connection, {"hostname": "bomb", "metrics": metrics})
            tally.hostile_inputs += 1
            tally.hostile_5xx += status >= 500
            if (status, code) not in ((200, ""), (429, "too_many_key_sets")):
                raise BrokenError("error", f"{status} {code}")
            tally.tried += len(metrics)
            if first // _BATCH % every == 0:
                good.pushes(_PUSHES // 10)
        tally.p99_during_max_us = round(good.pushes(_PUSHES) * 1e6)
        tally.series_admitted = get(running, "/api/hosts/bomb")["series"]
        if tally.series_admitted > 2 * _SERIES:
            raise BrokenError("error", f"{tally.series_admitted} series of one host are in memory")
        _check_size(gauge(running, "db_bytes") + gauge(running, "wal_bytes"), _LISTS * _LIST_BYTES, tally)
        good.check()
    return tally


def churn_of_hosts(seed: int, tries: int, folder: Path) -> Tally:
    """So many hosts, each heard once. Raises BrokenError."""
    tally = Tally()
    with (
        with_limits(folder, hosts=_HOSTS) as running,
        GoodHost(running) as good,
        connect(running) as connection,
    ):
        tally.p99_before_max_us = round(good.pushes(_PUSHES) * 1e6)
        for number in range(tries):
            push = {"hostname": f"h{seed}-{number}", "metrics": [{"type": "a.b", "value": 1}]}
            status, code, answer = post(connection, push)
            tally.tried += 1
            tally.hostile_inputs += 1
            tally.hostile_5xx += status >= 500
            if status == 200:
                tally.hosts_admitted += 1
            elif (status, code) != (429, "too_many_hosts") or not answer.headers["Retry-After"]:
                raise BrokenError("error", f"{status} {code}")
        tally.p99_during_max_us = round(good.pushes(_PUSHES) * 1e6)
        if tally.hosts_admitted > _HOSTS:
            raise BrokenError("error", f"{tally.hosts_admitted} hosts")
        _check_size(gauge(running, "db_bytes") + gauge(running, "wal_bytes"), _HOSTS * _HOST_BYTES, tally)
        good.check()
    return tally


def _check_size(found: float, allowed: float, tally: Tally) -> None:
    tally.db_mib = round(found / (1 << 20))
    if found > allowed + (16 << 20):
        raise BrokenError("error", f"the database grew to {tally.db_mib} MiB")
