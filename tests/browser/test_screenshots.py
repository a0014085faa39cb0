"""The pictures of the README, from the same pages that the other tests check.

`SYSMON_UPDATE_IMAGES=1 pytest tests/browser/test_screenshots.py` renews them in docs/images. Without it they
are made and thrown away: a run of the tests leaves the checkout as it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage

IMAGES = Path(__file__).parents[2] / "docs/images"


@pytest.mark.parametrize(
    ("name", "path", "charts", "height"),
    [
        ("overview", "/", (), 560),
        ("host", "/hosts/web01", ("cpu", "memory", "network"), 1060),
        ("compare", "/compare?hosts=web01,db01", ("cpu.total_usage",), 1060),
    ],
)
def test_writes_the_picture(
    fleet: RealAggregator,
    open_page: Callable[..., WatchedPage],
    name: str,
    path: str,
    charts: tuple[str, ...],
    height: int,
    tmp_path: Path,
) -> None:
    watched = open_page(fleet.url + path, width=1440, height=height)
    page = watched.page
    expect(page.locator(".connection")).to_have_text("live")
    expect(page.locator(".skeleton")).to_have_count(0)
    for chart in charts:
        watched.wait_drawn(chart)
    page.emulate_media(reduced_motion="reduce")
    folder = IMAGES if os.environ.get("SYSMON_UPDATE_IMAGES") else tmp_path
    picture = page.screenshot(path=folder / f"{name}.png")
    assert len(picture) > 20_000
    assert watched.complaints == []
