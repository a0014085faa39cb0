"""What one does with a chart: single lines out, move along, see what happened and what a point stands for."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from real_aggregator import RealAggregator
from virtual_fleet import DATABASE, WEB, history, push

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watched_page import WatchedPage


def test_a_press_in_the_legend_shows_one_line_alone(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("load")
    page = watched.page
    legend = page.locator('.panel[aria-label="Load"] .legend')
    chart = page.locator("[data-chart=load]")
    expect(chart).to_have_attribute("aria-label", re.compile("1 min.*5 min.*15 min"))
    legend.get_by_role("button", name=re.compile("^5 min")).click()
    expect(legend.locator(".off")).to_have_count(2)
    expect(chart).to_have_attribute("aria-label", re.compile("^Load. 5 min: [^;]*$"))
    watched.wait_drawn("load")
    legend.get_by_role("button", name="15 min").click(modifiers=["Shift"])
    expect(legend.locator(".off")).to_have_count(1)
    legend.get_by_role("button", name="15 min").click()
    legend.get_by_role("button", name="15 min").click()
    expect(legend.locator(".off")).to_have_count(0)
    assert watched.complaints == []


def test_one_mode_of_a_stack_stands_on_the_ground(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("cpu")
    page = watched.page
    legend = page.locator('.panel[aria-label="CPU"] .legend')
    before = watched.coloured_pixels("cpu")
    legend.get_by_role("button", name=re.compile("^softirq")).click()
    expect(page.locator("[data-chart=cpu]")).to_have_attribute("aria-label", re.compile("^CPU. softirq"))
    deadline = time.monotonic() + 10
    while not 0 < watched.coloured_pixels("cpu") < before / 2:
        assert time.monotonic() < deadline, "the stack is still there"
        page.wait_for_timeout(50)
    assert watched.complaints == []


def test_a_drag_with_shift_moves_the_window(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01?range=15m")
    watched.wait_drawn("cpu")
    page = watched.page
    box = page.locator("[data-chart=cpu] .u-over").bounding_box()
    began = time.time()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 100 + box["width"] / 3, box["y"] + 60, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator(".pill.still")).to_be_visible()
    start, end = (int(text) for text in re.findall(r"(?:from|to)=(\d+)", page.url))
    assert end - start == 900
    assert 270 < began - end < 330  # a third of a quarter of an hour earlier
    watched.wait_drawn("cpu")
    # Never beyond now: there is nothing yet.
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 60, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_url(lambda url: f"to={end}" not in url)
    assert abs(int(re.findall(r"to=(\d+)", page.url)[0]) - time.time()) < 30
    assert watched.complaints == []


def test_what_happened_is_marked_on_every_chart(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    now = time.time()
    for age in range(840, -1, -10):
        if 400 <= age < 700:
            continue
        body = push(DATABASE, now - age)
        if age < 200:
            body["version"] = "1.1.0"
            body["facts"]["kernel"] = "6.9.9"
        quick.push(body)
    watched = open_page(f"{quick.url}/hosts/db01?range=15m")
    watched.wait_drawn("cpu")
    page = watched.page
    for panel in ("CPU", "Memory", "Network"):
        place = page.locator(f'.panel[aria-label="{panel}"]')
        changes = place.locator(".mark-place.change")
        expect(changes).to_have_count(1)
        expect(changes).to_have_attribute("aria-label", re.compile("agent 1.0.0 → 1.1.0"))
        expect(changes).to_have_attribute("aria-label", re.compile("kernel 6.8.0-50-amd64 → 6.9.9"))
        expect(place.locator(".mark-place.gap")).to_have_attribute(
            "aria-label", re.compile("told of no loss")
        )
    first = page.locator('.panel[aria-label="CPU"]')
    box = page.locator("[data-chart=cpu] .u-over").bounding_box()
    at = first.locator(".mark-place.change").bounding_box()
    assert abs((at["x"] - box["x"]) / box["width"] - (900 - 190) / 900) < 0.03
    words = first.locator(".mark-place.change .mark-words")
    expect(words).to_be_hidden()
    first.locator(".mark-place.change .mark-sign").hover()
    expect(words).to_be_visible()
    expect(words).to_contain_text("6.9.9")
    page.locator("[data-section=events]").click()
    expect(page.locator("[data-event=facts_changed]")).to_contain_text("kernel 6.8.0-50-amd64 → 6.9.9")
    assert watched.complaints == []


def test_every_chart_says_what_its_points_are(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    now = time.time()
    for host in (WEB, DATABASE):
        for body in history(host, now - 1800, now):
            quick.push(body)
    page = open_page(f"{quick.url}/hosts/db01?range=24h").page
    expect(page.locator('.panel[aria-label="Memory"] .told')).to_have_text(
        "1 point = 5\u202fmin, from samples"
    )
    page.goto(f"{quick.url}/compare?hosts=web01,db01")
    expect(page.locator('.panel[aria-label="CPU"] .told')).to_have_text("1 point = 10\u202fs, from samples")


def test_presets_beyond_retention_say_so(tmp_path: Path, open_page: Callable[..., WatchedPage]) -> None:
    (tmp_path / ".sysmon").mkdir()
    (tmp_path / ".sysmon/aggregator.yaml").write_text("retention: {raw: 3d, 5m: 6d, 1h: 20d}\n")
    with RealAggregator(tmp_path) as aggregator:
        aggregator.push(push(WEB, time.time()))
        page = open_page(f"{aggregator.url}/hosts/web01").page
        beyond = page.locator(".presets .beyond")
        expect(beyond).to_have_text(["1y"])  # 30 days show all that is kept
        expect(beyond).to_have_attribute("title", "Nothing is kept for longer than 20\u202fd")
