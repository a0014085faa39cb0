"""The live channel: every client gets the present state once, then what changed, at most twice a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from sysmon.aggregator.live import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sysmon.aggregator.api_types import HostView
    from sysmon.aggregator.hosts import HostDirectory
    from sysmon.aggregator.live import Live
    from sysmon.aggregator.settings import LimitSettings
    from sysmon.aggregator.storage import Host

log = logging.getLogger(__name__)

_PERIOD_S: Final = 0.5
CLOSE_POLICY: Final = 1008
CLOSE_TOO_BIG: Final = 1009
CLOSE_BUSY: Final = 1013


class ClientMessage(Struct, forbid_unknown_fields=True):
    """What a client may say: whom it looks at, so that this host ticks faster meanwhile."""

    kind: Literal["watch", "unwatch"]
    host: str | None = None


@dataclass(eq=False)
class Client:
    """One open channel: its bounded queue, and the host it looks at."""

    address: str
    queue: asyncio.Queue[bytes]
    give_up: Callable[[int], None] | None = None  # ends it although it does not read
    watched: Host | None = None
    lagging: bool = False  # its queue ran over: it is closed with 1013


class Hub:
    """Tells all clients what changed. Lives on one event loop; nothing here is thread-safe."""

    def __init__(
        self, live: Live, directory: HostDirectory, limits: LimitSettings, now_ms: Callable[[], int]
    ) -> None:
        self._live = live
        self._directory = directory
        self._limits = limits
        self._now_ms = now_ms
        self._clients: set[Client] = set()
        self._told: dict[int, HostView] = {}  # as every client knows it

    def __len__(self) -> int:
        return len(self._clients)

    async def run(self) -> None:
        """Sends deltas until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            try:
                self.flush()
            except Exception:  # the channel must outlive a bug in one delta; it is logged with its trace
                log.exception("live channel: a delta could not be made")

    def join(self, address: str, give_up: Callable[[int], None] | None = None) -> Client | None:
        """A new client, with its hello queued; None if there are too many.

        give_up: ends the channel at once with a code; without it the end waits until the client reads.
        """
        same = sum(1 for client in self._clients if client.address == address)
        if len(self._clients) >= self._limits.ws_clients or same >= self._limits.ws_clients_per_address:
            return None
        self.flush()
        if not self._clients:
            self._live.take_changed()
            self._told = {
                host.host_id: self._live.view(host) for host in self._directory.all() if not host.archived
            }
        client = Client(address, asyncio.Queue(self._limits.ws_queue), give_up)
        hello = {"kind": "hello", "hosts": list(self._told.values()), "time": seconds(self._now_ms())}
        client.queue.put_nowait(msgspec.json.encode(hello))
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)
        self._look_at(client, None)

    def hear(self, client: Client, text: str | bytes) -> None:
        """Takes a client's message.

        Raises:
            msgspec.MsgspecError: it is not one.
        """
        message = msgspec.json.decode(text, type=ClientMessage)
        wanted = self._directory.get(message.host) if message.kind == "watch" and message.host else None
        self._look_at(client, wanted)

    def _look_at(self, client: Client, host: Host | None) -> None:
        if client.watched is not None:
            self._live.unwatch(client.watched)
        client.watched = host
        if host is not None:
            self._live.watch(host)

    def flush(self) -> None:
        """Queues one delta with all that changed since the last, if anything did."""
        if not self._clients:
            return
        changes = self._changes()
        if not changes:
            return
        text = msgspec.json.encode({"kind": "delta", "hosts": changes, "time": seconds(self._now_ms())})
        for client in self._clients:
            try:
                client.queue.put_nowait(text)
            except asyncio.QueueFull:
                self._give_up(client)

    def _give_up(self, client: Client) -> None:
        """It reads too slowly, or not at all; it may come back for the present state."""
        if client.lagging:
            return
        client.lagging = True
        log.info("live channel: %s is %d messages behind, closed", client.address, client.queue.qsize())
        if client.give_up is not None:
            client.give_up(CLOSE_BUSY)

    def _changes(self) -> Sequence[dict[str, Any]]:
        now_ms = self._now_ms()
        changed = self._live.take_changed()
        found = []
        for host_id in changed | self._told.keys():
            host = self._directory.by_id(host_id)
            before = self._told.get(host_id)
            if host is None or host.archived or not host.saved:
                if before is not None:
                    del self._told[host_id]
                    found.append({"hostname": before.hostname, "removed": True})
                continue
            # A host that says nothing changes by time alone: only its state can.
            if host_id not in changed and before and before.status == self._directory.status(host, now_ms):
                continue
            view = self._live.view(host)
            if before is not None and before.hostname != view.hostname:
                found.append({"hostname": before.hostname, "removed": True})
                before = None
            self._told[host_id] = view
            difference = _difference(before, view)
            if len(difference) > 1:
                found.append(difference)
        return found


def _difference(before: HostView | None, after: HostView) -> dict[str, Any]:
    """The name and the fields that changed; in `latest` only what changed, null for what is gone."""
    now = msgspec.structs.asdict(after)
    if before is None:
        return now
    then = msgspec.structs.asdict(before)
    changed = {key: value for key, value in now.items() if value != then[key]}
    for name in ("latest", "latest_tags"):
        if name in changed:
            old, new = then[name], now[name]
            gone = dict.fromkeys(old.keys() - new.keys())
            changed[name] = {key: value for key, value in new.items() if old.get(key) != value} | gone
    return {"hostname": after.hostname, **changed}


@contextlib.asynccontextmanager
async def running(hub: Hub) -> Any:
    """The hub's task, for as long as the block."""
    task = asyncio.create_task(hub.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
