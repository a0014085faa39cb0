"""/metrics: the aggregator's own figures in Prometheus' text format 0.0.4."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sysmon import _core
from sysmon.aggregator.hosts import count_by_status
from sysmon.prometheus.text import Page, label_text

if TYPE_CHECKING:
    from sysmon.aggregator.service import Aggregator

_OWN = "sysmon_aggregator_"


def exposition(service: Aggregator) -> str:
    """The page; values of the fleet's hosts are not in it (federation.py has those)."""
    page = Page()
    _hosts(page, service)
    _ingest(page, service)
    _store(page, service)
    page.add(f"{_OWN}ws_clients", "gauge", "Open live channels.", len(service.hub))
    page.add_histogram(
        f"{_OWN}query_seconds", "How long answers to reading requests took.", service.query_seconds, "route"
    )
    _process(page, service)
    return page.text()


def _hosts(page: Page, service: Aggregator) -> None:
    now_ms = service.now_ms()
    hosts = service.directory.all()
    states = count_by_status(service.directory.status(host, now_ms) for host in hosts)
    counts = {str(state): count for state, count in states.items()}
    page.add_each(f"{_OWN}hosts", "gauge", "Hosts by state.", "state", counts)
    offsets = {
        host.hostname: host.clock_offset_ms / 1000 for host in hosts if host.clock_offset_ms is not None
    }
    page.add_each(
        f"{_OWN}host_clock_offset_seconds", "gauge", "By how much a host's clock is off.", "host", offsets
    )


def _ingest(page: Page, service: Aggregator) -> None:
    counters = service.ingest.counters
    for name, text, value in (
        ("batches", "Pushes stored.", counters.pushes),
        ("samples", "Samples stored.", counters.samples),
        ("duplicate_batches", "Pushes that were stored before.", counters.duplicates),
        ("rejected_samples", "Samples not taken from pushes that were.", counters.rejected),
    ):
        page.add(f"{_OWN}{name}_total", "counter", text, value)
    page.add_each(
        f"{_OWN}refused_pushes_total",
        "counter",
        "Pushes not taken, by error code.",
        "code",
        {**counters.refused},
    )
    page.add_histogram(
        f"{_OWN}write_seconds",
        "How long pushes took from their last byte to their commit.",
        {"": service.ingest.write_seconds},
        "",
    )


def _store(page: Page, service: Aggregator) -> None:
    stats = service.storage.stats()
    for name, text, key in (
        ("db_bytes", "Size of the database file.", "bytes"),
        ("wal_bytes", "Size of its write-ahead log.", "wal_bytes"),
        ("journal_rows", "Rows of the journal.", "rows"),
        ("journal_bytes", "Bytes of the journal's rows.", "journal_bytes"),
        ("key_sets", "Lists of metrics that journal rows refer to.", "key_sets"),
        ("streams", "Agents' runs whose delivery is known.", "streams"),
        ("commit_queue", "Pushes that wait for a commit.", "queue"),
    ):
        page.add(f"{_OWN}{name}", "gauge", text, stats[key])
    page.add(
        f"{_OWN}longest_job_seconds",
        "gauge",
        "The longest that pushes waited for statements of compaction, retention or the like.",
        stats["longest_job_ms"] / 1000,
    )
    page.add(f"{_OWN}commits_total", "counter", "Transactions committed.", stats["commits"])
    page.add(
        f"{_OWN}compacted_samples_total", "counter", "Samples moved into chunks.", stats["compacted_samples"]
    )
    page.add(
        f"{_OWN}warnings",
        "gauge",
        "Things an operator should change; /api/health lists them.",
        len(service.warnings),
    )


def _process(page: Page, service: Aggregator) -> None:
    """The names that every Prometheus client has for its own process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    page.add(
        "process_cpu_seconds_total", "counter", "CPU time of this process.", usage.ru_utime + usage.ru_stime
    )
    page.add("process_resident_memory_bytes", "gauge", "Resident memory.", pages * os.sysconf("SC_PAGE_SIZE"))
    started_s = time.time() - (time.monotonic() - service.started_s)
    page.add("process_start_time_seconds", "gauge", "When it began, in Unix seconds.", round(started_s, 3))
    page.add("process_open_fds", "gauge", "Open file descriptors.", len(os.listdir("/proc/self/fd")))  # noqa: PTH208
    page.add(
        "sysmon_build_info",
        "gauge",
        "Always 1; the version is a label.",
        1,
        label_text([("version", _core.__version__)]),
    )
