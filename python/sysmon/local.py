"""`sysmon up`: one machine watched by one process. No agent, no network, no token, nothing to configure.

A native collector fills its ring once an interval; a thread drains the ring through the bindings into the
same storage that a fleet's aggregator uses; the dashboard is served on loopback.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from sysmon import MetricsCollector, facts
from sysmon.aggregator import Aggregator
from sysmon.aggregator.settings import Settings
from sysmon.errors import StorageError

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from pathlib import Path

    from sysmon._core import Batch, Push

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
FACTS_S = 3600.0
HELD = 600  # batches kept while the store refuses them (disk full): ten minutes at 1 s
DRAINS_PER_INTERVAL = 4  # a batch waits in the ring for a quarter of an interval at most


class Feeder:
    """Moves batches from a collector's ring into an aggregator's storage.

    Args:
        drain: the batches collected since the last call, oldest first (`MetricsCollector.drain`).
    """

    def __init__(
        self, aggregator: Aggregator, drain: Callable[[], list[Batch]], hostname: str, interval_s: float
    ) -> None:
        self._aggregator = aggregator
        self._drain = drain
        self._hostname = hostname
        self._interval_s = interval_s
        self._held: deque[Push] = deque(maxlen=HELD)
        self._facts_due = 0.0
        self._failing = False

    def feed(self, now: float) -> int:
        """Stores what has been collected, with the host's facts once an hour; returns the samples committed.

        A store that refuses is told again at the next call: batches wait, the oldest are given up first.
        """
        decoder = self._aggregator.decoder
        interval_ms = round(self._interval_s * 1000)
        self._held.extend(decoder.pack(batch, self._hostname, interval_ms) for batch in self._drain())
        if not self._held:
            return 0
        due = now >= self._facts_due
        try:
            stored = self._aggregator.ingest_local(list(self._held), facts=facts() if due else None)
        except StorageError as error:
            if not self._failing:
                log.warning("cannot store what is collected: %s", error)
            self._failing = True
            return 0
        if self._failing:
            log.warning("storing again")
        self._failing = False
        self._held.clear()
        if due:
            self._facts_due = now + FACTS_S
        return stored

    def run(self, stop: threading.Event) -> None:
        """Feeds until `stop` is set, then once more."""
        while not stop.wait(self._interval_s / DRAINS_PER_INTERVAL):
            self.feed(time.monotonic())
        self.feed(time.monotonic())


def run(
    data_dir: Path, port: int, interval_s: float, hostname: str, on_start: Callable[[str], object]
) -> signal.Signals | None:
    """Collects, stores and serves this machine until SIGTERM or SIGINT.

    Args:
        data_dir: where the samples stay; made if missing.
        port: of the dashboard on 127.0.0.1; 0 takes a free one.
        hostname: what this machine is called there.
        on_start: called with the dashboard's URL once it answers.

    Returns:
        The signal that ended it.

    Raises:
        StorageError: the store cannot be opened.
        OSError: the port is in use.
    """
    stop = threading.Event()
    # Without tokens every POST is refused: nobody but this process writes.
    with Aggregator(Settings(host=LOOPBACK, port=port, data_dir=data_dir)) as aggregator:
        collector = MetricsCollector(interval_s=interval_s)
        feeder = Feeder(aggregator, collector.drain, hostname, interval_s)
        thread = threading.Thread(target=feeder.run, args=(stop,), name="feeder", daemon=True)
        with collector:
            thread.start()
            try:
                return aggregator.serve(LOOPBACK, port, on_start=on_start)
            finally:
                stop.set()
                thread.join()
