"""Compare: what was planted stands first, and the curves and facts are there."""

from __future__ import annotations

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
