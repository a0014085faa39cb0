"""A real aggregator for tests: in this process, on a free loopback port, over a real file database."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from sysmon.aggregator import Aggregator
from sysmon.aggregator.settings import Settings
from sysmon.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

TOKEN = "t" * 40


class RunningAggregator:
    """Serves from a thread while the context is open; `push` is what a ten-line script would send."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._settings = Settings(port=0, data_dir=folder, auth_tokens=(TOKEN,), **settings)
        self._started = threading.Event()
        self.url = ""

    def __enter__(self) -> Self:
        self.aggregator = Aggregator(self._settings)
        self._thread = threading.Thread(target=self.aggregator.serve, kwargs={"on_start": self._on_start})
        self._thread.start()
        assert self._started.wait(30)
        self.client = Client(self.url, TOKEN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.aggregator.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()
        self.aggregator.close()

    def _on_start(self, url: str) -> None:
        self.url = url
        self._started.set()

    def push(
        self,
        host: str,
        metrics: Sequence[tuple[str, float] | tuple[str, float, Mapping[str, str]]],
        *,
        age_s: float = 0.0,
        **more: Any,
    ) -> None:
        """One batch of `host`, taken `age_s` ago: (type, value[, tags]) each."""
        rows = [{"type": m[0], "value": m[1], **({"tags": m[2]} if len(m) > 2 else {})} for m in metrics]
        self.push_json(
            {"hostname": host, "timestamp": time.time() - age_s, "interval": 10, "metrics": rows, **more}
        )

    def push_json(self, body: dict[str, Any]) -> None:
        """One batch, as it stands."""
        self.client.push(json.dumps(body).encode(), {})
