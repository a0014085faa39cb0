"""The dashboard in a real Chromium: how soon one sees something, and what looking at it costs.

What is timed runs inside the page, from the start of the navigation by the browser's own clock. Chromium's
processes and the aggregator share this machine's cores, so that a first paint waits for both.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import secrets
import shutil
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.ingest import free_port, wait_ready
from bench.process import BIN, ROOT, running
from bench.report import Figure, bar
from sysmon.demo import make_lives
from sysmon.demo.series import fast_series, slow_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, CDPSession, Page

STATIC = ROOT / "python/sysmon/api/static"
SERIES = 250
TICK_S = 10
LIVE_S = 20.0
HEAP_MINUTES = 30.0
# The half hour is lived through up to so many times as fast: the hosts push the oftener.
HEAP_SPEED = float(os.environ.get("SYSMON_BENCH_HEAP_SPEED", "8"))

# Notes when an element first matches and has been painted: two frames later.
_WATCH = """
(selector) => {
  const seen = () => {
    if (!document.querySelector(selector)) return requestAnimationFrame(seen);
    requestAnimationFrame(() => requestAnimationFrame(() => { window.paintedAt = performance.now(); }));
  };
  requestAnimationFrame(seen);
}
"""
# Types into the search and waits for the frame that shows its answer.
_SEARCH = """
async (text) => {
  const box = document.querySelector("[data-search]");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const began = performance.now();
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, text);
  box.dispatchEvent(new InputEvent("input", { bubbles: true }));
  const before = document.querySelector(".shown").textContent;
  do await frame(); while (document.querySelector(".shown").textContent === before
    && performance.now() - began < 5000);
  await frame();
  return performance.now() - began;
}
"""
# All charts in the window have a curve: coloured pixels, not only a canvas.
_DRAWN = """
() => {
  const inside = [...document.querySelectorAll("[data-chart]")]
    .filter((one) => one.getBoundingClientRect().top < innerHeight);
  const drawn = (one) => {
    const canvas = one.querySelector("canvas");
    if (!canvas) return false;
    const { data } = canvas.getContext("2d", { willReadFrequently: true })
      .getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let i = 0; i < data.length && coloured <= 300; i += 4)
      if (data[i + 3] > 40 && Math.max(data[i], data[i + 1], data[i + 2])
        - Math.min(data[i], data[i + 1], data[i + 2]) > 60) coloured += 1;
    return coloured > 300;
  };
  if (inside.length < 4 || !inside.every(drawn)) return 0;
  return performance.now();
}
"""


@dataclass
class Server:
    """An aggregator of its own, and one connection that pushes to it."""

    port: int
    token: str

    def push(self, bodies: Iterator[dict[str, Any]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "X-SysMon-Token": self.token}
        for body in bodies:
            connection.request("POST", "/api/metrics", json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise RuntimeError(f"push refused: {response.status} {answer[:200]!r}")
        connection.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def _server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="sysmon-bench-") as folder:
        server = Server(free_port(), secrets.token_urlsafe(32))
        environment = {
            **os.environ,
            "HOME": folder,
            "SYSMON_AUTH_TOKEN": server.token,
            "SYSMON_DATA_DIR": f"{folder}/data",
            "SYSMON_PORT": str(server.port),
        }
        log = Path(folder) / "log"
        with running([BIN / "sysmon-aggregator"], log, environment):
            wait_ready(server.port, log)
            yield server


def _fleet(hosts: int, tick: int = 0) -> Iterator[dict[str, Any]]:
    """One push of each host, with the ten values that the overview shows."""
    for number in range(hosts):
        wave = (number * 37 + tick * 13) % 97
        yield {
            "hostname": f"host-{number:05}",
            "interval": 10,
            "tags": {"role": ("web", "db", "cache")[number % 3], "rack": f"r{number % 40}"},
            "metrics": [
                {"type": "cpu.total_usage", "value": wave},
                {"type": "memory.usage_percent", "value": 30 + wave / 2},
                {"type": "disk.usage_percent", "value": 20 + number % 60, "tags": {"mountpoint": "/"}},
                {"type": "load.avg1", "value": wave / 20},
                {"type": "cpu.logical_count", "value": 4},
                {"type": "pressure.io_some_percent", "value": wave / 10, "tags": {"window": "10s"}},
                {"type": "network.bytes_recv", "value": 10_000 * tick, "tags": {"interface": "eth0"}},
                {"type": "network.bytes_sent", "value": 20_000 * tick, "tags": {"interface": "eth0"}},
                {"type": "system.uptime_seconds", "value": 86_400 + tick},
            ],
        }


def _day(end: float) -> Iterator[dict[str, Any]]:
    """24 hours of one host with 250 series at 10 s, eight ticks a push."""
    life = make_lives(1, 1, end, end - 86_400)[0]
    rows = [*fast_series(life.hardware), *slow_series(life.hardware)]
    more = SERIES - len(rows)
    metrics: list[dict[str, Any]] = []
    for tick in range(1, 86_400 // TICK_S + 1):
        time_s = end - 86_400 + tick * TICK_S
        machine = life.step(time_s)
        values = [(row.type, row.tags, row.read(machine)) for row in rows]
        values += [("cpu.core_usage", {"core": str(100 + n)}, (tick * (n + 3)) % 100) for n in range(more)]
        metrics += [
            {"type": kind, "tags": tags, "value": value, "timestamp": time_s}
            for kind, tags, value in values
            if value is not None
        ]
        if tick % 8 == 0:
            yield {"hostname": "web01", "interval": TICK_S, "timestamp": time_s, "metrics": metrics}
            metrics = []


def _opened(browser: Browser, url: str, selector: str) -> tuple[Page, float]:
    """A page in a cold context, and the milliseconds until `selector` was painted."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.add_init_script(f"({_WATCH})({json.dumps(selector)})")
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.paintedAt !== undefined", timeout=60_000)
    return page, page.evaluate("window.paintedAt")


