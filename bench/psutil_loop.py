"""What a user writes first: psutil in a loop, each reading gzipped and posted.

psutil_loop.py INTERVAL_S URL
"""

from __future__ import annotations

import gzip
import json
import sys
import time
import urllib.request

import psutil


def reading() -> dict[str, object]:
    """About what sysmon's default families hold, as psutil gives it."""
    disks = {}
    for part in psutil.disk_partitions(all=False):
        disks[part.mountpoint] = psutil.disk_usage(part.mountpoint)._asdict()
    return {
        "time": time.time(),
        "cpu": psutil.cpu_percent(percpu=True),
        "modes": psutil.cpu_times_percent()._asdict(),
        "memory": psutil.virtual_memory()._asdict(),
        "swap": psutil.swap_memory()._asdict(),
        "load": psutil.getloadavg(),
        "kernel": psutil.cpu_stats()._asdict(),
        "diskio": {name: io._asdict() for name, io in psutil.disk_io_counters(perdisk=True).items()},
        "network": {name: io._asdict() for name, io in psutil.net_io_counters(pernic=True).items()},
        "disk": disks,
    }


def main() -> None:
    interval_s, url = float(sys.argv[1]), sys.argv[2]
    due = time.monotonic()
    while True:
        body = gzip.compress(json.dumps(reading()).encode(), 6)
        request = urllib.request.Request(
            url, body, {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as reply:
            reply.read()
        due += interval_s
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
