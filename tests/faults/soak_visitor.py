"""F44, who only looks: the dashboard's questions, all the while."""

from __future__ import annotations

import threading
from collections import Counter
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_S: Final = 0.25
_PATHS: Final = ("/api/hosts", "/api/fleet/summary", "/api/metrics?host=web00", "/metrics", "/api/health")


class Visitor:
    """Asks while the context is open."""

    def __init__(self, address: Callable[[], tuple[str, int]]) -> None:
        """address: asked for each question, as the aggregator may come back elsewhere."""
        self.answers: Counter[str] = Counter()  # by status; "none": the connection failed
        self._address = address
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for path in cycle(_PATHS):
            self.answers[self._ask(path)] += 1
            if self._gone.wait(_EVERY_S):
                return

    def _ask(self, path: str) -> str:
        connection = HTTPConnection(*self._address(), timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            return "none"
        finally:
            connection.close()
        return str(answer.status)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()
