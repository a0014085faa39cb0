"""Which host a push is from: registration at first contact or by hand, renaming, taking over a name."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final, Literal

from sysmon.aggregator.refusal import Refusal, bad_argument
from sysmon.aggregator.storage import Event, Host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysmon._core import Push
    from sysmon.aggregator.settings import Settings

HostStatus = Literal["online", "stale", "offline", "archived"]

_DEFAULT_INTERVAL_MS: Final = 10_000
_SAME_BOOT_MS: Final = 60_000  # a boot's time is told by a clock that is adjusted meanwhile
_STALE_INTERVALS: Final = 3
_OFFLINE_INTERVALS: Final = 10
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")  # RFC 1123
_TAG_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_MAX_TAGS: Final = 16
_MAX_TAG_VALUE: Final = 256
# Controls, and the marks that turn the direction of text around: a value must look like what it is.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class HostDirectory:
    """All hosts, by name and by agent. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._lock = threading.Lock()
        self._stale_min_ms = int(settings.stale_min_s * 1000)
        self._offline_min_ms = int(settings.offline_min_s * 1000)
        self._max_hosts = settings.limits.hosts
        self._by_id: dict[int, Host] = {}
        self._by_name: dict[str, Host] = {}
        self._by_agent: dict[str, Host] = {}
        # What each host said of itself last, where that leads to it by its very name.
        self._by_identity: dict[bytes, Host] = {}
        self._identity: dict[int, bytes] = {}
        self._booted_ms: dict[int, int] = {}  # of hosts that booted since the start
        self._upgraded: dict[int, tuple[int, str]] = {}  # when, and to which version, since the start
        self._next_id = 1

    def put(self, host: Host) -> None:
        """Takes in a host that was stored before."""
        with self._lock:
            self._index(host)

    def _index(self, host: Host) -> None:
        self._by_id[host.host_id] = host
        self._by_name[host.hostname] = host
        if host.agent_id:
            self._by_agent[host.agent_id] = host
        self._next_id = max(self._next_id, host.host_id + 1)

    def get(self, hostname: str) -> Host | None:
        host = self._by_name.get(hostname)
        return host if host is not None and host.saved else None

    def by_id(self, host_id: int) -> Host | None:
        return self._by_id.get(host_id)

    def all(self) -> list[Host]:
        """Every committed host, by name."""
        with self._lock:
            return sorted(
                (host for host in self._by_id.values() if host.saved), key=lambda host: host.hostname
            )

    def status(self, host: Host, now_ms: int) -> HostStatus:
        """Stale after 3 of its own intervals, offline after 10; never sooner than the settings' minima."""
        if host.archived:
            return "archived"
        if host.last_seen_ms is None:
            return "offline"
        age = now_ms - host.last_seen_ms
        interval = host.interval_ms or _DEFAULT_INTERVAL_MS
        if age > max(_OFFLINE_INTERVALS * interval, self._offline_min_ms):
            return "offline"
        if age > max(_STALE_INTERVALS * interval, self._stale_min_ms):
            return "stale"
        return "online"

    def resolve(self, push: Push, now_ms: int) -> tuple[Host, tuple[Event, ...]]:
        """The host a push is from, made if need be and brought up to date; and what there is to tell.

        An agent_id is what a host is; the hostname is only its unique name. Without one the name decides. A
        new agent_id takes over the name (and the history) of a host that is offline or has no agent; while
        that one is alive the newcomer is called `name~2`.

        Raises:
            Refusal: too many hosts.
        """
        # Nearly always a host says of itself what it said before, and nothing is left to be looked at.
        host = self._by_identity.get(push.identity)
        if host is not None and not host.archived:
            return host, ()
        with self._lock:
            host, events = self._find(push, now_ms)
            boot_id, version = host.boot_id, host.version
            if _update(host, push):
                host.touch()
            if boot_id is not None and host.boot_id != boot_id:
                events = (*events, *self._boot(host, push))
            if version is not None and host.version != version:
                events = (*events, *self._upgrade(host, version, push.time_ms))
            self._remember(host, push)
            if host.archived:
                host.archived = False
                host.touch()
                events = (*events, Event("unarchived", now_ms))
            return host, events

    def _boot(self, host: Host, push: Push) -> tuple[Event, ...]:
        """The host's boot, if it is a later one: a backlog brings batches of the boot before."""
        booted_ms = push.time_ms - (push.boottime_ms or 0)
        if booted_ms <= self._booted_ms.get(host.host_id, 0) + _SAME_BOOT_MS:
            return ()
        self._booted_ms[host.host_id] = booted_ms
        return (Event("boot", booted_ms, detail={"boot_id": host.boot_id}),)

    def _upgrade(self, host: Host, old: str, time_ms: int) -> tuple[Event, ...]:
        """The agent's new version, if it is later news: a backlog brings batches of the one before."""
        told_ms, told = self._upgraded.get(host.host_id, (0, ""))
        if time_ms <= told_ms or host.version == told:
            return ()
        self._upgraded[host.host_id] = (time_ms, str(host.version))
        return (Event("version_changed", time_ms, detail={"old": old, "new": host.version}),)

    def _remember(self, host: Host, push: Push) -> None:
        self._forget_identity(host)
        if host.hostname == push.hostname:
            self._identity[host.host_id] = push.identity
            self._by_identity[push.identity] = host

    def _forget_identity(self, host: Host) -> None:
        identity = self._identity.pop(host.host_id, None)
        if identity is not None:
            self._by_identity.pop(identity, None)

    def _find(self, push: Push, now_ms: int) -> tuple[Host, tuple[Event, ...]]:
        name, agent_id = push.hostname, push.agent_id
        if agent_id is None:
            host = self._by_name.get(name)
            return (host, ()) if host else (self._make(name, None, now_ms), ())
        host = self._by_agent.get(agent_id)
        if host is not None:
            return host, self._rename(host, name, now_ms)
        holder = self._by_name.get(name)
        if holder is None:
            return self._make(name, agent_id, now_ms), ()
        if holder.agent_id is None or self.status(holder, now_ms) in ("offline", "archived"):
            events: tuple[Event, ...] = ()
            if holder.agent_id is not None:
                del self._by_agent[holder.agent_id]
                events = (Event("agent_replaced", now_ms, detail={"old": holder.agent_id, "new": agent_id}),)
            holder.agent_id = agent_id
            holder.touch()
            self._by_agent[agent_id] = holder
            return holder, events
        host = self._make(self._free_name(name), agent_id, now_ms)
        return host, (Event("name_taken", now_ms, detail={"wanted": name, "holder": holder.agent_id}),)

    def _rename(self, host: Host, name: str, now_ms: int) -> tuple[Event, ...]:
        """The agent tells another name than before: it gets it if it is free."""
        if host.hostname == name:
            return ()
        holder = self._by_name.get(name)
        if holder is not None and host.hostname.startswith(f"{name}~"):
            return ()  # it is web01~2 because there is a web01
        old, new = host.hostname, name if holder is None else self._free_name(name)
        del self._by_name[old]
        host.hostname = new
        host.touch()
        self._by_name[new] = host
        return (Event("renamed", now_ms, detail={"old": old, "new": new}),)

    def _free_name(self, name: str) -> str:
        number = 2
        while f"{name}~{number}" in self._by_name:
            number += 1
        return f"{name}~{number}"

    def _make(self, name: str, agent_id: str | None, now_ms: int) -> Host:
        if len(self._by_id) >= self._max_hosts:
            raise Refusal(429, "too_many_hosts", f"{self._max_hosts} hosts are registered", retry_after_s=600)
        host = Host(self._next_id, name, agent_id, first_seen_ms=now_ms)
        self._index(host)
        return host

    def register(self, name: str, tags: dict[str, str]) -> Host:
        """A host made by hand, before its agent was ever heard.

        Raises:
            Refusal: the name or a tag is not one, or the name is taken.
        """
        if not _HOSTNAME.fullmatch(name):
            raise bad_argument(
                f"{name[:100]!r} is not a hostname: letters, digits and - between dots, at most 253"
            )
        check_tags(tags)
        with self._lock:
            if name in self._by_name:
                raise Refusal(409, "host_exists", f"there is a host {name} already")
            host = self._make(name, None, 0)
            host.first_seen_ms = None
            host.own_tags = dict(tags)
            return host

    def forget(self, host: Host) -> None:
        with self._lock:
            self._forget_identity(host)
            self._by_id.pop(host.host_id, None)
            self._booted_ms.pop(host.host_id, None)
            self._upgraded.pop(host.host_id, None)
            if self._by_name.get(host.hostname) is host:
                del self._by_name[host.hostname]
            if host.agent_id and self._by_agent.get(host.agent_id) is host:
                del self._by_agent[host.agent_id]


