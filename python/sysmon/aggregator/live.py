"""The present: last values of every host, their states, and what changed since somebody last looked."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from sysmon import _core
from sysmon.aggregator.api_types import HostView
from sysmon.aggregator.latest import latest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sysmon._core import KeySets, LastValues, Row, TagPairs
    from sysmon.aggregator.hosts import HostDirectory
    from sysmon.aggregator.settings import LimitSettings
    from sysmon.aggregator.storage import Host, Write

_FORGET_FACTOR: Final = 2


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class _Now:
    """The last values of one host, behind a lock of their own: a slow reader never holds up the others."""

    __slots__ = ("latest", "latest_tags", "lock", "stale", "values")

    def __init__(self, values: LastValues) -> None:
        self.lock = threading.Lock()
        self.values = values
        self.latest: dict[str, float] = {}
        self.latest_tags: dict[str, dict[str, str]] = {}
        self.stale = False  # `latest` has to be made again


class Live:
    """Thread-safe: the writer's thread reports commits, any thread looks."""

    def __init__(
        self, key_sets: KeySets, directory: HostDirectory, now_ms: Callable[[], int], limits: LimitSettings
    ) -> None:
        self._key_sets = key_sets
        self._directory = directory
        self._now_ms = now_ms
        self._max_series = limits.series_per_host * _FORGET_FACTOR
        self._watch_s = limits.watch_s
        self._hosts: dict[int, _Now] = {}
        self._changed: set[int] = set()
        self._changed_lock = threading.Lock()
        self._watched: dict[int, int] = {}  # host -> how many look at it

    def _of(self, host_id: int) -> _Now:
        now = self._hosts.get(host_id)
        if now is None:
            now = self._hosts.setdefault(host_id, _Now(_core.LastValues(self._key_sets)))
        return now

    def restore(self, host: Host, rows: Iterable[Row]) -> None:
        self._take(self._of(host.host_id), rows)

    def committed(self, writes: Iterable[Write]) -> None:
        """Takes in what was just committed; on the writer's thread, before the senders are told."""
        heard = set()
        for write in writes:
            for batch in write.batches:
                host_id = batch.host.host_id
                if batch.stored and batch.rows:
                    self._take(self._of(host_id), batch.rows)
                heard.add(host_id)
        with self._changed_lock:
            self._changed |= heard

    def _take(self, now: _Now, rows: Iterable[Row]) -> None:
        with now.lock:
            if len(now.values) > self._max_series:  # series that come and go: forget those that went
                now.values = _core.LastValues(self._key_sets)
            for row in rows:
                now.values.update(row)
            now.stale = True

    def edited(self, host: Host) -> None:
        """Something of the host was changed by hand, or it is gone."""
        if host.deleted:
            self._hosts.pop(host.host_id, None)
        with self._changed_lock:
            self._changed.add(host.host_id)

    def take_changed(self) -> set[int]:
        """Ids of the hosts that changed since the last call."""
        with self._changed_lock:
            changed, self._changed = self._changed, set()
        return changed

    def latest(self, host: Host) -> tuple[dict[str, float], dict[str, dict[str, str]]]:
        """The fixed ten of a host (latest.py), kept until its next push."""
        now = self._of(host.host_id)
        with now.lock:
            if now.stale:
                now.latest, now.latest_tags = latest_of(now.values)
                now.stale = False
            return now.latest, now.latest_tags

    def find(
        self, host: Host, types: Sequence[str] | None = None, tags: Mapping[str, str] | None = None
    ) -> list[tuple[str, TagPairs, float, int, float | None]]:
        """(type, tags, value, time_ms, rate) of the host's series that match."""
        now = self._of(host.host_id)
        with now.lock:
            return now.values.find(types, tags)

    def series(self, host: Host) -> int:
        now = self._of(host.host_id)
        with now.lock:
            return len(now.values)

    def view(self, host: Host) -> HostView:
        latest, latest_tags = self.latest(host)
        return HostView(
            hostname=host.hostname,
            status=self._directory.status(host, self._now_ms()),
            last_seen=seconds(host.last_seen_ms),
            interval=seconds(host.interval_ms),
            tags=host.all_tags,
            version=host.version,
            agent_id=host.agent_id,
            first_seen=seconds(host.first_seen_ms),
            clock_offset=seconds(host.clock_offset_ms),
            corrected=host.corrected,
            latest=latest,
            latest_tags=latest_tags,
        )

    def watch(self, host: Host) -> None:
        self._watched[host.host_id] = self._watched.get(host.host_id, 0) + 1

    def unwatch(self, host: Host) -> None:
        left = self._watched.get(host.host_id, 0) - 1
        if left > 0:
            self._watched[host.host_id] = left
        else:
            self._watched.pop(host.host_id, None)

    def watch_s(self, host: Host) -> int:
        """For how long the host is asked to tick every second, because somebody looks at it."""
        return self._watch_s if host.host_id in self._watched else 0


def seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
