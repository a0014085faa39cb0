"""Writes the pictures of the README, from the same pages that the other tests check."""

from __future__ import annotations

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
        ("compare", "/compare?hosts=web01,db01,cache", ("cpu.total_usage",), 1060),
    ],
)
def test_writes_the_picture(
    fleet: RealAggregator,
    open_page: Callable[..., WatchedPage],
    name: str,
    path: str,
    charts: tuple[str, ...],
    height: int,
) -> None:
    watched = open_page(fleet.url + path, width=1440, height=height)
    page = watched.page
    expect(page.locator(".connection")).to_have_text("live")
    expect(page.locator(".skeleton")).to_have_count(0)
    for chart in charts:
        watched.wait_drawn(chart)
    page.emulate_media(reduced_motion="reduce")
    IMAGES.mkdir(parents=True, exist_ok=True)
    picture = page.screenshot(path=IMAGES / f"{name}.png")
    assert len(picture) > 20_000
    assert watched.complaints == []
