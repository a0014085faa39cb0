"""The whole agent on this machine, pushing once a second, beside a psutil loop and the installed peers."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.process import BIN, Memory, cpu_s, memory, program, running
from bench.report import Figure, bar

INTERVAL_S = 1.0
SETTLE_S = 5.0
WINDOW_S = 40.0


class Sink(BaseHTTPRequestHandler):
    """Takes any push and acknowledges it as the aggregator would, so that only the sender is measured."""

    protocol_version = "HTTP/1.1"
    sizes: dict[str, tuple[int, int]] = {}  # noqa: RUF012  path -> bytes on the wire, inflated bytes

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        Sink.sizes[self.path] = (len(body), text.count(b'"type"'))
        first, _, last = self.headers.get("X-SysMon-Seq", "0").partition("-")
        stream = self.headers.get("X-SysMon-Stream", "")
        reply = (
            f'{{"status": "ok", "stream": "{stream}", "acked": [{first}, {last or first}], '
            f'"duplicate": false, "accepted": 0, "rejected": 0, "errors": [], '
            f'"server_time": {time.time():.3f}, "watch_s": 0}}'
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: object) -> None:
        pass


def scrape(port: int, stop: threading.Event) -> None:
    """Reads an exporter once an interval, as its server would."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept-Encoding": "gzip"})
    while not stop.wait(INTERVAL_S):
        with urllib.request.urlopen(request, timeout=10) as reply:
            reply.read()


COLLECTD = """\
Hostname "h"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
Interval {interval}
{plugins}
LoadPlugin write_http
<Plugin write_http>
  <Node "sink">
    URL "http://127.0.0.1:{port}/collectd"
    Format "JSON"
    StoreRates true
    BufferSize 65536
  </Node>
</Plugin>
"""
# What Debian's own configuration loads, as far as it reads this machine.
COLLECTD_PLUGINS = "battery cpu df disk entropy interface irq load memory processes swap users"


def collectd(folder: Path, sink_port: int) -> list[str | Path]:
    """How to start collectd, pushing to the sink."""
    config = folder / "collectd.conf"
    plugins = "\n".join(f"LoadPlugin {plugin}" for plugin in COLLECTD_PLUGINS.split())
    config.write_text(
        COLLECTD.format(folder=folder, interval=f"{INTERVAL_S:g}", plugins=plugins, port=sink_port)
    )
    return ["collectd", "-f", "-C", config]


def agents(folder: Path, sink_port: int, stack: ExitStack) -> dict[str, int]:
    """Start every agent that is installed; name -> pid."""
    config = folder / "agent.yaml"
    config.write_text(
        f"agent:\n  mode: distributed\n  aggregator_url: http://127.0.0.1:{sink_port}\n"
        f"  auth_token: {'0' * 43}\n  push_interval: {INTERVAL_S:g}s\n  spool:\n    dir: {folder}/spool\n"
    )
    config.chmod(0o600)
    started = {
        "sysmon-agent": stack.enter_context(
            running([BIN / "sysmon-agent", "--config", config], folder / "agent.log")
        ),
        "floor: reads the files, sends nothing": stack.enter_context(
            running([program("sysmon_floor"), "tick", str(int(INTERVAL_S * 1000))], folder / "floor.log")
        ),
        "psutil loop, gzip POST": stack.enter_context(
            running(
                [
                    BIN / "python",
                    Path(__file__).parent / "psutil_loop.py",
                    str(INTERVAL_S),
                    f"http://127.0.0.1:{sink_port}/psutil",
                ],
                folder / "psutil.log",
            )
        ),
    }
    if shutil.which("collectd"):
        started["collectd, write_http"] = stack.enter_context(
            running(collectd(folder, sink_port), folder / "collectd.log")
        )
    if exporter := shutil.which("prometheus-node-exporter"):
        port = 19100
        command = [exporter, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        started["prometheus-node-exporter, scraped"] = stack.enter_context(
            running(command, folder / "node.log")
        )
        stop = threading.Event()
        stack.callback(stop.set)
        time.sleep(1)
        threading.Thread(target=scrape, args=(port, stop), daemon=True).start()
    return started


def measure() -> list[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        stack.callback(sink.shutdown)
        pids = agents(folder, sink.server_address[1], stack)
        time.sleep(SETTLE_S)
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        time.sleep(WINDOW_S)
        per_tick = {
            name: (cpu_s(pid) - before[name]) / (WINDOW_S / INTERVAL_S) * 1e3 for name, pid in pids.items()
        }
        used = {name: memory(pid) for name, pid in pids.items()}
        wire, series = Sink.sizes.get("/api/metrics", (0, 0))
    return table(per_tick, used, wire, series)


def table(per_tick: dict[str, float], used: dict[str, Memory], wire: int, series: int) -> list[Figure]:
    ours, memory_used = per_tick["sysmon-agent"], used["sysmon-agent"]
    figures = [
        Figure(
            f"sysmon-agent: collection, JSON, gzip and POST of {series} series",
            f"{ours:.2f} ms CPU",
            "",
            bar("≤ 1.0 ms at ≥ 200 series", ours <= 1.0 and series >= 200),
        ),
        Figure(
            "sysmon-agent: RSS / PSS / USS",
            f"{memory_used} MiB",
            "",
            bar("RSS ≤ 14, USS ≤ 6", memory_used.rss <= 14 and memory_used.uss <= 6),
        ),
        Figure(
            "sysmon-agent: body of a push",
            f"{wire} B",
            f"{wire / max(series, 1) * 250:.0f} B at 250 series",
            bar("≤ 2.5 KB at 250 series", 0 < wire / max(series, 1) * 250 <= 2560),
        ),
    ]
    for name, cost in per_tick.items():
        if name != "sysmon-agent":
            figures.append(
                Figure(
                    name, f"{cost:.2f} ms CPU, {used[name]} MiB", f"{cost / ours:.1f} × sysmon-agent's CPU"
                )
            )
    return figures
