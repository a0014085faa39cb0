"""A real sysmon-aggregator in a process of its own, on a free port and an empty data directory."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

PUSH_TOKEN = "browser-tests-push-token-0123456789abcdef"
_START_S = 20.0


class RealAggregator:
    """Started by `with`; `log()` is what it wrote."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self._log_path = folder / "aggregator.log"
        self._environment = environment
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it on the same port and data as before, and returns when it answers."""
        environment = {
            **os.environ,
            "HOME": str(self._folder),
            "SYSMON_AUTH_TOKEN": PUSH_TOKEN,
            "SYSMON_DATA_DIR": str(self._folder / "data"),
            "SYSMON_PORT": str(self.port),
            **self._environment,
        }
        command = [sys.executable, "-c", "from sysmon.aggregator.main import main; main()"]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sysmon-aggregator did not start:\n{self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def push(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Pushes as any ten lines of Python would; raises with the aggregator's own words if it refuses.

        `stream=…` is sent as the header `X-SysMon-Stream`, and so are the others.
        """
        request = urllib.request.Request(
            f"{self.url}/api/metrics",
            data=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "X-SysMon-Token": PUSH_TOKEN,
                **{f"X-SysMon-{name.title()}": value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"push refused: {error.code} {error.read().decode()}") from None
        assert not answer.get("rejected"), answer
        return answer

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.load(response)

    def _answers(self) -> bool:
        try:
            return bool(self.get("/api/health")["status"] == "ok")
        except (OSError, ValueError):
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
