"""The overview's ways of looking: order, columns, groups, grid, map, selection, and many hosts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from real_aggregator import RealAggregator
from virtual_fleet import FLEET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watched_page import WatchedPage

MANY = 1_000


def tick(name: str, cpu: float, **tags: str) -> dict[str, Any]:
    return {
        "hostname": name,
        "interval": 60,
        "tags": tags,
        "metrics": [
            {"type": "cpu.total_usage", "value": cpu},
            {"type": "memory.usage_percent", "value": 40.5},
        ],
    }


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAggregator]:
    """A thousand hosts that were heard just now."""
    with RealAggregator(tmp_path_factory.mktemp("many")) as aggregator:
        for number in range(MANY):
            aggregator.push(tick(f"host-{number:04}", number % 97 / 2, rack=f"r{number % 8}"))
        yield aggregator


def names(page: Any) -> list[str]:
    return page.locator("[data-host-link]").evaluate_all(
        "(links) => links.map((one) => one.textContent.trim())"
    )


def test_columns_sort_and_the_address_says_so(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(fleet.url)
    page = watched.page
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    page.get_by_role("button", name="Memory", exact=True).click()
    expect(page.locator("[data-host-link]").first).to_have_text("cache")
    assert "sort=-memory" in page.url
    page.get_by_role("button", name="Memory", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Memory")
    expect(page.locator("[data-host-link]").last).to_have_text("cache")
    page.reload()
    expect(page.locator("[data-host-link]").last).to_have_text("cache")
    page.get_by_role("button", name="Memory", exact=True).click()
    assert "sort" not in page.url
    assert watched.complaints == []


def test_no_row_moves_under_the_pointer(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    for name, cpu in (("a", 30), ("b", 20), ("c", 10)):
        quick.push(tick(name, cpu))
    page = open_page(f"{quick.url}/?sort=-cpu").page
    expect(page.locator("[data-host]")).to_have_count(3)
    assert names(page) == ["a", "b", "c"]
    page.locator('[data-host="b"]').hover()
    quick.push(tick("c", 99))
    expect(page.locator('[data-host="c"] .number').first).to_have_text("99.0\u202f%")
    again = page.get_by_role("button", name="Sort again")
    expect(again).to_be_visible()
    assert names(page) == ["a", "b", "c"]
    page.mouse.move(5, 5)  # nobody points at a row any more
    expect(again).to_have_count(0)
    assert names(page) == ["c", "a", "b"]
    # A selection holds the order too, until it is asked for.
    page.get_by_label("Select b").check()
    quick.push(tick("b", 100))
    again.click()
    expect(page.locator("[data-host-link]").first).to_have_text("b")


def test_columns_are_chosen_and_remembered(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(fleet.url).page
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Agent", exact=True).check()
    page.get_by_label("Memory", exact=True).uncheck()
    page.get_by_label("Disk earlier").click()
    page.keyboard.press("Escape")
    expect(page.locator(".popover")).to_have_count(0)
    page.reload()
    expect(page.locator('[data-host="db01"] [data-column=version]')).to_have_text("1.0.0")
    shown = page.locator('[data-host="db01"] [data-column]')
    ids = shown.evaluate_all("(cells) => cells.map((one) => one.dataset.column)")
    assert ids[:2] == ["disk", "cpu"]
    assert "memory" not in ids


def columns(page: Any) -> list[str]:
    return page.locator("[data-heading]").evaluate_all("(all) => all.map((one) => one.dataset.heading)")


def test_columns_are_dragged_or_moved_by_keys(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(fleet.url)
    page = watched.page
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    assert columns(page)[:4] == ["cpu", "memory", "disk", "pressure"]
    page.locator("[data-heading=pressure]").drag_to(page.locator("[data-heading=memory]"))
    assert columns(page)[:4] == ["cpu", "pressure", "memory", "disk"]
    page.get_by_role("button", name="Pressure").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-heading]").nth(3)).to_have_attribute("data-heading", "pressure")
    expect(page.get_by_role("button", name="Pressure")).to_be_focused()
    page.reload()
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    assert columns(page)[:4] == ["cpu", "memory", "disk", "pressure"]
    assert "sort" not in page.url
    assert watched.complaints == []


def test_values_have_their_last_hour_beside_them(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    """One request for all hosts in sight, and none where nobody wants it."""
    watched = open_page("about:blank")
    page = watched.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/metrics?" in request.url else None)
    page.goto(fleet.url)
    for host in FLEET:
        for column in ("cpu", "memory"):
            curve = page.locator(f'[data-host="{host.name}"] [data-column={column}] .sparkline path')
            expect(curve).to_have_attribute("d", re.compile("^M.*(L.*){20}"))
    assert len(asked) == 1
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Curves of the last hour").uncheck()
    expect(page.locator(".sparkline")).to_have_count(0)
    page.reload()
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    page.wait_for_load_state("networkidle")
    assert len(asked) == 1
    assert watched.complaints == []


def test_tiles_of_the_map_are_sized_by_a_metric(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    """The area follows the value: a quarter of it has half the side beyond the least."""
    for name, cpu in (("a", 100), ("b", 25), ("c", 0)):
        quick.push(tick(name, cpu))
    watched = open_page(f"{quick.url}/?view=map")
    page = watched.page
    tile = page.locator("a[data-host]")
    expect(tile).to_have_count(3)
    width = "(all) => Object.fromEntries(all.map((one) => [one.dataset.host, one.offsetWidth]))"
    assert len(set(tile.evaluate_all(width).values())) == 1
    page.get_by_label("Size by").select_option("cpu")
    assert "size=cpu" in page.url
    assert tile.evaluate_all(width) == {"a": 64, "b": 44, "c": 24}
    assert watched.complaints == []


def test_groups_have_headings_that_fold(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    watched = open_page(f"{fleet.url}/?group=datacenter")
    page = watched.page
    europe = page.locator('[data-group="eu-west-1"]')
    expect(europe).to_contain_text("CPU")
    expect(page.locator("[data-group]")).to_have_count(2)
    europe.click()
    expect(page.locator("[data-host]")).to_have_count(2)
    expect(europe).to_have_attribute("aria-expanded", "false")
    page.get_by_label("Group by").select_option("")
    expect(page.locator("[data-host]")).to_have_count(len(FLEET))
    assert watched.complaints == []


@pytest.mark.parametrize("view", ["grid", "map"])
def test_other_views_show_the_same_hosts(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage], view: str
) -> None:
    watched = open_page(f"{fleet.url}/?q=tag:datacenter=eu-west-1")
    page = watched.page
    expect(page.locator("[data-host]")).to_have_count(2)
    page.get_by_role("button", name=view, exact=True).click()
    expect(page.locator(f".{'host-card' if view == 'grid' else 'tiles'}").first).to_be_visible()
    expect(page.locator("[data-host]")).to_have_count(2)
    assert f"view={view}" in page.url
    page.get_by_label("Group by").select_option("role")
    expect(page.locator("[data-group]")).to_have_count(2)
    page.locator('[data-host="build-07"]').get_by_role("link").or_(
        page.locator('a[data-host="build-07"]')
    ).click()
    expect(page.locator("h1")).to_have_text("build-07")
    assert watched.complaints == []


def test_chosen_hosts_become_a_file(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    page = open_page(fleet.url).page
    page.get_by_label("Select all shown hosts").check()
    page.get_by_label("Select cache").uncheck()
    with page.expect_download() as csv:
        page.get_by_role("button", name="CSV").click()
    lines = Path(csv.value.path()).read_text().splitlines()
    assert lines[0].startswith("hostname,status,last_seen")
    assert sorted(line.split(",")[0] for line in lines[1:]) == ["build-07", "db01", "web01"]
    with page.expect_download() as file:
        page.get_by_role("button", name="JSON").click()
    assert len(json.loads(Path(file.value.path()).read_text())["hosts"]) == len(FLEET) - 1


def test_a_thousand_hosts_are_a_few_rows(many: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    watched = open_page(f"{many.url}/?sort=name")
    page = watched.page
    expect(page.locator(".shown")).to_have_text(f"{MANY} hosts")
    rows = page.locator("[data-host]")
    expect(page.locator("[data-host-link]").first).to_have_text("host-0000")
    assert rows.count() < 60
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator('[data-host="host-0999"]')).to_be_in_viewport()
    assert rows.count() < 60
    # The whole list is as long as if all rows were there.
    assert page.evaluate("document.querySelector('.hosts').offsetHeight") > MANY * 56
    page.keyboard.press("/")
    page.keyboard.type("tag:rack=r3 cpu>40")
    expect(page.locator(".shown")).to_contain_text(f"of {MANY} hosts")
    wanted = sum(1 for number in range(MANY) if number % 8 == 3 and number % 97 / 2 > 40)
    expect(page.locator(".shown")).to_have_text(f"{wanted} of {MANY} hosts")
    assert watched.complaints == []


def test_keyboard_walks_on_beyond_the_rows_that_exist(
    many: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(f"{many.url}/?sort=name").page
    expect(page.locator("[data-host-link]").first).to_have_text("host-0000")
    for last in range(9, 70, 10):
        for _ in range(10):
            page.keyboard.press("j")
        # The rows that come are drawn in the next frame; a key that is held down waits longer than that.
        expect(page.locator("[data-host-link]:focus")).to_have_text(f"host-{last:04}")
