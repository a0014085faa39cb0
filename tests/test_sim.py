"""The deterministic simulation, its short form: days of trouble for the agent on virtual time, and each
promise broken on purpose, which must be found out. The long form is `make sim`; tests/faults/README.md.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SIM = ROOT / "build" / "release" / "tests" / "sim" / "sysmon_sim"

pytestmark = pytest.mark.xdist_group("sim")  # it has threads of its own


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    """As `make sim` does."""
    configure = ["cmake", "--preset", "release"]
    build = ["cmake", "--build", "--preset", "release", "-j", "2", "--target", "sysmon_sim"]
    for command in (configure, build):
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _simulate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SIM, *words], capture_output=True, text=True, check=False)


def test_nothing_is_lost_in_days_of_trouble(tmp_path: Path) -> None:
    report = tmp_path / "sim.json"
    ran = _simulate("--hours", "400", "--trials", "5000", "--json", str(report))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    board = json.loads(report.read_text())
    assert board["faults_survived"] == board["faults_tried"]
    assert board["agent_hours"] >= 400
    rows = {row["name"]: row for row in board["rows"]}
    assert rows["spool power loss"]["survived"] == 5000
    drain = rows["away 24 h"]["figures"]["drain_s_max"]
    assert drain <= 60, "a day's backlog of one host"


@pytest.mark.parametrize(
    ("sabotage", "row", "kinds"),
    [
        ("sync-does-nothing", "spool power loss", {"undeclared_lost"}),
        ("names-never-synced", "spool power loss", {"undeclared_lost"}),
        ("cursor-before-ack", "copies", {"undeclared_lost"}),
        ("any-ack-counts", "impostors", {"undeclared_lost"}),
        ("bytes-change", "away 5 min", {"corrupt"}),
        ("drops-unsaid", "limits", {"undeclared_lost"}),
        ("no-jitter", "away 5 min", {"error"}),
        ("streams-repeat", "everything", {"undeclared_lost", "corrupt", "error"}),
        ("no-retry-after", "statuses", {"error"}),
        ("follows-redirects", "impostors", {"error"}),
        ("tick-waits", "everything", {"error"}),
        ("live-waits", "statuses", {"error"}),
    ],
)
def test_a_promise_that_is_broken_on_purpose_is_found_out(sabotage: str, row: str, kinds: set[str]) -> None:
    ran = _simulate("--hours", "20000", "--trials", "2000", "--row", row, "--sabotage", sabotage)
    assert ran.returncode == 1, f"{sabotage} was not noticed\n{ran.stdout}{ran.stderr}"
    found = {line.split(":")[0].strip() for line in ran.stdout.splitlines() if "; again: " in line}
    assert found & kinds, ran.stdout


def test_a_seed_plays_the_same_history_again() -> None:
    first = _simulate("--row", "away 1 h", "--seed", "7")
    assert first.returncode == 0, first.stdout[-2000:]
    assert "POST " in first.stdout
    assert first.stdout == _simulate("--row", "away 1 h", "--seed", "7").stdout
