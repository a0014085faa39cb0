"""Three agents in network namespaces, one cut off and back: three_hosts.sh, which runs by itself, too."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("three_hosts.sh")
SKIPPED = 77


@pytest.mark.native
def test_a_host_that_is_cut_off_and_back_loses_nothing() -> None:
    ended = subprocess.run(
        [SCRIPT, sysconfig.get_path("scripts")], capture_output=True, text=True, timeout=240
    )
    if ended.returncode == SKIPPED:
        pytest.skip(ended.stderr.strip())
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("nothing dropped, no gap") == 3
