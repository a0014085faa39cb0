"""What an administrator changes, what a visitor sets, what is copied, divided, and of another version."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from real_aggregator import RealAggregator
from virtual_fleet import CACHE, DATABASE, WEB, history, push

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Route
    from watched_page import WatchedPage

ADMIN = "browser-tests-admin-token-0123456789abcdef"


@pytest.fixture
def administered(tmp_path: Path) -> Iterator[RealAggregator]:
    with RealAggregator(tmp_path, SYSMON_ADMIN_TOKEN=ADMIN) as aggregator:
        for host in (WEB, DATABASE, CACHE):
            aggregator.push(push(host, time.time()))
        yield aggregator


def test_hosts_are_tagged_together_with_the_admin_token(
    administered: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(administered.url)
    page = watched.page
    page.get_by_label("Select web01").check()
    page.get_by_label("Select db01").check()
    page.get_by_role("button", name="Tags…").click()
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("datacenter us-east-1")
    expect(dialog).not_to_contain_text("role")  # theirs differ
    dialog.get_by_label("Admin token").fill(ADMIN)
    dialog.get_by_label("Tag", exact=True).fill("team")
    dialog.get_by_label("Value").fill("payments")
    dialog.get_by_role("button", name="Set").click()
    expect(dialog.get_by_role("status")).to_have_text("Tag team is set.")
    expect(dialog.locator(".edit-tags")).to_contain_text("team payments")
    page.keyboard.press("Escape")
    for name in ("web01", "db01"):
        expect(page.locator(f'tr[data-host="{name}"] .tags')).to_contain_text("payments")
        assert administered.get(f"/api/hosts/{name}")["tags"]["team"] == "payments"
    assert "team" not in administered.get("/api/hosts/cache")["tags"]
    assert watched.complaints == []


def test_a_token_that_may_not_is_said_to_be_so(
    administered: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(f"{administered.url}/hosts/db01").page
    page.get_by_role("button", name="Change…").click()
    dialog = page.locator("dialog")
    dialog.get_by_label("Admin token").fill("wrong")
    dialog.get_by_role("button", name="Archive").click()
    expect(dialog.get_by_role("status")).to_contain_text("does not take this token")
    assert administered.get("/api/hosts/db01")["status"] == "online"


def test_a_host_is_archived_and_forgotten(
    administered: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{administered.url}/hosts/db01")
    page = watched.page
    expect(page.locator(".host-head .status")).to_be_visible()
    page.get_by_role("button", name="Change…").click()
    dialog = page.locator("dialog")
    dialog.get_by_label("Admin token").fill(ADMIN)
    dialog.get_by_role("button", name="Archive").click()
    expect(dialog.get_by_role("status")).to_have_text("db01: archived.")
    assert administered.get("/api/hosts/db01")["status"] == "archived"
    forget = dialog.get_by_role("button", name="Forget")
    expect(forget).to_be_disabled()
    dialog.get_by_label(re.compile("type db01")).fill("db01")
    held: list[Route] = []
    page.route(
        "**/api/hosts/db01",
        lambda route: held.append(route) if route.request.method == "DELETE" else route.fallback(),
    )
    with page.expect_request(lambda request: request.method == "DELETE"):
        forget.click()
    # Its page, which asks for it again and again, is left before it is gone.
    expect(page).to_have_url(f"{administered.url}/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    held.pop().continue_()
    page.unroute("**/api/hosts/db01")
    expect(page.locator("[data-host]")).to_have_count(2)
    expect(page.locator("[data-host] .trend svg, [data-host] .trend canvas").first).to_be_visible()
    assert [url for url in asked if "/api/metrics" in url and "host=db01" in url] == []
    assert [host["hostname"] for host in administered.get("/api/hosts")["hosts"]] == ["cache", "web01"]
    assert watched.complaints == []


def test_the_clock_is_told_in_twelve_hours(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01?from=2026-01-02T15:00:00Z&to=2026-01-02T16:00:00Z&tz=utc")
    page = watched.page
    expect(page.locator(".own-range")).to_contain_text("15:00:00")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.get_by_label("12 hours").check()
    page.keyboard.press("Escape")
    expect(page.locator(".own-range")).to_contain_text(re.compile("0?3:00:00\\sPM"))
    page.reload()
    expect(page.locator(".own-range")).to_contain_text(re.compile("0?3:00:00\\sPM"))
    assert watched.complaints == []


def test_another_version_than_the_aggregators_is_marked(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    version = quick.get("/api/health")["version"]
    quick.push({**push(WEB, time.time()), "version": version})
    quick.push({**push(DATABASE, time.time()), "version": "99.1.0"})
    page = open_page(f"{quick.url}/hosts/db01").page
    agent = page.locator(".fact", has_text="Agent")
    expect(agent.locator(".mark")).to_contain_text(
        f"Agent 99.1.0 is newer than the aggregator ({version}): upgrade the aggregator first"
    )
    page.goto(f"{quick.url}/hosts/web01")
    expect(agent).to_contain_text(version)
    expect(agent.locator(".mark")).to_have_count(0)


def test_a_fact_is_copied(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    watched = open_page(f"{fleet.url}/hosts/db01")
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".fact", has_text="Kernel").hover()
    page.get_by_label("Copy Kernel").click()
    expect(page.get_by_label("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == DATABASE.kernel
    assert watched.complaints == []


def test_values_in_proportion_to_the_machine(
    quick: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    """db01 has twice the cores and four times the memory of web01."""
    now = time.time()
    for host in (WEB, DATABASE):
        for body in history(host, now - 900, now):
            quick.push(body)
    watched = open_page(f"{quick.url}/compare?hosts=web01,db01&range=15m&layout=table")
    page = watched.page
    row = page.locator('[data-value-row^="diskio.write"]').first
    expect(row).to_be_visible()
    whole = row.locator("td").all_inner_texts()
    page.get_by_label("Per").select_option("core")
    expect(row.locator("th")).to_contain_text("per core")
    assert "per=core" in page.url
    divided = row.locator("td").all_inner_texts()

    def number(text: str) -> float:
        value, unit = text.split("\u202f")
        return float(value) * {"B/s": 1, "KiB/s": 2**10, "MiB/s": 2**20}[unit]

    assert number(divided[1]) == pytest.approx(number(whole[1]) / WEB.cores, rel=0.02)
    assert number(divided[5]) == pytest.approx(number(whole[5]) / DATABASE.cores, rel=0.02)
    expect(page.locator('[data-value-row="cpu.total_usage"] th')).to_have_text("CPU")
    page.goto(f"{quick.url}/compare?hosts=web01,db01&range=15m&per=gib")
    expect(page.locator(".panel h2", has_text="per GiB of memory").first).to_be_visible()
    assert watched.complaints == []
