"""`sysmon-agent --once` over every recorded host says what tests/golden/ says, line for line.

`pytest tests/test_golden.py --update-golden` rewrites the files; their diff is read like code.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from agent_program import AGENT

TREES = Path(__file__).parent / "fixtures" / "proc"
GOLDEN = Path(__file__).parent / "golden"

# What differs from run to run, by name; everything else must be equal.
VARYING = [
    (re.compile(r'("type": "agent\.collect_seconds", .*"value": )[^}]*'), r"\g<1>0"),
    (re.compile(r'("version": )"[^"]*"'), r'\g<1>"…"'),
]

pytestmark = pytest.mark.native


def _names() -> list[str]:
    return sorted(path.name for path in TREES.iterdir() if path.is_dir())


def _once(tree: str, home: Path) -> str:
    # Relative, so that the paths in messages are the same everywhere.
    run = subprocess.run(
        [AGENT, "--once", "--proc-root", tree],
        cwd=TREES,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    text = run.stdout
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text


@pytest.mark.parametrize("tree", _names())
def test_a_recorded_host_is_read_as_before(tree: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    said = _once(tree, tmp_path)
    golden = GOLDEN / f"{tree}.json"
    if request.config.getoption("--update-golden"):
        golden.write_text(said)
    assert golden.exists(), "no golden file: run with --update-golden, and read what it wrote"
    assert said.splitlines() == golden.read_text().splitlines()
    json.loads(said)


def test_there_is_no_golden_file_without_its_tree() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(_names())


def test_the_virtual_machine_has_two_hundred_series_without_loop_devices(tmp_path: Path) -> None:
    metrics = json.loads(_once("vm", tmp_path))["metrics"]
    devices = [metric.get("tags", {}).get("device", "") for metric in metrics]
    assert sum(not device.startswith("loop") for device in devices) >= 200
