"""One host: facts, charts that are really drawn, gaps that are seen, new samples that arrive."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from virtual_fleet import DATABASE, INTERVAL_S, WEB, history, push
from watched_page import DRAWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route
    from real_aggregator import RealAggregator
    from watched_page import WatchedPage

CHARTS = ("cpu", "memory", "diskio", "network", "pressure", "load")


def test_every_chart_is_drawn(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    for chart in CHARTS:
        watched.wait_drawn(chart)
    assert watched.complaints == []


def test_gap_is_drawn_as_a_gap(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """web01 said nothing for 7 minutes of the hour, db01 spoke all the time."""
    watched = open_page(f"{fleet.url}/hosts/web01")
    watched.wait_drawn("cpu")
    width = watched.page.locator("[data-chart=cpu] .u-over").bounding_box()["width"]
    seconds = WEB.silent[0] - WEB.silent[1]
    assert watched.widest_gap("cpu") == pytest.approx(width * seconds / 3600, rel=0.15)
    other = open_page(f"{fleet.url}/hosts/db01")
    other.wait_drawn("cpu")
    assert other.widest_gap("cpu") < 5


def test_facts_and_filesystems(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    page = open_page(f"{fleet.url}/hosts/db01").page
    expect(page.locator(".facts")).to_contain_text(DATABASE.kernel)
    expect(page.locator(".facts")).to_contain_text("64.0\u202fGiB")
    rows = page.locator(".filesystems tbody tr")
    expect(rows.locator(".mount")).to_have_text(["/var/lib/postgresql", "/"])
    expect(rows.first.locator(".meter").first).to_contain_text("83.5")
    expect(rows.first.locator(".mark.warn")).to_be_visible()


def test_ranges_change_the_charts_and_the_address(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("cpu")
    for name in ("15m", "6h", "24h"):
        watched.page.get_by_role("button", name=name).click()
        assert watched.page.url.endswith(f"?range={name}")
        watched.wait_drawn("cpu")
    assert watched.complaints == []


def test_crosshair_is_shared_and_values_follow_it(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("cpu")
    watched.wait_drawn("memory")
    page = watched.page
    box = page.locator("[data-chart=cpu] .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    moments = page.locator(".moment.pointed")
    expect(moments).to_have_count(len(CHARTS))
    # A chart picks its nearest sample, so that between two of them neighbours may differ by one.
    shown = [datetime.strptime(text, "%H:%M:%S") for text in moments.all_inner_texts()]  # noqa: DTZ007 - a difference
    assert (max(shown) - min(shown)).total_seconds() <= INTERVAL_S


def test_drag_zooms_and_double_click_goes_back(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    watched.wait_drawn("cpu")
    page = watched.page
    box = page.locator("[data-chart=cpu] .u-over").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(page.locator(".pill.still")).to_be_visible()
    watched.wait_drawn("memory")
    page.locator("[data-chart=memory] .u-over").dblclick()
    expect(page.locator(".pill.still")).to_have_count(0)


def test_new_samples_are_appended_without_a_reload(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    now = time.time()
    for age in range(300, 0, -10):
        quick.push(push(DATABASE, now - age))
    watched = open_page(f"{quick.url}/hosts/db01?range=15m")
    watched.wait_drawn("cpu")
    page = watched.page
    load = page.locator('.panel[aria-label="Load"] .legend .value').first
    page.evaluate("document.documentElement.dataset.untouched = 'yes'")
    quick.push({"hostname": "db01", "interval": 10, "metrics": [{"type": "load.avg1", "value": 77.5}]})
    expect(load).to_have_text("77.50")
    assert page.evaluate("document.documentElement.dataset.untouched") == "yes"
    assert watched.complaints == []


def test_host_that_went_quiet_looks_quiet(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    now = time.time()
    for age in (30, 20, 10, 0):
        quick.push({**push(DATABASE, now - age), "interval": 0.1})
    watched = open_page(f"{quick.url}/hosts/db01?range=15m")
    watched.wait_drawn("memory")
    expect(watched.page.locator(".host-head .status .word")).to_have_text("offline")
    expect(watched.page.locator(".panel.stale").first).to_contain_text("old")
    assert watched.coloured_pixels("memory") > DRAWN  # the last picture stays


def test_host_without_samples_in_the_range_leads_to_where_it_has_some(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    for body in history(DATABASE, time.time() - 5400, time.time() - 5000):
        quick.push(body)
    watched = open_page(f"{quick.url}/hosts/db01")
    expect(watched.page.locator('.panel[aria-label="Charts"]')).to_contain_text("No samples in the last 1h")
    watched.page.get_by_role("button", name="6h", exact=True).click()
    watched.wait_drawn("cpu")
    assert watched.complaints == []


def test_unknown_host_is_said_to_be_unknown(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(f"{fleet.url}/hosts/nobody").page
    expect(page.locator(".notice")).to_contain_text("No host of this name")


def test_host_selector_leads_to_another_host(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(f"{fleet.url}/hosts/db01").page
    page.locator("[data-host-picker]").click()
    page.keyboard.type("cac")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("cache")
    page.go_back()
    expect(page.locator("h1")).to_have_text("db01")


@pytest.mark.parametrize("path", ["/hosts/db01", "/compare?hosts=web01,db01,cache"])
def test_narrow_window_without_sideways_scrolling(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage], path: str
) -> None:
    watched = open_page(fleet.url + path, width=360, height=740)
    expect(watched.page.locator("canvas").first).to_be_visible()
    assert watched.overflow() <= 0


def test_every_metric_is_in_a_section(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """Each type that the host sends has its place for a chart, and all series are in one table."""
    watched = open_page(f"{fleet.url}/hosts/db01")
    page = watched.page
    sent = {one["type"] for one in fleet.get("/api/metrics/latest?host=db01")["metrics"]}
    links = page.locator("[data-section]")
    expect(page.locator("[data-section=sensors]")).to_be_visible()
    shown: set[str] = set()
    for number in range(links.count()):
        links.nth(number).click()
        expect(links.nth(number)).to_have_attribute("aria-current", "page")
        places = page.locator("[data-metric]")
        shown |= set(places.evaluate_all("(all) => all.map((one) => one.dataset.metric)"))
    assert shown == sent
    page.locator("[data-section=sensors]").click()
    watched.wait_drawn("sensor.temperature_celsius")
    page.locator("[data-section=metrics]").click()
    page.get_by_label("Filter metrics").fill("inodes postgres")
    expect(page.locator(".metrics tbody tr")).to_have_count(1)
    page.get_by_role("button", name="disk.inodes_usage_percent").click()
    watched.wait_drawn("disk.inodes_usage_percent")
    assert watched.complaints == []


def test_processes_follow_the_crosshair(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    now = time.time()
    for age in range(800, -1, -20):
        body = push(DATABASE, now - age)
        if age in (780, 60):
            command = "early" if age == 780 else "late"
            body["processes"] = [
                {"pid": 12, "user": "pg", "command": command, "cpu_percent": 31.5, "rss_bytes": 2**30},
                {"pid": 7, "user": "pg", "command": "vacuum", "cpu_percent": 3.5, "rss_bytes": 2**31},
            ]
        quick.push(body)
    watched = open_page(f"{quick.url}/hosts/db01?range=15m")
    page = watched.page
    watched.wait_drawn("cpu")
    first = page.locator(".processes tbody tr").first
    expect(first).to_contain_text("late")
    box = page.locator("[data-chart=cpu] .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    expect(first).to_contain_text("early")
    expect(page.locator(".processes .moment")).to_contain_text("before the crosshair")
    page.mouse.move(5, 5)
    expect(first).to_contain_text("late")
    page.locator(".processes").get_by_role("button", name="Memory").click()
    expect(first).to_contain_text("vacuum")
    assert watched.complaints == []


def test_gap_says_its_cause(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """Batches that the agent declares dropped are an event, and the hole in the chart says so."""
    now = time.time()
    stream = "00000000-0000-4000-8000-000000000001"
    for seq, age in ((1, 840), (2, 830), (3, 820), (40, 300), (41, 290)):
        dropped = {"dropped": "4-39;samples=900;reason=spool_full"} if seq == 40 else {}
        quick.push(push(DATABASE, now - age), stream=stream, seq=str(seq), **dropped)
    watched = open_page(f"{quick.url}/hosts/db01?range=15m&tab=events")
    page = watched.page
    row = page.locator("[data-event=dropped]")
    expect(row).to_contain_text("36 batches: lost: the agent's queue was full")
    page.locator("[data-section=agent]").click()
    expect(page.locator(".delivery .figures")).to_contain_text("900")
    assert watched.complaints == []


def test_filesystem_that_fills_says_when(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    """It grows by 1 GiB an hour and has 10 GiB left: full in ten hours."""
    now = int(time.time()) // 900 * 900
    for hour in range(20, -1, -1):
        tags = {"mountpoint": "/data", "device": "sdb1"}
        used = 60 - hour
        values = {"used_bytes": used * 2**30, "available_bytes": (70 - used) * 2**30, "usage_percent": used}
        metrics = [{"type": f"disk.{name}", "value": value, "tags": tags} for name, value in values.items()]
        quick.push(
            {"hostname": "filling", "timestamp": now - hour * 3600, "interval": 3600, "metrics": metrics}
        )
    page = open_page(f"{quick.url}/hosts/filling?tab=disks").page
    expect(page.locator(".filesystems .full")).to_contain_text("in 10")
    expect(page.locator(".filesystems .full .mark.crit")).to_be_visible()


def test_what_is_not_collected_says_why(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    tags = {"collector": "raid", "reason": "no /proc/mdstat"}
    quick.push({"hostname": "plain", "metrics": [{"type": "agent.collector_up", "value": 0, "tags": tags}]})
    page = open_page(f"{quick.url}/hosts/plain").page
    expect(page.locator(".not-collected")).to_contain_text("raid (no /proc/mdstat)")


def test_server_that_fails_is_said_and_asked_again(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    """A panel without data says what went wrong; one that has some keeps it and says that it is old."""
    page = open_page("about:blank").page
    failing = {"now": True}

    def answer(route: Route) -> None:
        if failing["now"]:
            body = '{"error": {"code": "internal", "message": "the disk is on fire"}}'
            route.fulfill(status=500, content_type="application/json", body=body)
        else:
            route.continue_()

    page.route("**/api/metrics?*", answer)
    page.goto(f"{fleet.url}/hosts/db01")
    cpu = page.locator('.panel[aria-label="CPU"]')
    expect(cpu).to_contain_text("the disk is on fire")
    failing["now"] = False
    cpu.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-chart=cpu] canvas")).to_be_visible()
    failing["now"] = True
    fleet.push(push(DATABASE, time.time()))
    expect(cpu.locator(".badge.stale")).to_have_text("not updated")
    expect(page.locator("[data-chart=cpu] canvas")).to_be_visible()
