"""An aggregator without a server: its Flask client, a clock that is set by hand, and pushes in one line."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from sysmon.aggregator import Aggregator
from sysmon.aggregator.settings import LimitSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from werkzeug.test import TestResponse

TOKEN = "t" * 40
START_MS = 1_800_000_000_000
STREAM = "0123456789abcdef0123456789abcdef"

Metric = tuple[str, float] | tuple[str, float, "Mapping[str, str]"]


def push_body(host: str, metrics: Sequence[Metric] = (), **more: Any) -> dict[str, Any]:
    """The JSON of a push, as a ten-line client would write it."""
    rows = [{"type": m[0], "value": m[1], **({"tags": m[2]} if len(m) > 2 else {})} for m in metrics]
    return {"hostname": host, "metrics": rows, **more}


class ServiceKit:
    """One aggregator over a real file; `reopen` is a restart."""

    def __init__(self, folder: Path, limits: LimitSettings | None = None, **settings: Any) -> None:
        self.now_ms = START_MS
        self.settings = Settings(
            data_dir=folder, auth_tokens=(TOKEN,), limits=limits or LimitSettings(), **settings
        )
        self._open()

    def _open(self) -> None:
        self.service = Aggregator(self.settings, now_ms=lambda: self.now_ms)
        self.client = self.service.app.test_client()

    def reopen(self) -> None:
        self.service.close()
        self._open()

    @property
    def admin(self) -> dict[str, str]:
        return {"X-SysMon-Token": self.service.settings.admin_token or ""}

    def post(self, body: Any, *, zipped: bool = False, **headers: str) -> TestResponse:
        """A push of a JSON-able value or of bytes; X_SysMon_Seq="3" is the header X-SysMon-Seq."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"X-SysMon-Token": TOKEN, "Content-Type": "application/json"}
        if zipped:
            data = gzip.compress(data)
            given["Content-Encoding"] = "gzip"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/api/metrics", data=data, headers=given)

    def push(self, host: str, *metrics: Metric, **more: Any) -> dict[str, Any]:
        """A push that must be taken; its reply."""
        response = self.post(push_body(host, metrics, **more))
        assert response.status_code == 200, response.data
        return dict(response.get_json())

    def push_seq(
        self, host: str, seq: str, *metrics: Metric, dropped: str | None = None, **more: Any
    ) -> TestResponse:
        headers = {"X_SysMon_Stream": STREAM, "X_SysMon_Seq": seq}
        if dropped is not None:
            headers["X_SysMon_Dropped"] = dropped
        return self.post(push_body(host, metrics, **more), **headers)

    def get(self, path: str, **headers: str) -> Any:
        """The JSON of a read that must succeed."""
        response = self.client.get(path, headers=headers)
        assert response.status_code == 200, (path, response.data)
        return response.get_json()

    def error(self, path: str, **headers: str) -> tuple[int, str]:
        """(status, code) of a read that must fail."""
        response = self.client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        return response.status_code, response.get_json()["error"]["code"]


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[ServiceKit]:
    """An aggregator over an empty folder."""
    made = ServiceKit(tmp_path / "data")
    yield made
    made.service.close()
