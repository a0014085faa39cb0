"""Compare: what was planted stands first, and the curves and facts are there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage


def test_planted_difference_ranks_first(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """db01 waits for its disk 31 % of the time, web01 0.4 %: everything about io must lead the list."""
    watched = open_page(f"{fleet.url}/compare?hosts=web01,db01")
    first = watched.page.locator("[data-difference]").first
    expect(first).to_have_attribute("data-difference", "cpu.iowait_percent")
    expect(first.locator(".rank-text")).to_contain_text("db01")
    expect(first.locator(".medians li")).to_have_count(2)
    expect(watched.page.locator('[data-fact="kernel"] td')).to_have_text(["6.1.0-28-amd64", "6.8.0-50-amd64"])
    for chart in ("cpu.total_usage", "cpu.iowait_percent"):
        watched.wait_drawn(chart)
    expect(watched.page.locator(".honesty")).to_contain_text("db01")
    assert watched.complaints == []


def test_hosts_are_added_and_removed(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    page = open_page(f"{fleet.url}/compare").page
    for name in ("web01", "cache"):
        page.locator("main [data-host-picker]").click()
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    expect(page.locator("[data-difference]").first).to_be_visible()
    assert page.url.endswith("/compare?hosts=web01,cache")
    page.get_by_label("Remove cache").click()
    expect(page.locator(".compare-hint")).to_contain_text("one more")


def test_selected_rows_lead_to_their_comparison(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(fleet.url).page
    for name in ("web01", "db01"):
        page.get_by_label(f"Select {name}").check()
    page.locator(".selection-bar").get_by_role("link", name="Compare").click()
    expect(page.locator("[data-difference]").first).to_be_visible()
    assert page.url.endswith("/compare?hosts=web01,db01")


def test_layouts_show_the_same_hosts_differently(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/compare?hosts=web01,db01,cache")
    page = watched.page
    watched.wait_drawn("cpu.iowait_percent")

    page.get_by_role("button", name="side by side").click()
    cpu = page.locator('.side-by-side[aria-label="CPU"]')
    expect(cpu.locator("canvas")).to_have_count(3)

    page.get_by_role("button", name="difference").click()
    watched.wait_drawn("cpu.iowait_percent")
    legend = page.locator('.panel[aria-label="CPU − web01"] .legend .name')
    expect(legend).to_have_text(["db01 − web01", "cache − web01"])
    page.get_by_label("From").select_option("db01")
    expect(page.locator('.panel[aria-label="CPU − db01"]')).to_be_visible()
    assert "ref=db01" in page.url

    page.get_by_role("button", name="table", exact=True).click()
    row = page.locator('[data-value-row="cpu.iowait_percent"]')
    expect(row.locator("td.far3")).not_to_have_count(0)
    page.reload()
    expect(row).to_be_visible()
    assert watched.complaints == []


def test_sizes_stand_with_the_facts(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    now = time.time()
    for name, speed in (("a", 125e6), ("b", 1250e6)):
        for age in range(120, -1, -10):
            metrics = [
                {"type": "network.speed_bytes", "value": speed, "tags": {"interface": "eth0"}},
                {"type": "cpu.total_usage", "value": 10},
            ]
            quick.push({"hostname": name, "interval": 10, "timestamp": now - age, "metrics": metrics})
    page = open_page(f"{quick.url}/compare?hosts=a,b&range=15m").page
    expect(page.locator('[data-size="network.speed_bytes"] td')).to_have_text(
        ["119\u202fMiB/s", "1.16\u202fGiB/s"]
    )
    expect(page.locator(".differences")).to_contain_text("Nothing differs")


def test_many_hosts_name_their_outlier(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    now = time.time()
    names = [f"node-{number:02}" for number in range(12)]
    for number, name in enumerate(names):
        usage = 88.0 if name == "node-07" else 20.0 + number % 4
        for age in range(120, -1, -20):
            metrics = [{"type": "cpu.total_usage", "value": usage}]
            quick.push({"hostname": name, "interval": 20, "timestamp": now - age, "metrics": metrics})
    watched = open_page(f"{quick.url}/compare?hosts={','.join(names)}&range=5m")
    page = watched.page
    expect(page.locator("[data-outlier]")).to_have_count(1)
    expect(page.locator("[data-outlier]")).to_contain_text("node-07 88.0\u202f%, above the others")
    watched.wait_drawn("many")
    smalls = page.locator(".small-multiples li")
    expect(smalls).to_have_count(len(names))
    expect(smalls.first).to_contain_text("node-07")
    assert watched.complaints == []
