"""What Prometheus scrapes: /metrics of this process or of one host, /federate of the fleet."""

from __future__ import annotations

from flask import Blueprint, Response

from sysmon.aggregator.api_types import ExpositionQuery, FederateQuery
from sysmon.aggregator.exposition import exposition
from sysmon.aggregator.federation import fleet_page, host_page
from sysmon.aggregator.query import select_hosts
from sysmon.aggregator.refusal import bad_argument
from sysmon.aggregator.routing import aggregator, needs, query_of
from sysmon.prometheus.selectors import Selector
from sysmon.prometheus.text import CONTENT_TYPE

bp = Blueprint("prometheus", __name__)
_MAX_SELECTORS = 32


@bp.get("/metrics")
@needs("read")
def metrics() -> Response:
    """The aggregator's own figures; with `host` or `names` a host's last values, as its own exporter's."""
    query = query_of(ExpositionQuery)
    service = aggregator()
    if not query.host and query.names is None:
        return _text(exposition(service))
    hosts = select_hosts(service, query.host)
    if len(hosts) != 1:
        raise bad_argument(f"host: name one of the {len(hosts)} hosts here; /federate has many at once")
    return _text(host_page(service, hosts[0], query.names or "sysmon"))


@bp.get("/federate")
@needs("read")
def federate() -> Response:
    """The last values of all hosts that are selected by one of the `match[]`."""
    query = query_of(FederateQuery)
    if not query.match or len(query.match) > _MAX_SELECTORS:
        raise bad_argument(
            f'match[]: give 1 to {_MAX_SELECTORS} selectors, like match[]={{__name__=~"sysmon_.*"}}'
        )
    return _text(fleet_page(aggregator(), [Selector(text) for text in query.match], query.names))


def _text(page: str) -> Response:
    return Response(page, content_type=CONTENT_TYPE)
