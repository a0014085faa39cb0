"""A real agent that ticks every few seconds ticks every second while somebody looks at its host."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from real_aggregator import PUSH_TOKEN

from agent_program import AGENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage

INTERVAL_S = 4
WAIT_S = 60.0  # the fine ticks end 30 s after the last one has left

pytestmark = pytest.mark.native


@contextmanager
def agent(folder: Path, url: str) -> Iterator[None]:
    config = folder / "agent.yaml"
    config.write_text(
        f"agent:\n  mode: distributed\n  aggregator_url: {url}\n  auth_token: {PUSH_TOKEN}\n"
        f"  collect_interval: {INTERVAL_S}s\n  push_interval: {INTERVAL_S}s\n"
        f"  spool: {{dir: {folder}/spool}}\n"
    )
    config.chmod(0o600)
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (folder / "agent.log").open("w") as log:
        process = subprocess.Popen([AGENT, "--config", config], env=environment, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def steps(aggregator: RealAggregator, host: str) -> list[float]:
    """Seconds between the newest samples of a metric of every tick, oldest first."""
    path = f"/api/metrics?host={host}&type=cpu.total_usage&start={time.time() - 12}"
    series = aggregator.get(path)["series"]
    return [after - before for before, after in pairwise(series[0]["times"])] if series else []


def wait_for(what: Callable[[], bool], told: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, told
        time.sleep(0.25)


def test_every_second_while_somebody_looks(
    quick: RealAggregator, open_page: Callable[..., WatchedPage], tmp_path: Path
) -> None:
    with agent(tmp_path, quick.url):
        wait_for(lambda: bool(quick.get("/api/hosts")["hosts"]), "the agent pushes nothing")
        host = quick.get("/api/hosts")["hosts"][0]["hostname"]
        wait_for(lambda: len(steps(quick, host)) >= 2, "the agent pushes once only")
        assert min(steps(quick, host)) > INTERVAL_S - 1

        watched = open_page(f"{quick.url}/hosts/{host}?range=1m")
        page = watched.page
        watched.wait_drawn("memory")
        wait_for(lambda: steps(quick, host)[-3:] == pytest.approx([1, 1, 1], abs=0.4), "no fine ticks")
        expect(page.locator('.panel[aria-label="CPU"] .told')).to_have_text(
            "1 point = 1\u202fs, from samples"
        )
        # Every tick arrives in the page by itself: the chart's summary has another value each time.
        cpu = page.locator("[data-chart=cpu]")
        seen: set[str | None] = set()

        def another() -> bool:
            seen.add(cpu.get_attribute("aria-label"))
            return len(seen) >= 4

        wait_for(another, "the chart stands still")
        assert watched.complaints == []

        page.close()
        wait_for(lambda: (steps(quick, host) or [0])[-1] > INTERVAL_S - 1, "the fine ticks never end")
