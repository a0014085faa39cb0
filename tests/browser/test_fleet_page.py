"""The overview: every host, live, honest about the ones that went quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from virtual_fleet import FLEET

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage


def tick(name: str, cpu: float, *, interval: float = 0.1) -> dict[str, Any]:
    """A small push; with so short an interval the settings alone say when the host is offline."""
    return {
        "hostname": name,
        "interval": interval,
        "metrics": [
            {"type": "cpu.total_usage", "value": cpu},
            {"type": "memory.usage_percent", "value": 40.5},
        ],
    }


def test_lists_every_host_with_its_values(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(fleet.url)
    page = watched.page
    for host in FLEET:
        row = page.locator(f'tr[data-host="{host.name}"]')
        expect(row.locator("[data-host-link]")).to_have_text(host.name)
        expect(row.locator(".status .word")).to_have_text("online")
        latest = {one["hostname"]: one["latest"] for one in fleet.get("/api/hosts")["hosts"]}[host.name]
        expect(row.locator("td.metered .number").nth(2)).to_have_text(
            f"{latest['disk.usage_percent']:.1f}\u202f%"
        )
    expect(page.locator(".chip.online strong")).to_have_text(str(len(FLEET)))
    summary = fleet.get("/api/fleet/summary")
    expect(page.locator(".tile-value").first).to_have_text(f"{summary['avg_cpu_percent']:.1f}\u202f%")
    assert watched.complaints == []


def test_worst_host_stands_first(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    page = open_page(fleet.url).page
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    # build-07 burns its cores, cache has little memory left and db01's disk fills up: web01 is well.
    expect(page.locator("[data-host-link]").last).to_have_text("web01")


def test_search_narrows_and_lives_in_the_address(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(fleet.url).page
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    page.keyboard.press("/")
    page.keyboard.type("role:data")
    expect(page.locator("[data-host]")).to_have_count(1)
    assert page.url.endswith("?q=role:data")
    page.reload()
    expect(page.locator("[data-host]")).to_have_count(1)
    expect(page.locator("[data-host-link]")).to_have_text("db01")


def test_whole_way_by_keyboard(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    page = open_page(fleet.url).page
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    for key in ("j", "x", "j", "x", "c"):
        page.keyboard.press(key)
    expect(page.locator(".host-chip")).to_have_count(2)
    page.keyboard.press("g")
    page.keyboard.press("f")
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("[data-chart=cpu]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)


def test_empty_fleet_says_how_to_begin_and_shows_the_first_host(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(quick.url)
    expect(watched.page.locator(".first-host pre").first).to_contain_text(f"aggregator_url: {quick.url}")
    quick.push(tick("newcomer", 5))
    expect(watched.page.locator("[data-host-link]")).to_have_text("newcomer")
    assert watched.complaints == []


def test_new_values_appear_without_a_reload(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    quick.push(tick("live", 11))
    watched = open_page(quick.url)
    page = watched.page
    cpu = page.locator('tr[data-host="live"] td.metered .number').first
    expect(cpu).to_have_text("11.0\u202f%")
    expect(page.locator(".connection")).to_have_text("live")
    page.evaluate("document.documentElement.dataset.untouched = 'yes'")
    quick.push(tick("live", 97))
    expect(cpu).to_have_text("97.0\u202f%")
    expect(page.locator('tr[data-host="live"] .mark.crit')).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.untouched") == "yes"
    assert watched.complaints == []


def test_silent_host_goes_stale_then_offline_without_a_reload(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    quick.push(tick("quiet", 11))
    watched = open_page(quick.url)
    status = watched.page.locator('tr[data-host="quiet"] .status .word')
    expect(watched.page.locator(".connection")).to_have_text("live")
    quick.push(tick("quiet", 11))  # its second begins when the page is there
    for word in ("stale", "offline"):
        expect(status).to_have_text(word)
        expect(watched.page.locator(f".chip.{word} strong")).to_have_text("1")
    quick.push(tick("quiet", 12))
    expect(status).to_have_text("online")
    assert watched.complaints == []


def test_aggregator_away_and_back(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    quick.push(tick("kept", 11, interval=60))
    watched = open_page(quick.url)
    page = watched.page
    expect(page.locator("[data-host-link]")).to_have_text("kept")
    quick.stop()
    expect(page.locator(".live-bar")).to_contain_text("Live updates lost")
    expect(page.locator("[data-host-link]")).to_have_text("kept")  # the last picture stays
    quick.start()
    expect(page.locator(".connection")).to_have_text("live", timeout=40_000)
    expect(page.locator(".live-bar")).to_have_count(0)


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_fits_the_window_in_both_themes(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage], width: int, theme: str
) -> None:
    watched = open_page(fleet.url, width=width, theme=theme)
    expect(watched.page.locator("[data-host]")).to_have_count(len(FLEET))
    assert watched.overflow() <= 0
    assert watched.page.evaluate("document.documentElement.dataset.theme") == theme
    ground = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
    channels = [int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")]
    assert (max(channels) < 64) == (theme == "dark")


def test_chosen_theme_survives_a_reload(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    page = open_page(fleet.url, theme="dark").page
    page.keyboard.press("t")  # system -> light
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload(wait_until="commit")
    # theme.js blocks: the very first style the page has is already the right one.
    # (A locator waits: wait_for_function polls with eval, which the page's policy refuses.)
    expect(page.locator("body")).to_be_attached()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_nothing_moves_for_who_asked_for_no_motion(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(quick.url).page
    expect(page.locator(".waiting .dot")).to_be_visible()
    moving = "getComputedStyle(document.querySelector('.waiting .dot')).animationName"
    assert page.evaluate(moving) == "breathe"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == "none"


def test_live_fleet_animates_nothing(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """An endless animation costs a third of a core where there is no GPU."""
    page = open_page(fleet.url).page
    expect(page.locator(".connection")).to_have_text("live")
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    assert page.evaluate("document.getAnimations().length") == 0


def test_hidden_tab_asks_for_nothing(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    quick.push(tick("seen", 11, interval=60))
    page = open_page(quick.url).page
    cpu = page.locator('tr[data-host="seen"] td.metered .number').first
    expect(page.locator(".connection")).to_have_text("live")
    hide = """(hidden) => {
        Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    expect(page.locator(".connection")).to_have_text("paused")
    quick.push(tick("seen", 66, interval=60))
    page.wait_for_timeout(1200)  # longer than a delta takes
    expect(cpu).to_have_text("11.0\u202f%")
    page.evaluate(hide, False)
    expect(cpu).to_have_text("66.0\u202f%")


def test_palette_finds_hosts_and_commands(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(fleet.url)
    page = watched.page
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    page.keyboard.press("Control+k")
    page.keyboard.type("cach")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("cache")
    page.keyboard.press("Control+k")
    page.keyboard.type("all metrics")
    page.keyboard.press("Enter")
    expect(page.locator("[data-section=metrics]")).to_have_attribute("aria-current", "page")
    # The next host by name, on the same section.
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("db01")
    assert page.url.endswith("/hosts/db01?tab=metrics")
    page.keyboard.press("Control+k")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    assert watched.complaints == []