def check_tags(tags: dict[str, str]) -> None:
    """Raises Refusal if tags set by hand are not as the wire allows."""
    if len(tags) > _MAX_TAGS:
        raise bad_argument(f"{len(tags)} tags; at most {_MAX_TAGS}")
    for key, value in tags.items():
        if not _TAG_KEY.fullmatch(key):
            raise bad_argument(f"{key[:64]!r} is not a tag key: [A-Za-z_][A-Za-z0-9_.:-]*, at most 64")
        if len(value.encode("utf-8", "surrogatepass")) > _MAX_TAG_VALUE or _FORBIDDEN.search(value):
            raise bad_argument(f"tag {key}: at most {_MAX_TAG_VALUE} bytes of printable text")


def count_by_status(statuses: Iterable[HostStatus]) -> dict[HostStatus, int]:
    counts: dict[HostStatus, int] = {"online": 0, "stale": 0, "offline": 0, "archived": 0}
    for status in statuses:
        counts[status] += 1
    return counts


def _update(host: Host, push: Push) -> bool:
    """Takes over what the push says of its host; True if something changed. What it leaves out stays."""
    changed = False
    for name in ("boot_id", "version", "tags", "interval_ms"):
        told = getattr(push, name)
        if told is not None and told != getattr(host, name):
            setattr(host, name, told)
            changed = True
    if host.first_seen_ms is None:
        host.first_seen_ms = push.time_ms
        changed = True
    return changed
