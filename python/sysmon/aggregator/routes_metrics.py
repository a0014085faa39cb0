"""/api/metrics and /api/compare: stored samples, last values, types, and what differs."""

from __future__ import annotations

from flask import Blueprint, Response

from sysmon.aggregator.api_types import (
    CompareQuery,
    LatestAnswer,
    LatestMetric,
    LatestQuery,
    MetricsQuery,
    TypeList,
    TypeView,
)
from sysmon.aggregator.catalog import by_name, kind_of, unit_of
from sysmon.aggregator.compare import compare_hosts
from sysmon.aggregator.query import parse_tags, query_metrics, select_hosts
from sysmon.aggregator.refusal import bad_argument
from sysmon.aggregator.routing import aggregator, answer, needs, query_of
from sysmon.aggregator.times import parse_range

bp = Blueprint("metrics", __name__)
_MAX_COMPARED = 16


@bp.get("/api/metrics")
@needs("read")
def metrics() -> Response:
    """Stored samples: as they are, or on a grid with `step`."""
    return answer(query_metrics(aggregator(), query_of(MetricsQuery)))


@bp.get("/api/metrics/latest")
@needs("read")
def latest() -> Response:
    """The newest sample of every series that matches; counters with their rate."""
    query = query_of(LatestQuery)
    service = aggregator()
    tags = parse_tags(query.tag)
    found = [
        LatestMetric(
            host.hostname,
            metric,
            dict(pairs),
            value,
            time_ms / 1000,
            unit_of(metric),
            rate if kind_of(metric) == "counter" else None,
        )
        for host in select_hosts(service, query.host)
        for metric, pairs, value, time_ms, rate in service.live.find(host, query.type or None, tags)
    ]
    return answer(LatestAnswer(found))


@bp.get("/api/metrics/types")
@needs("read")
def types() -> Response:
    """Every metric type of the registry: unit, kind, tags, where it is from and how it is made."""
    found = [
        TypeView(
            info.name, info.unit, info.kind, list(info.tags), info.help, info.formula, info.source, info.since
        )
        for info in by_name().values()
    ]
    return answer(TypeList(found, len(found)))


@bp.get("/api/compare")
@needs("read")
def compare() -> Response:
    """What differs between hosts in a range, most telling first."""
    query = query_of(CompareQuery)
    service = aggregator()
    hosts = select_hosts(service, query.hosts) if query.hosts else []
    if not 2 <= len(hosts) <= _MAX_COMPARED:
        raise bad_argument(f"hosts: name 2 to {_MAX_COMPARED} different hosts, like hosts=web01,db01")
    start_ms, end_ms = parse_range(query.start, query.end, service.now_ms())
    return answer(compare_hosts(service, hosts, start_ms, end_ms))