def _first_paint(browser: Browser, url: str, selector: str, rounds: int = 5) -> tuple[Page, list[float]]:
    times = []
    for number in range(rounds):
        page, took = _opened(browser, url, selector)
        times.append(took)
        if number < rounds - 1:
            page.context.close()
    return page, sorted(times)


class _Costs:
    """What the page's main thread did and what its heap holds, by the browser's own account."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        # By the clock of the thread: on a busy machine a task lasts longer than it works.
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def task_s(self) -> float:
        return self._metric("TaskDuration")

    def heap_bytes(self) -> float:
        for _ in range(2):
            self._session.send("HeapProfiler.collectGarbage")
        return self._metric("JSHeapUsedSize")

    def _metric(self, name: str) -> float:
        found = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in found if one["name"] == name))


@contextmanager
def _live(server: Server, hosts: int, speed: float = 1.0) -> Iterator[Callable[[], float]]:
    """Every host pushes once in ten seconds (`speed` times as often), evenly, until the block ends.

    Yields what says for how many minutes the hosts would have pushed at their own pace.
    """
    stop = threading.Event()
    pushed = 0
    period = 10 / speed

    def run() -> None:
        nonlocal pushed
        tick = 1
        while not stop.is_set():
            began = time.monotonic()
            for number, body in enumerate(_fleet(hosts, tick)):
                late = began + number * period / hosts - time.monotonic()
                if late > 0.02 and stop.wait(late):
                    return
                server.push(iter([body]))
                pushed += 1
            tick += 1
            stop.wait(max(0.0, began + period - time.monotonic()))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: pushed / hosts / 6
    finally:
        stop.set()
        thread.join()


def _overview(browser: Browser, hosts: int, limit_ms: float) -> list[Figure]:
    with _server() as server:
        server.push(_fleet(hosts))
        page, times = _first_paint(browser, f"{server.url}/", "[data-host]")
        middle = times[len(times) // 2]
        figures = [
            Figure(
                f"overview, {hosts:,} hosts: first rows painted",
                f"{middle:.0f} ms (of {len(times)}: {times[0]:.0f} – {times[-1]:.0f})",
                "cold cache",
                bar(f"< {limit_ms:.0f} ms", middle < limit_ms),
            )
        ]
        page.wait_for_timeout(1500)
        typed = sorted(
            page.evaluate(_SEARCH, text) for text in ("tag:rack=r3", "cpu>50", "role:db", "-web", "r7")
        )
        figures.append(
            Figure(
                f"overview, {hosts:,} hosts: a search is answered",
                f"{typed[len(typed) // 2]:.0f} ms (at most {typed[-1]:.0f})",
                "from the key to the frame",
                bar("< 100 ms", typed[-1] < 100),
            )
        )
        if hosts > 1_000:
            return figures
        page.evaluate(_SEARCH, "")
        costs = _Costs(page)
        with _live(server, hosts):
            page.wait_for_timeout(10_000)
            began = costs.task_s()
            page.wait_for_timeout(LIVE_S * 1000)
            share = (costs.task_s() - began) / LIVE_S
        figures += [
            Figure(
                f"live deltas of {hosts:,} hosts at 10 s: main thread",
                f"{share * 100:.1f} % of a core",
                "at most 2 messages/s",
                bar("< 15 %", share < 0.15),
            ),
        ]
        return figures


def _host(browser: Browser) -> Figure:
    with _server() as server:
        server.push(_day(time.time() // TICK_S * TICK_S))
        times = []
        for _ in range(5):
            page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
            page.goto(f"{server.url}/hosts/web01?range=24h", wait_until="commit")
            handle = page.wait_for_function(_DRAWN, polling=20, timeout=60_000)
            times.append(float(handle.json_value()))
            page.context.close()
        times.sort()
    return Figure(
        f"host page, 24 h of {SERIES} series: all visible charts",
        f"{times[2]:.0f} ms (of 5: {times[0]:.0f} – {times[-1]:.0f})",
        "cold cache, pixels counted",
        bar("< 1000 ms", times[2] < 1000),
    )


def _weight() -> Figure:
    names = ("app.js", "app.css", "early.js", "theme.js", "icon.svg")
    total = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names)
    return Figure("page weight, gzip", f"{total / 1000:.1f} kB", bar=bar("< 150 kB", total < 150_000))


@contextmanager
def _chromium() -> Iterator[Browser]:
    """Needs Chromium on PATH and the built page."""
    from playwright.sync_api import sync_playwright  # the other subjects do not need it

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise RuntimeError("no chromium on PATH: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def measure() -> list[Figure]:
    """How soon, and at what cost, the overview and a host's page are there."""
    with _chromium() as browser:
        return [
            _weight(),
            _host(browser),
            *_overview(browser, 1_000, 1000),
            *_overview(browser, 10_000, 3000),
        ]


def heap() -> list[Figure]:
    """What the overview of 1,000 hosts keeps after half an hour of live values."""
    with _chromium() as browser, _server() as server:
        server.push(_fleet(1_000))
        page, _ = _opened(browser, f"{server.url}/", "[data-host]")
        costs = _Costs(page)
        began = time.monotonic()
        with _live(server, 1_000, HEAP_SPEED) as lived:
            page.wait_for_timeout(20_000)
            before, first = costs.heap_bytes(), lived()
            while lived() - first < HEAP_MINUTES:
                page.wait_for_timeout(1_000)
            grown = (costs.heap_bytes() - before) / 1e6
        took = (time.monotonic() - began) / 60
    return [
        Figure(
            f"heap growth over {HEAP_MINUTES:.0f} min of live",
            f"{grown:+.2f} MB of {before / 1e6:.1f} MB",
            f"180,000 changes of hosts in {took:.0f} min; after collections",
            bar("< 1 MB", grown < 1),
        )
    ]
