"""Text from hosts is text; the policy holds; a token is asked for where one is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect
from real_aggregator import RealAggregator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from watched_page import WatchedPage

HOSTILE = '<img src=x onerror=alert(1)>"><script>alert(2)</script>{{7*7}}'
READ_TOKEN = "browser-tests-read-token-0123456789abcdef"


def test_hostile_text_is_shown_as_text(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """No dialog, no violation of the policy (both would be complaints), and the text is there to be read."""
    tags = {"mountpoint": HOSTILE, "device": HOSTILE, "fstype": "<b>ext4</b>"}
    quick.push(
        {
            "hostname": "evil",
            "interval": 60,
            "tags": {"role": HOSTILE},
            "version": HOSTILE[:40],
            "facts": {"os": HOSTILE, "kernel": "<script>alert(3)</script>"},
            "metrics": [
                {"type": "disk.usage_percent", "value": 95, "tags": tags},
                {"type": "network.bytes_recv", "value": 5, "tags": {"interface": "<i>eth0</i>"}},
                {"type": "cpu.total_usage", "value": 5},
            ],
        }
    )
    quick.push({"hostname": "good", "interval": 60, "metrics": [{"type": "cpu.total_usage", "value": 50}]})
    watched = open_page(quick.url)
    page = watched.page
    expect(page.locator('tr[data-host="evil"] .tag')).to_have_text(HOSTILE)
    page.goto(f"{quick.url}/hosts/evil")
    expect(page.locator(".filesystems .mount")).to_have_text(HOSTILE)
    expect(page.locator(".facts")).to_contain_text("<script>alert(3)</script>")
    page.goto(f"{quick.url}/compare?hosts=evil,good")
    expect(page.locator(".host-chip")).to_have_count(2)
    page.goto(f"{quick.url}/compare?hosts=%3Cimg%20src=x%20onerror=alert(4)%3E,good")
    expect(page.locator(".host-chip").first).to_contain_text("<img src=x onerror=alert(4)>")
    page.wait_for_timeout(300)  # time for an injected handler to run
    assert page.locator("main img, main script").count() == 0
    assert [one for one in watched.complaints if "404" not in one] == []


CORPUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "';alert(1)//",
    "javascript:alert(1)",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "</title><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<math><mi xlink:href='javascript:alert(1)'>x",
    "<b onmouseover=alert(1)>bold</b>",
    "=HYPERLINK(alert(1))",
)


def test_corpus_is_text_on_every_page(quick: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """Tags, facts, devices, processes of markup; every view, section, layout: no dialog, no violation."""
    metrics = [{"type": "cpu.total_usage", "value": 50}, {"type": "load.avg1", "value": 2}]
    for text in CORPUS:
        tags = {"mountpoint": text, "device": text, "fstype": text[:20]}
        metrics.append({"type": "disk.usage_percent", "value": 91, "tags": tags})
        metrics.append({"type": "diskio.read_bytes", "value": 5, "tags": {"device": text}})
    processes = [
        {"pid": pid, "user": text[:30], "command": text, "cpu_percent": 1.0}
        for pid, text in enumerate(CORPUS)
    ]
    for number, text in enumerate(CORPUS[:2]):
        quick.push(
            {
                "hostname": f"host{number}",
                "interval": 60,
                "tags": {"role": text, "note": CORPUS[-1 - number]},
                "version": text[:30],
                "facts": {"os": text, "kernel": CORPUS[2 + number], "mounts": {text: {"fstype": text}}},
                "processes": processes,
                "metrics": metrics,
            }
        )
    watched = open_page(quick.url)
    page = watched.page
    for path, ready in (
        ("/?group=role", "[data-group]"),
        ("/?view=grid&group=role", ".host-card"),
        ("/?view=map&group=role", ".tiles"),
        ("/?q=%3Ciframe%3Enobody%3C/iframe%3E", ".none-match"),
        ("/hosts/host0", ".filesystems .mount"),
        ("/hosts/host0?tab=disks", "[data-chart='disk.usage_percent'] canvas"),
        ("/hosts/host0?tab=metrics", ".metrics tbody tr"),
        ("/hosts/host0?tab=processes", ".processes .command"),
        ("/hosts/host0?tab=%3Cscript%3E&range=%3Cscript%3E&from=%22%3E", "[data-section=overview]"),
        ("/compare?hosts=host0,host1", "[data-fact=os]"),
        ("/compare?hosts=host0,host1&layout=table", "[data-value-row]"),
    ):
        page.goto(quick.url + path)
        expect(page.locator(ready).first).to_be_visible()
        assert page.locator("main img, main script, main iframe, main svg[onload], main math").count() == 0
    assert watched.complaints == []


def test_every_page_has_the_strict_policy(
    fleet: RealAggregator, open_page: Callable[..., WatchedPage]
) -> None:
    page = open_page(fleet.url).page
    for path in ("/", "/hosts/web01", "/compare"):
        headers = page.request.get(fleet.url + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_policy_refuses_markup_sinks(fleet: RealAggregator, open_page: Callable[..., WatchedPage]) -> None:
    """The second wall: even a mistake of ours could not turn a string into markup."""
    page = open_page(fleet.url).page
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } }"
    )
    assert refused


def test_read_token_is_asked_for_and_opens_the_page(
    tmp_path: Path, open_page: Callable[..., WatchedPage]
) -> None:
    with RealAggregator(tmp_path, SYSMON_READ_AUTH="token", SYSMON_READ_TOKEN=READ_TOKEN) as aggregator:
        aggregator.push({"hostname": "private01", "metrics": [{"type": "cpu.total_usage", "value": 5}]})
        page = open_page(aggregator.url).page
        dialog = page.locator("dialog")
        expect(dialog).to_contain_text("asks for a token")
        assert "private01" not in page.content()
        dialog.locator("input").fill("not-the-token")
        page.keyboard.press("Enter")
        expect(dialog.locator(".form-error")).to_contain_text("does not accept")
        dialog.locator("input").fill(READ_TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("[data-host-link]")).to_have_text("private01")
        expect(page.locator(".connection")).to_have_text("live")
        # Scripts see neither the token nor the session.
        assert (
            page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
            == "{}{}"
        )


def test_page_says_what_the_operator_should_change(
    tmp_path: Path, open_page: Callable[..., WatchedPage]
) -> None:
    with RealAggregator(tmp_path, SYSMON_AUTH_TOKEN="secret123") as aggregator:
        page = open_page(aggregator.url).page
        bar = page.locator(".warnings-bar")
        expect(bar).to_contain_text("sysmon token new")
        assert "secret123" not in page.content()
        bar.get_by_role("button").click()
        expect(bar).to_have_count(0)
