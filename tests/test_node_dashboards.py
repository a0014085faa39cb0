"""node_exporter's names: recorded machines through agent, aggregator and `/metrics?names=node`, held against
the names that two usual dashboards ask for (data/node_dashboards.csv)."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_program import AGENT
from sysmon import registry
from sysmon.prometheus.names import all_names

if TYPE_CHECKING:
    from service_kit import ServiceKit

HERE = Path(__file__).parent
TREES = HERE / "fixtures" / "proc"
PAGE = HERE.parent / "docs" / "howto" / "prometheus.md"
EVERYTHING = ",".join(info.name for info in registry() if not info.default_on)
pytestmark = pytest.mark.native
AGENTS_OWN = {"process_resident_memory_bytes"}  # not in --once: there is nobody whose memory it would be


def wanted() -> dict[str, set[str]]:
    """The metric names of each dashboard's queries."""
    found: dict[str, set[str]] = {}
    for row in csv.DictReader((HERE / "data" / "node_dashboards.csv").read_text().splitlines()):
        found.setdefault(row["dashboard"], set()).add(row["name"])
    return found


def exposed(kit: ServiceKit, host: str) -> str:
    """The page of a recorded machine whose agent collects all that it can."""
    tree = TREES / host
    run = subprocess.run(
        [AGENT, "--once", "--proc-root", tree / "t0" if (tree / "t0").is_dir() else tree],
        env={"HOME": "/nonexistent", "SYSMON_HOSTNAME": host, "SYSMON_COLLECTORS_ENABLE": EVERYTHING},
        capture_output=True,
        timeout=60,
        check=True,
    )
    batch = json.loads(run.stdout)
    del batch["timestamp"]  # it is now
    assert kit.post(batch).status_code == 200
    return str(kit.client.get(f"/metrics?host={host}&names=node").get_data(as_text=True))


def sample_names(page: str) -> set[str]:
    return {re.split("[{ ]", line)[0] for line in page.splitlines() if line and not line.startswith("#")}


@pytest.fixture
def served(kit: ServiceKit) -> set[str]:
    names = [sample_names(exposed(kit, path.name)) for path in sorted(TREES.iterdir()) if path.is_dir()]
    return set().union(*names)


def test_every_name_of_the_table_is_served(served: set[str]) -> None:
    assert set(all_names("node")) - served == AGENTS_OWN


def test_coverage_is_what_the_page_says(served: set[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    covered = served | AGENTS_OWN
    for dashboard, names in wanted().items():
        (said,) = re.findall(rf"^\| {dashboard} \| (\d+ of \d+) \|", page, re.MULTILINE)
        assert said == f"{len(names & covered)} of {len(names)}"
    missing = sorted(set().union(*wanted().values()) - covered)
    (block,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert block.split() == missing


def test_values_are_what_node_exporter_would_say(kit: ServiceKit) -> None:
    page = exposed(kit, "vm")
    proc = TREES / "vm" / "t0" / "proc"
    meminfo = dict(re.findall(r"^(\w+):\s+(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE))
    for name in ("MemTotal", "SwapFree", "Slab", "Committed_AS"):
        assert f"\nnode_memory_{name}_bytes {int(meminfo[name]) * 1024.0}\n" in page
    user, nice = (
        int(text) / 100 for text in re.findall(r"^cpu0 (\d+) (\d+)", (proc / "stat").read_text(), re.M)[0]
    )
    assert f'node_cpu_seconds_total{{cpu="0",mode="user"}} {user}\n' in page
    assert f'node_cpu_seconds_total{{cpu="0",mode="nice"}} {nice}\n' in page
    assert 'mode="guest"' not in page
    assert re.search(
        r'^node_uname_info\{machine="x86_64",nodename="vm",release="[^"]+",sysname="Linux"\} 1', page, re.M
    )
    assert re.search(r'^node_processes_state\{state="S"\} \d', page, re.MULTILINE)
