"""Where `sysmon top` reads from: this machine through the native core, or a host through the API.

Both give readings of one shape, counters as their growth per second, so that one screen draws either.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from sysmon import MetricsCollector, facts, registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from sysmon.client import Client, Json

Key = tuple[str, tuple[tuple[str, str], ...]]  # type, tags

_FORGOTTEN_S: Final = 90.0  # what was not read for so long is gone; the slowest are read once a minute
_REFRESHED_S: Final = 30.0  # state, facts and processes of a host


@dataclass(frozen=True)
class Reading:
    """A host at one moment.

    Attributes:
        state: online, stale, offline or archived.
        time_s: Unix time of the newest value.
        values: in the registry's unit; of counters per second.
        facts: the wire's `facts`.
        processes: the wire's `processes`, the busiest first.
    """

    hostname: str
    state: str
    time_s: float
    values: dict[Key, float]
    facts: Json = field(default_factory=dict)
    processes: list[Json] = field(default_factory=list)

    def get(self, metric: str, **tags: str) -> float | None:
        return self.values.get((metric, tuple(sorted(tags.items()))))

    def all(self, metric: str) -> list[tuple[dict[str, str], float]]:
        """(tags, value) of every series of a type, by tags."""
        return [(dict(tags), value) for (name, tags), value in sorted(self.values.items()) if name == metric]


class Source(Protocol):
    """What can be read again and again."""

    def read(self) -> Reading:
        """The newest values. Raises ApiError if it cannot be asked."""


class LocalSource:
    """This machine, by a collector of this process. The first reading has no rates."""

    def __init__(
        self, interval_s: float, *, proc_root: str = "/", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._collector = MetricsCollector(interval_s, proc_root)
        self._clock = clock
        self._counters = {info.name for info in registry() if info.kind == "counter"}
        self._facts: Json = json.loads(facts(proc_root))
        self._before: dict[Key, tuple[float, float]] = {}  # counters: when, value
        self._values: dict[Key, tuple[float, float]] = {}  # when, value

    def read(self) -> Reading:
        batch, now = self._collector.sample(), self._clock()
        for metric, tags, value in batch.samples():
            key = metric, tuple(sorted(tags.items()))
            if metric not in self._counters:
                self._values[key] = now, value
                continue
            then, before = self._before.get(key, (now, value))
            self._before[key] = now, value
            if now > then and value >= before:  # a counter that fell began anew
                self._values[key] = now, (value - before) / (now - then)
        self._values = {key: one for key, one in self._values.items() if now - one[0] < _FORGOTTEN_S}
        values = {key: value for key, (_, value) in self._values.items()}
        return Reading(socket.gethostname(), "online", batch.time_ms / 1000, values, self._facts)


class RemoteSource:
    """A host of the fleet."""

    def __init__(self, client: Client, host: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._host = host
        self._clock = clock
        self._detail: Json = {}
        self._processes: list[Json] = []
        self._refresh_at = float("-inf")

    def read(self) -> Reading:
        if self._clock() >= self._refresh_at:
            self._detail = self._client.host(self._host)
            self._processes = self._client.processes(self._host)["processes"]
            self._refresh_at = self._clock() + _REFRESHED_S
        values: dict[Key, float] = {}
        newest = self._detail.get("last_seen") or 0.0
        for one in self._client.latest(host=self._host)["metrics"]:
            value = one.get("rate") if one.get("rate") is not None else one["value"]
            values[one["type"], tuple(sorted(one["tags"].items()))] = value
            newest = max(newest, one["timestamp"])
        return Reading(
            str(self._detail["hostname"]),
            str(self._detail["status"]),
            newest,
            values,
            self._detail.get("facts") or {},
            sorted(self._processes, key=lambda one: number_of(one, "cpu_percent") or 0.0, reverse=True),
        )


def number_of(process: Json, key: str) -> float | None:
    """A figure of a process; None where the host sent none, or something else."""
    value = process.get(key)
    return float(value) if isinstance(value, int | float) else None
