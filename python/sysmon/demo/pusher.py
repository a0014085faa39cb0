"""Sends one virtual host's batches through real HTTP, in two lanes as the agent does.

The live lane sends the newest batch alone, every interval. The backlog lane sends history, and whatever the
live lane could not, oldest first in bundles of up to 64 gzip members. Both count in one stream: history has
the numbers below the first live batch.
"""

from __future__ import annotations

import logging
import math
import secrets
import time as clock
from collections import deque
from typing import TYPE_CHECKING

from sysmon.errors import ApiError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from sysmon.client import Client
    from sysmon.demo.life import Life
    from sysmon.demo.wire import Sealed, Sealer

log = logging.getLogger(__name__)

BUNDLE_MEMBERS = 64
BUNDLE_SAMPLES = 20_000
BUNDLE_BYTES = 1 << 20
UNSENT = 360  # batches kept while the aggregator is away: an hour at 10 s
RETRY_S = (1.0, 2.0, 4.0, 8.0, 16.0)


class Pusher:
    """One virtual host on the wire.

    Args:
        make_sealer: makes the host anew, as it is at `begin`, and its sealer; called twice, once a lane.
        begin, first_live: Unix times of the start of history and of the first live batch; both lie on the
            grid of `interval_s`, and history fills it in between.
    """

    def __init__(
        self,
        client: Client,
        make_sealer: Callable[[], tuple[Life, Sealer]],
        begin: float,
        first_live: float,
        interval_s: float,
        now: Callable[[], float] = clock.time,
    ) -> None:
        self._client = client
        self._make_sealer = make_sealer
        self._begin = begin
        self._first_live = first_live
        self._interval_s = interval_s
        self._now = now
        self._stream = secrets.token_hex(16)
        self._unsent: deque[Sealed] = deque(maxlen=UNSENT)
        self.life, self._live = make_sealer()
        self.history_total = math.floor((first_live - begin) / interval_s + 0.5) - 1
        self.history_sent = 0
        self._failing = False

    # ---- live ------------------------------------------------------------------------------------------

    def start_live(self) -> None:
        """Lives through history without sending it, up to the first live batch, and sends that one."""
        for at in range(1, self.history_total + 1):
            self._live.skip(self._begin + at * self._interval_s)
        self.push_live(self._first_live)

    def push_live(self, time: float) -> None:
        """Seals the batch of `time` and sends it, or keeps it for the backlog."""
        batch = self._live.seal(time)
        try:
            self._send([batch])
            if self._unsent:
                self._drain_unsent()
        except ApiError as error:
            self._unsent.append(batch)
            if not self._failing:
                log.warning("%s: %s; its batches wait", self.life.name, error)
            self._failing = True
        else:
            self._failing = False

    def run_live(self, stop: threading.Event) -> None:
        """Sends a batch at every point of the grid until `stop` is set."""
        due = self._first_live + self._interval_s
        while not stop.wait(max(0.0, due - self._now())):
            self.push_live(due)
            due += self._interval_s

    def _drain_unsent(self) -> None:
        while self._unsent:
            # Numbers between may have been sent meanwhile: a bundle is contiguous.
            bundle = [self._unsent[0]]
            for batch in list(self._unsent)[1:BUNDLE_MEMBERS]:
                if batch.seq != bundle[-1].seq + 1:
                    break
                bundle.append(batch)
            self._send(bundle)
            for _ in bundle:
                self._unsent.popleft()

    # ---- history ---------------------------------------------------------------------------------------

    def push_history(self, stop: threading.Event) -> None:
        """Sends all of history, oldest first; returns early if `stop` is set.

        Raises:
            ApiError: the aggregator refused a bundle for good, or stayed away for half a minute.
        """
        for bundle in self._bundles():
            for pause_s in (*RETRY_S, None):
                if stop.is_set():
                    return
                try:
                    self._send(bundle)
                    break
                except ApiError as error:
                    passing = error.status is None or error.status in {408, 429} or error.status >= 500
                    if pause_s is None or not passing:
                        raise
                    stop.wait(pause_s)
            self.history_sent += len(bundle)

    def _bundles(self) -> Iterator[list[Sealed]]:
        _, sealer = self._make_sealer()
        bundle: list[Sealed] = []
        samples = size = 0
        for at in range(1, self.history_total + 1):
            batch = sealer.seal(self._begin + at * self._interval_s)
            full = (
                len(bundle) == BUNDLE_MEMBERS
                or samples + batch.samples > BUNDLE_SAMPLES
                or size + len(batch.body) > BUNDLE_BYTES
            )
            if full:
                yield bundle
                bundle, samples, size = [], 0, 0
            bundle.append(batch)
            samples += batch.samples
            size += len(batch.body)
        if bundle:
            yield bundle

    def _send(self, bundle: Sequence[Sealed]) -> None:
        first, last = bundle[0].seq, bundle[-1].seq
        now = self._now()
        uptime_ms = int((now - self.life.machine.boot) * 1000)
        headers = {
            "Content-Encoding": "gzip",
            "X-SysMon-Stream": self._stream,
            "X-SysMon-Seq": str(first) if first == last else f"{first}-{last}",
            "X-SysMon-Now": f"{int(now * 1000)};{self.life.boot_id};{uptime_ms}",
        }
        answer = self._client.push(b"".join(batch.body for batch in bundle), headers)
        if answer.get("acked") != [first, last]:
            raise ApiError(
                200, "not_acked", f"{self._client.url} answered, but acknowledged {answer.get('acked')}"
            )
