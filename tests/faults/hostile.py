"""For the rows where somebody hurts the aggregator: a host that behaves, and is measured meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from typing import TYPE_CHECKING, Any, Self

from aggregator_process import TOKEN, AggregatorProcess
from faults.kills import get
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

WAIT_S = 60.0  # generous: what is asserted is that it happens


def with_limits(home: Path, **limits: float) -> AggregatorProcess:
    """An aggregator that is not running yet, with these limits."""
    (home / ".sysmon").mkdir(parents=True)
    text = ", ".join(f"{name}: {value}" for name, value in limits.items())
    (home / ".sysmon" / "aggregator.yaml").write_text(f"limits: {{{text}}}\n")
    return AggregatorProcess(home)


def post(
    connection: http.client.HTTPConnection, push: dict[str, Any], **headers: str
) -> tuple[int, str, http.client.HTTPResponse]:
    """(status, error code or "", the answer) of a push."""
    given = {"X-SysMon-Token": TOKEN, "Content-Type": "application/json"} | headers
    connection.request("POST", "/api/metrics", json.dumps(push), given)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    return answer.status, told.get("error", {}).get("code", ""), answer


def connect(running: AggregatorProcess) -> contextlib.closing[http.client.HTTPConnection]:
    """A connection for as long as the block."""
    return contextlib.closing(http.client.HTTPConnection(*running.address, timeout=WAIT_S))


class GoodHost:
    """Pushes what it always did, once acknowledged each, and remembers how long it took."""

    def __init__(self, running: AggregatorProcess, name: str = "good") -> None:
        self.name = name
        self.values: dict[float, float] = {}  # acknowledged, by time
        self.seconds: list[float] = []
        self._running = running
        self._connection = http.client.HTTPConnection(*running.address, timeout=WAIT_S)
        self._time = time.time() - 3_000
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def push(self, padding: int = 0) -> tuple[int, http.client.HTTPResponse]:
        """(status, answer) of one push; `padding` more metrics that no codec makes small."""
        self._next += 1
        self._time += 0.5
        at = round(self._time, 3)
        more = [
            {"type": "own.noise", "value": hash((self._next, n)) / 7, "tags": {"n": str(n)}}
            for n in range(padding)
        ]
        metrics = [{"type": "own.count", "value": self._next}, *more]
        began = time.monotonic()
        status, _, answer = post(
            self._connection, {"hostname": self.name, "timestamp": at, "metrics": metrics}
        )
        self.seconds.append(time.monotonic() - began)
        if status == 200:
            self.values[at] = self._next
        return status, answer

    def pushes(self, count: int) -> float:
        """So many that must be taken; the 99th percentile in seconds."""
        first = len(self.seconds)
        for _ in range(count):
            status, _ = self.push()
            if status != 200:
                raise BrokenError("error", f"a host that behaves got {status}")
        return sorted(self.seconds[first:])[int(count * 0.99)]

    def check(self) -> None:
        """What was acknowledged is there, and nothing else. Raises BrokenError."""
        start, end = min(self.values) - 1, max(self.values) + 1
        path = f"/api/metrics?host={self.name}&type=own.count&start={start}&end={end}"
        (series,) = get(self._running, path)["series"]
        found = dict(zip(series["times"], series["values"], strict=True))
        if missing := self.values.keys() - found.keys():
            raise BrokenError("acked_lost", f"{len(missing)} of {len(self.values)}, the first {min(missing)}")
        if found != self.values or len(series["times"]) != len(found):
            raise BrokenError("corrupt", "what is answered is not what was sent")


def within(limit_s: float, ready: Callable[[], Any], what: str) -> float:
    """Seconds until it is so. Raises BrokenError: it never was."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > limit_s:
            raise BrokenError("error", f"not within {limit_s:g} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def gauge(running: AggregatorProcess, name: str) -> float:
    """One figure of /metrics."""
    with connect(running) as connection:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"sysmon_aggregator_{name} "))
