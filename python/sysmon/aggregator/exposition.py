"""/metrics: the aggregator's own figures in Prometheus' text format 0.0.4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sysmon.aggregator.hosts import count_by_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sysmon.aggregator.service import Aggregator


def exposition(service: Aggregator) -> str:
    """The page; hosts of the fleet are not in it."""
    now_ms = service.now_ms()
    hosts = count_by_status(service.directory.status(host, now_ms) for host in service.directory.all())
    stats = service.storage.stats()
    counters = service.ingest.counters
    parts = [
        _family("hosts", "gauge", "Hosts by state.", "state", hosts),
        _one("ws_clients", "gauge", "Open live channels.", len(service.hub)),
        _one("db_bytes", "gauge", "Size of the database file.", stats["bytes"]),
        _one("wal_bytes", "gauge", "Size of its write-ahead log.", stats["wal_bytes"]),
        _one("journal_rows", "gauge", "Rows of the journal.", stats["rows"]),
        _one("key_sets", "gauge", "Lists of metrics that journal rows refer to.", stats["key_sets"]),
        _one("commit_queue", "gauge", "Pushes that wait for a commit.", stats["queue"]),
        _one("commits_total", "counter", "Transactions committed.", stats["commits"]),
        _one("batches_total", "counter", "Pushes stored.", counters.pushes),
        _one("samples_total", "counter", "Samples stored.", counters.samples),
        _one("duplicate_batches_total", "counter", "Pushes that were stored before.", counters.duplicates),
        _one(
            "rejected_samples_total", "counter", "Samples not taken from pushes that were.", counters.rejected
        ),
        _family(
            "refused_pushes_total", "counter", "Pushes not taken, by error code.", "code", counters.refused
        ),
    ]
    return "".join(parts)


def _one(name: str, kind: str, text: str, value: float) -> str:
    return _head(name, kind, text) + f"sysmon_aggregator_{name} {value}\n"


def _family(name: str, kind: str, text: str, label: str, values: Mapping[Any, float]) -> str:
    lines = [
        f'sysmon_aggregator_{name}{{{label}="{key}"}} {value}\n'
        for key, value in sorted(values.items(), key=str)
    ]
    return _head(name, kind, text) + "".join(lines)


def _head(name: str, kind: str, text: str) -> str:
    return f"# HELP sysmon_aggregator_{name} {text}\n# TYPE sysmon_aggregator_{name} {kind}\n"
