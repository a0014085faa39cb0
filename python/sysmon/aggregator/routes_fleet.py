"""The fleet as a whole, the aggregator itself, and what an administrator may ask of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from sysmon import _core
from sysmon.aggregator.api_types import (
    BackupAnswer,
    BackupRequest,
    CompactAnswer,
    DatabaseHealth,
    FleetSummary,
    Health,
    IngestHealth,
)
from sysmon.aggregator.database_report import check_report, stats_report
from sysmon.aggregator.hosts import count_by_status
from sysmon.aggregator.openapi import openapi_document
from sysmon.aggregator.refusal import Refusal, bad_argument
from sysmon.aggregator.routing import aggregator, answer, body_of, may_read, needs

if TYPE_CHECKING:
    from collections.abc import Sequence

bp = Blueprint("fleet", __name__)


@bp.get("/api/fleet/summary")
@needs("read")
def summary() -> Response:
    """Counts by state, and the averages and sums over the hosts that are online."""
    service = aggregator()
    now_ms = service.now_ms()
    statuses = [(host, service.directory.status(host, now_ms)) for host in service.directory.all()]
    counts = count_by_status(status for _, status in statuses)
    cpu: list[float] = []
    memory: list[float] = []
    memory_bytes: list[float] = []
    disk_bytes: list[float] = []
    for host, status in statuses:
        if status != "online":
            continue
        devices: dict[str, float] = {}
        for metric, pairs, value, _, _ in service.live.find(
            host, ("cpu.total_usage", "memory.usage_percent", "memory.used_bytes", "disk.used_bytes")
        ):
            if metric == "disk.used_bytes":
                # A device mounted twice is full once.
                tags = dict(pairs)
                devices[tags.get("device") or tags.get("mountpoint", "")] = value
            else:
                {"cpu.total_usage": cpu, "memory.usage_percent": memory}.get(metric, memory_bytes).append(
                    value
                )
        if devices:
            disk_bytes.append(sum(devices.values()))
    return answer(
        FleetSummary(
            total_hosts=sum(counts.values()) - counts["archived"],
            online_hosts=counts["online"],
            stale_hosts=counts["stale"],
            offline_hosts=counts["offline"],
            avg_cpu_percent=_mean(cpu),
            avg_memory_percent=_mean(memory),
            total_memory_used_bytes=sum(memory_bytes) if memory_bytes else None,
            total_disk_used_bytes=sum(disk_bytes) if disk_bytes else None,
            timestamp=now_ms / 1000,
        )
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


@bp.get("/api/health")
@needs("public")
def health() -> Response:
    """That it runs; to who may read also how, and what the operator should change."""
    if not may_read():
        return answer(Health("ok"))
    service = aggregator()
    stats = service.storage.stats()
    counters = service.ingest.counters
    return answer(
        Health(
            "ok",
            version=_core.__version__,
            uptime_s=round(time.monotonic() - service.started_s, 1),
            hosts=len(service.directory.all()),
            database=DatabaseHealth(
                str(service.settings.data_dir), stats["bytes"], stats["wal_bytes"], stats["rows"]
            ),
            ingest=IngestHealth(
                counters.pushes, counters.samples, counters.duplicates, counters.rejected, stats["queue"]
            ),
            retention_s={tier: age_ms / 1000 for tier, age_ms in service.settings.retention.ages_ms.items()},
            warnings=service.warnings,
        )
    )


@bp.get("/api/openapi.json")
@needs("read")
def openapi() -> Response:
    """This API, as OpenAPI 3.1."""
    return answer(openapi_document())


@bp.post("/api/admin/backup")
@needs("admin")
def backup() -> Response:
    """Writes a consistent copy of the database to a new file on this machine, between two commits."""
    path = Path(body_of(BackupRequest).path)
    if not path.is_absolute() or not path.parent.is_dir():
        raise bad_argument("path: an absolute path in a folder that exists")
    if path.exists():
        raise Refusal(409, "file_exists", f"{path} exists; a backup never overwrites")
    return answer(BackupAnswer(str(path), aggregator().storage.maintain("backup", path)["bytes"]))


@bp.post("/api/admin/compact")
@needs("admin")
def compact() -> Response:
    """Moves all of the journal into chunks now, and does what is due of rollups and retention."""
    done = aggregator().storage.maintain("compact")
    return answer(CompactAnswer(done["samples"], done["bytes"]))


@bp.get("/api/admin/stats")
@needs("admin")
def database_stats() -> Response:
    """What fills the database, by tier and host, and how long the disk lasts."""
    service = aggregator()
    return answer(stats_report(service.settings, service.now_ms()))


@bp.post("/api/admin/check")
@needs("admin")
def database_check() -> Response:
    """Reads all of the database and says what of it is damaged; pushes go on meanwhile."""
    return answer(check_report(aggregator().settings.data_dir))
