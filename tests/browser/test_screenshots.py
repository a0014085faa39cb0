"""The pictures of the documents, from the same pages that the other tests check.

`SYSMON_UPDATE_IMAGES=1 pytest tests/browser/test_screenshots.py` renews them in docs/images. Without it they
are made and thrown away: a run of the tests leaves the checkout as it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage

IMAGES = Path(__file__).parents[2] / "docs/images"


class Picture(NamedTuple):
    name: str
    path: str
    charts: tuple[str, ...] = ()
    width: int = 1440
    height: int = 1060
    theme: str = "dark"


PHONE = {"width": 360, "height": 780}
HOST = ("cpu", "memory", "network")
COMPARED = "/compare?hosts=web01,db01"
PICTURES = (
    Picture("overview", "/", height=560),
    Picture("overview-light", "/?group=datacenter", height=620, theme="light"),
    Picture("overview-mobile", "/", **PHONE, theme="light"),
    Picture("map", "/?view=map&group=datacenter&colour=disk", height=520),
    Picture("host", "/hosts/web01", HOST),
    Picture("host-light", "/hosts/web01?cmp=previous&range=15m", HOST, theme="light"),
    Picture("host-mobile", "/hosts/web01", ("cpu",), **PHONE),
    Picture("compare", COMPARED, ("cpu.total_usage",)),
    Picture("compare-light", f"{COMPARED},cache&layout=table", theme="light"),
    Picture("compare-mobile", COMPARED, **PHONE, theme="light"),
)


@pytest.mark.parametrize("wanted", PICTURES, ids=[one.name for one in PICTURES])
def test_writes_the_picture(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage], wanted: Picture, tmp_path: Path
) -> None:
    watched = open_page(fleet.url + wanted.path, width=wanted.width, height=wanted.height, theme=wanted.theme)
    page = watched.page
    expect(page.locator(".connection")).to_have_text("live")
    expect(page.locator(".skeleton")).to_have_count(0)
    for chart in wanted.charts:
        watched.wait_drawn(chart)
    page.emulate_media(reduced_motion="reduce")
    folder = IMAGES if os.environ.get("SYSMON_UPDATE_IMAGES") else tmp_path
    picture = page.screenshot(path=folder / f"{wanted.name}.png")
    assert len(picture) > 10_000
    assert watched.overflow() <= 0
    assert watched.complaints == []
