"""Every page passes axe's rules of WCAG 2.2 AA in both themes: contrast, names, roles, structure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from real_aggregator import RealAggregator
    from watched_page import WatchedPage

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: `make web` does it")
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("path", "ready"),
    [
        ("/", "[data-host-link]"),
        ("/?view=grid&group=role", ".host-card"),
        ("/?view=map&group=role", ".tiles"),
        ("/hosts/web01", "[data-chart=cpu] canvas"),
        ("/hosts/web01?tab=disks&range=6h&cmp=previous", "[data-chart=diskio] canvas"),
        ("/hosts/web01?tab=metrics", ".metrics tbody tr"),
        ("/compare?hosts=web01,db01&layout=table", "[data-value-row]"),
        ("/compare?hosts=web01,db01", "[data-difference]"),
        ("/compare", ".compare-hint"),
    ],
)
def test_nothing_stands_in_anybodys_way(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage], theme: str, path: str, ready: str
) -> None:
    # axe is a script of its own, which our policy rightly refuses.
    page = open_page(fleet.url + path, theme=theme, bypass_csp=True).page
    expect(page.locator(ready).first).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    page.add_script_tag(path=AXE)
    result = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    found = [(one["id"], one["nodes"][0]["html"][:120]) for one in result["violations"]]
    assert found == []
    assert len(result["passes"]) > 20  # it did look
