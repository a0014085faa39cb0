"""docs/data.md: every block of commands runs, one after the other, as a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from running_aggregator import RunningAggregator

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent / "docs" / "data.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run(home: Path, block: str) -> str:
    """What the block prints; it must not fail."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("SYSMON_")}
    env |= {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "LC_ALL": "C.UTF-8"}
    command = ["bash", "-euo", "pipefail", "-c", block]
    result = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, (block, result.stderr)
    return result.stdout


def blocks() -> Iterator[str]:
    return (match[1] for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8")))


def test_every_block_runs(tmp_path: Path) -> None:
    folder = tmp_path / ".local" / "share" / "sysmon"
    (tmp_path / ".sysmon").mkdir()
    commands = list(blocks())
    (restore,) = [block for block in commands if "rm -f sysmon.db" in block]
    with RunningAggregator(folder) as running:
        port = running.url.rsplit(":", 1)[1]
        (tmp_path / ".sysmon" / "aggregator.yaml").write_text(f"port: {port}\ndata_dir: {folder}\n")
        (tmp_path / ".sysmon" / "agent.yaml").write_text(f"agent: {{aggregator_url: {running.url}}}\n")
        for minute in range(100, 0, -1):
            metrics = [
                ("cpu.total_usage", 100.0 - minute),
                ("network.bytes_recv", 1000.0 * (100 - minute), {"interface": "eth0"}),
                ("disk.usage_percent", 40.0, {"mountpoint": "/"}),
            ]
            running.push("web01", metrics, age_s=minute * 60.0, tags={"role": "web"})  # type: ignore[arg-type]
        printed = {block: run(tmp_path, block) for block in commands if block is not restore}
    assert (tmp_path / "day.csv").read_text().count("\n") == 301
    for sign, text in (
        ("tags ->> 'role'", "web01"),
        ("round(avg(value)", "web01"),
        ("fullest", "40.0"),
        ("bytes_per_second", "16.66"),
        ("db stats", "forecast"),
        ("db backup", "sysmon-backup.db"),
    ):
        (found,) = [out for block, out in printed.items() if sign in block]
        assert text in found
    running.aggregator.settings.data_dir.joinpath("sysmon.db").write_bytes(b"lost")
    assert "all as they were written" in run(tmp_path, restore)
    with RunningAggregator(folder) as again:
        (series,) = again.client.metrics(types=["cpu.total_usage"], start=0)["series"]
        assert series["values"] == [float(n) for n in range(100)]
