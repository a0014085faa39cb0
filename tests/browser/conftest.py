"""The dashboard in a real Chromium against a real aggregator; its log is printed when a test fails."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright
from real_aggregator import RealAggregator
from virtual_fleet import FLEET, history, push
from watched_page import WatchedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ARGUMENTS = [
    "--no-sandbox",  # the tests may run as root, and every page is our own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
STATIC = Path(__file__).parents[2] / "python/sysmon/api/static"
HISTORY_S = 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here shares one browser, so it belongs on one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


# Not for the whole session: Playwright's event loop runs on this thread for as long as the fixture lives, and
# a worker has other tests after these.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    if not (STATIC / "app.js").exists():
        pytest.fail(f"the page is not built: {STATIC} is empty; `make web` builds it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., WatchedPage]]:
    """Opens pages: `open_page(url, width=…, height=…, theme="dark" | "light")`."""
    contexts = []

    def open_one(
        url: str, *, width: int = 1440, height: int = 1000, theme: str = "dark", bypass_csp: bool = False
    ) -> WatchedPage:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if theme == "light" else "dark",
            bypass_csp=bypass_csp,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        watched = WatchedPage(context.new_page())
        watched.page.goto(url)
        return watched

    yield open_one
    for context in contexts:
        context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    for value in getattr(item, "funcargs", {}).values():
        if report.failed and isinstance(value, RealAggregator):
            report.sections.append(("the aggregator's log", value.log()))
    return report


class _Fleet:
    """The virtual fleet's hosts, pushing to one aggregator whenever a test begins."""

    def __init__(self, aggregator: RealAggregator) -> None:
        self.aggregator = aggregator
        self._pushed_until = time.time() - HISTORY_S

    def catch_up(self) -> None:
        now = time.time()
        for host in FLEET:
            for body in history(host, self._pushed_until, now):
                self.aggregator.push(body)
            self.aggregator.push(push(host, now, metrics=[]))  # a heartbeat: heard just now
        self._pushed_until = now


@pytest.fixture(scope="session")
def one_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Fleet]:
    with RealAggregator(tmp_path_factory.mktemp("fleet")) as aggregator:
        yield _Fleet(aggregator)


@pytest.fixture
def fleet(one_fleet: _Fleet) -> RealAggregator:
    """An aggregator with the last hour of the virtual fleet. Tests that change hosts use `quick` instead."""
    one_fleet.catch_up()
    return one_fleet.aggregator


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[RealAggregator]:
    """An empty aggregator that calls a host stale after 1 s and offline after 3 s."""
    with RealAggregator(tmp_path, SYSMON_STALE_MIN_S="1", SYSMON_OFFLINE_MIN_S="3") as aggregator:
        yield aggregator
