"""/api/hosts: the list, one host, and what is told about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from flask import Blueprint, Response

from sysmon.aggregator.api_types import (
    EventList,
    EventsQuery,
    EventView,
    GapList,
    GapsQuery,
    GapView,
    HostDetail,
    HostList,
    HostPatch,
    HostsQuery,
    MissingView,
    NewHost,
    ProcessesQuery,
    ProcessList,
)
from sysmon.aggregator.gaps import GAP_EVENTS, HostRecord, gaps_of
from sysmon.aggregator.hosts import check_tags, count_by_status
from sysmon.aggregator.ledger import ledger_of
from sysmon.aggregator.live import seconds
from sysmon.aggregator.query import parse_tags
from sysmon.aggregator.refusal import unknown_host
from sysmon.aggregator.routing import aggregator, answer, body_of, needs, query_of
from sysmon.aggregator.storage import Event, Query
from sysmon.aggregator.times import parse_range, parse_time

if TYPE_CHECKING:
    from sysmon.aggregator.storage import Host

bp = Blueprint("hosts", __name__)

_GAPS_MS = 86_400_000
_GAP_EVENTS = 1_000  # of each kind, the newest


def _host(hostname: str) -> Host:
    directory = aggregator().directory
    host = directory.get(hostname)
    if host is None:
        raise unknown_host(hostname, (one.hostname for one in directory.all()))
    return host


@bp.get("/api/hosts")
@needs("read")
def list_hosts() -> Response:
    """Hosts by name, a page at a time; the counts are of all of them."""
    query = query_of(HostsQuery)
    service = aggregator()
    now_ms = service.now_ms()
    tags = parse_tags(query.tag) or {}
    known = [(host, service.directory.status(host, now_ms)) for host in service.directory.all()]
    counts = count_by_status(status for _, status in known)
    page = [
        host
        for host, status in known
        if (status == query.status if query.status else status != "archived")
        and (query.cursor is None or host.hostname > query.cursor)
        and tags.items() <= host.all_tags.items()
    ]
    more = len(page) > query.limit
    page = page[: query.limit]
    return answer(
        HostList(
            hosts=[service.live.view(host) for host in page],
            count=len(known) - counts["archived"],
            next_cursor=page[-1].hostname if more else None,
            **counts,
        )
    )


@bp.post("/api/hosts")
@needs("admin")
def add_host() -> Response:
    """Registers a host by hand, before it was ever heard."""
    new = body_of(NewHost)
    service = aggregator()
    host = service.directory.register(new.hostname, new.tags)
    try:
        service.storage.save_host(host)
    except BaseException:
        service.directory.forget(host)
        raise
    service.live.edited(host)
    return answer(service.live.view(host), 201)


@bp.get("/api/hosts/<hostname>")
@needs("read")
def show_host(hostname: str) -> Response:
    """A host as in the list, with its facts, newest events and ledger."""
    host = _host(hostname)
    service = aggregator()
    facts = service.storage.document(host.host_id, "facts")
    return answer(
        HostDetail(
            **msgspec.structs.asdict(service.live.view(host)),
            facts=msgspec.json.decode(facts[1]) if facts else None,
            series=service.live.series(host),
            events=[_event(event) for event in service.storage.events(host.host_id, limit=50)],
            ledger=ledger_of(service, host),
        )
    )


@bp.patch("/api/hosts/<hostname>")
@needs("admin")
def change_host(hostname: str) -> Response:
    """Sets tags by hand (they win over the agent's; null takes one away), archives or brings back."""
    host = _host(hostname)
    patch = body_of(HostPatch)
    service = aggregator()
    tags = {key: value for key, value in {**host.own_tags, **patch.tags}.items() if value is not None}
    check_tags(tags)
    host.own_tags = tags
    events = []
    if patch.archived is not None and patch.archived != host.archived:
        host.archived = patch.archived
        events.append(Event("archived" if patch.archived else "unarchived", service.now_ms()))
    host.touch()
    service.storage.save_host(host, events)
    service.live.edited(host)
    return answer(service.live.view(host))


@bp.delete("/api/hosts/<hostname>")
@needs("admin")
def remove_host(hostname: str) -> Response:
    """Forgets a host and everything it sent."""
    host = _host(hostname)
    service = aggregator()
    host.deleted = True  # from here on its pushes are refused: none may bring rows of nobody
    service.storage.save_host(host)
    service.directory.forget(host)
    service.live.edited(host)
    return Response(status=204)


@bp.get("/api/hosts/<hostname>/events")
@needs("read")
def host_events(hostname: str) -> Response:
    """Newest first."""
    query = query_of(EventsQuery)
    events = aggregator().storage.events(_host(hostname).host_id, kind=query.kind, limit=query.limit)
    return answer(EventList([_event(event) for event in events]))


@bp.get("/api/hosts/<hostname>/gaps")
@needs("read")
def host_gaps(hostname: str) -> Response:
    """Times without samples and why, oldest first; and which batches are not here, newest first."""
    host = _host(hostname)
    query = query_of(GapsQuery)
    service = aggregator()
    now_ms = service.now_ms()
    start_ms, end_ms = parse_range(query.start, query.end, now_ms, default_ms=_GAPS_MS)
    ticks = service.storage.query(
        Query(host_ids=[host.host_id], start_ms=start_ms, end_ms=end_ms, types=[])
    ).columns
    events = [
        event
        for kind in GAP_EVENTS
        for event in service.storage.events(host.host_id, kind=kind, limit=_GAP_EVENTS)
    ]
    record = HostRecord(
        ticks.times(0).tolist() if len(ticks) else [], host.interval_ms, host.first_seen_ms, events
    )
    gaps = [
        GapView(gap.start_ms / 1000, seconds(gap.end_ms), gap.cause, gap.text, gap.late)
        for gap in gaps_of(record, start_ms, end_ms, now_ms)
    ]
    missing = [_missing(event) for event in events if event.kind in ("gap", "dropped")]
    missing.sort(key=lambda one: one.start, reverse=True)
    return answer(GapList(start_ms / 1000, end_ms / 1000, gaps, missing))


def _missing(event: Event) -> MissingView:
    return MissingView(
        event.detail["from"],
        event.detail["to"],
        event.start_ms / 1000,
        seconds(event.end_ms),
        event.detail.get("reason", "missing"),
        event.detail.get("stream"),
    )


@bp.get("/api/hosts/<hostname>/processes")
@needs("read")
def host_processes(hostname: str) -> Response:
    """The newest snapshot of the top processes, or the newest at a time."""
    query = query_of(ProcessesQuery)
    at_ms = parse_time(query.at, "at") if query.at else None
    found = aggregator().storage.document(_host(hostname).host_id, "processes", at_ms)
    if found is None:
        return answer(ProcessList(None, []))
    return answer(ProcessList(found[0] / 1000, msgspec.json.decode(found[1])))


@bp.get("/api/hosts/<hostname>/ledger")
@needs("read")
def host_ledger(hostname: str) -> Response:
    """What was committed, declared dropped, and is missing, in all and by stream; what the agent says."""
    return answer(ledger_of(aggregator(), _host(hostname)))


def _event(event: Event) -> EventView:
    return EventView(
        event.event_id, event.start_ms / 1000, seconds(event.end_ms), event.kind, dict(event.detail)
    )
