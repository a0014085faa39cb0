"""One range of time for the page: presets, windows, Back, an earlier time, bands, zones; charts as files."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from virtual_fleet import DATABASE, history

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage


def test_window_of_ones_own_is_kept_in_the_address(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    end = int(time.time()) - 600
    watched = open_page(f"{fleet.url}/hosts/db01?from={end - 900}&to={end}")
    watched.wait_drawn("cpu")
    page = watched.page
    expect(page.locator(".pill.still")).to_contain_text("held still")
    expect(page.locator(".presets [aria-pressed=true]")).to_have_count(0)
    page.get_by_label("Half a range earlier").click()
    assert f"from={end - 1350}" in page.url
    page.go_back()
    assert f"from={end - 900}" in page.url
    page.keyboard.press("l")
    expect(page.locator(".pill")).to_have_text("live")
    assert "from=" not in page.url
    assert watched.complaints == []


def test_zoom_asks_for_finer_points(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    for body in history(DATABASE, time.time() - 3 * 3600, time.time()):
        quick.push(body)
    watched = open_page(f"{quick.url}/hosts/db01?range=6h")
    watched.wait_drawn("cpu")
    page = watched.page
    told = page.locator('.panel[aria-label="CPU"] .told')
    expect(told).to_contain_text("1\u202fmin, from samples")
    # Averages of a minute hide its peak: the highest stands over the stack.
    expect(page.locator('.panel[aria-label="CPU"] .legend')).to_contain_text("highest")
    box = page.locator("[data-chart=cpu] .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(told).to_contain_text("10\u202fs, from samples")
    assert re.search(r"from=\d+&to=\d+", page.url)
    watched.wait_drawn("cpu")
    page.locator("[data-chart=memory] .u-over").dblclick()
    expect(page.locator(".pill")).to_have_text("live")
    assert "range=6h" in page.url
    assert watched.complaints == []


def test_an_earlier_time_is_drawn_over_now(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01?range=15m")
    watched.wait_drawn("load")
    page = watched.page
    page.mouse.move(5, 5)
    before = watched.coloured_pixels("load")
    page.get_by_label("Against").select_option("previous")
    expect(page.locator(".time-bar")).to_contain_text("dotted: 15\u202fmin earlier")
    deadline = time.monotonic() + 10
    while watched.coloured_pixels("load") < before + 100:
        assert time.monotonic() < deadline, "the earlier time is not drawn"
        page.wait_for_timeout(50)
    assert "cmp=previous" in page.url
    assert watched.complaints == []


def test_times_are_told_in_utc_on_demand(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01?from=2026-01-02T03:00:00Z&to=2026-01-02T04:00:00Z&tz=utc")
    own = watched.page.locator(".own-range")
    expect(own).to_contain_text("03:00:00")
    expect(own).to_contain_text("04:00:00")
    expect(watched.page.locator('.panel[aria-label="Charts"]')).to_contain_text("No samples between")


@pytest.mark.parametrize("keys", [["3"], ["z", "[", "l"]])
def test_keys_move_the_range(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage], keys: list[str]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("cpu")
    for key in keys:
        watched.page.keyboard.press(key)
    assert watched.page.url.endswith("?range=15m" if keys == ["3"] else "?range=6h")
    watched.wait_drawn("cpu")


def test_chart_is_also_a_table_and_files(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("load")
    page = watched.page
    menu = page.get_by_label("Load: table, files, commands")

    menu.click()
    page.get_by_role("button", name="View as table").click()
    table = page.locator("dialog table")
    expect(table.locator("thead th")).to_have_text(["Time", "1 min", "5 min", "15 min"])
    assert table.locator("tbody tr").count() > 300
    page.keyboard.press("Escape")

    def saved(name: str) -> Path:
        menu.click()
        with page.expect_download() as file:
            page.get_by_role("button", name=name).click()
        return Path(file.value.path())

    lines = saved("Save as CSV").read_text().splitlines()
    assert lines[0] == "time,1 min (load),5 min (load),15 min (load)"
    assert len(lines) > 300
    answer = json.loads(saved("Save as JSON").read_text())
    assert [one["label"] for one in answer["series"]] == ["1 min", "5 min", "15 min"]
    assert len(answer["times"]) == len(answer["series"][0]["values"])
    assert saved("Save as PNG").read_bytes().startswith(b"\x89PNG")
    assert watched.complaints == []


def test_chart_is_also_a_command(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("load")
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, start in (
        ("Copy as curl", f"curl -s '{fleet.url}/api/metrics?host=db01&type=load.avg1"),
        ("Copy as command line", "sysmon metrics query load.avg1 load.avg5 load.avg15 --host db01 --since"),
    ):
        page.get_by_label("Load: table, files, commands").click()
        page.get_by_role("button", name=name).click()
        expect(page.locator(".menu")).to_have_count(0)
        assert page.evaluate("navigator.clipboard.readText()").startswith(start)


def test_a_window_is_chosen_and_moved_on_the_strip_of_a_long_range(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01?range=24h")
    watched.wait_drawn("cpu")
    page = watched.page
    strip = page.locator(".brush")
    expect(strip.locator("path")).to_have_attribute("d", re.compile("^M"))
    box = strip.bounding_box()
    middle = box["y"] + box["height"] / 2

    def drag(start: float, end: float) -> tuple[int, int]:
        page.mouse.move(box["x"] + box["width"] * start, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * end, middle, steps=4)
        page.mouse.up()
        expect(page.locator(".pill.still")).to_be_visible()
        found = re.search(r"from=(\d+)&to=(\d+)", page.url)
        assert found is not None
        return int(found[1]), int(found[2])

    start, end = drag(0.5, 0.75)
    assert end - start == pytest.approx(6 * 3600, rel=0.02)
    assert "range=24h" in page.url
    moved_start, moved_end = drag(0.6, 0.8)
    assert moved_end - moved_start == pytest.approx(end - start, abs=2)
    assert moved_start - start == pytest.approx(0.2 * 86_400, rel=0.05)
    assert strip.bounding_box() == box  # the bar above has not moved the page
    strip.dblclick(position={"x": 5, "y": 5})
    expect(page.locator(".pill")).to_have_text("live")
    assert watched.complaints == []


def test_a_message_that_was_long_on_its_way_draws_no_page_anew(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    """A busy page reads the hello late: its clock was right, and nothing is asked for a second time."""
    watched = open_page("about:blank")
    page = watched.page
    page.add_init_script(
        "const send = WebSocket.prototype.__lookupSetter__('onmessage');"
        "Object.defineProperty(WebSocket.prototype, 'onmessage', { set(hear) {"
        " send.call(this, (event) => setTimeout(() => hear(event), 2500)); } });"
    )
    page.goto(f"{fleet.url}/hosts/db01?from=now-1h&to=now")
    watched.wait_drawn("cpu")
    page.evaluate("document.querySelector('[data-chart=cpu] canvas').dataset.first = 'yes'")
    expect(page.locator(".connection")).to_have_text("live")
    assert page.locator("[data-chart=cpu] canvas").get_attribute("data-first") == "yes"
    assert watched.complaints == []


def test_what_a_host_page_shows_first_is_asked_for_once_and_early(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page("about:blank")
    page = watched.page
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{fleet.url}/hosts/db01?range=24h")
    watched.wait_drawn("cpu")
    first = [url for url in asked if "/api/metrics?" in url and "agg=" not in url and "load.avg15" in url]
    assert len(first) == 1
    assert watched.complaints == []
