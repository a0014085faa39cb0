"""A home with a configuration, for the checks of `sysmon doctor`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from running_aggregator import TOKEN
from sysmon.doctor import CHECKS
from sysmon.doctor.subject import Subject

if TYPE_CHECKING:
    from running_aggregator import RunningAggregator

HOSTNAME = "web01"


class Clinic:
    """A home with a configuration, and the checks of it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {"HOME": str(home), "SYSMON_DATA_DIR": str(home / "data")}
        self.root = Path("/")
        self.timeout_s = 5.0

    def agent(self, **settings: str) -> None:
        """~/.sysmon/agent.yaml, private."""
        path = self.home / ".sysmon" / "agent.yaml"
        path.parent.mkdir(exist_ok=True)
        lines = "".join(f"  {key}: {value}\n" for key, value in {"hostname": HOSTNAME, **settings}.items())
        path.write_text(f"agent:\n{lines}")
        path.chmod(0o600)

    def aggregator(self, text: str) -> None:
        path = self.home / ".sysmon" / "aggregator.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def check(self, name: str) -> tuple[str, str, str]:
        """(status, detail, fix) of one check."""
        subject = Subject(self.environment, root=self.root, timeout_s=self.timeout_s)
        status, detail, fix = dict(CHECKS)[name](subject)
        assert (status in {"warn", "fail"}) is bool(fix), "what is wrong has a fix, and nothing else has"
        return status, detail, fix


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("SYSMON_")]:
        monkeypatch.delenv(name)
    return Clinic(tmp_path)


@pytest.fixture
def member(clinic: Clinic, aggregator: RunningAggregator) -> Clinic:
    """A host of the fleet of a real aggregator."""
    clinic.agent(mode="distributed", aggregator_url=aggregator.url, auth_token=TOKEN)
    clinic.environment["SYSMON_DATA_DIR"] = str(clinic.home / "nothing-here")
    return clinic
