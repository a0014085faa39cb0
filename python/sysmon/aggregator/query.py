"""GET /api/metrics: stored samples of one or many hosts, as they are or on a grid, folded or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from sysmon.aggregator.catalog import kind_of, unit_of
from sysmon.aggregator.refusal import bad_argument, unknown_host
from sysmon.aggregator.storage import Query
from sysmon.aggregator.times import parse_range, parse_step, smallest_step_s
from sysmon.errors import RangeTooLargeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysmon._core import Agg, Columns
    from sysmon.aggregator.api_types import MetricsQuery
    from sysmon.aggregator.service import Aggregator
    from sysmon.aggregator.storage import Answer, Host

_MANY_SERIES: Final = 1_000_000  # of a fold: they are gone before the answer is made
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Range:
    start_ms: int
    end_ms: int
    step_ms: int | None


def select_hosts(aggregator: Aggregator, names: Sequence[str]) -> list[Host]:
    """The named hosts, or all that are not archived. Raises Refusal for a name that is not one."""
    if not names:
        return [host for host in aggregator.directory.all() if not host.archived]
    hosts = []
    for name in dict.fromkeys(names):
        host = aggregator.directory.get(name)
        if host is None:
            raise unknown_host(name, (one.hostname for one in aggregator.directory.all()))
        hosts.append(host)
    return hosts


def parse_tags(texts: Sequence[str]) -> dict[str, str] | None:
    """`k:v` texts as a dict, None for none. Raises Refusal."""
    tags = {}
    for text in texts:
        key, colon, value = text.partition(":")
        if not colon or not key:
            raise bad_argument(f"tag: {text[:80]!r} is not key:value")
        tags[key] = value
    return tags or None


def query_metrics(aggregator: Aggregator, query: MetricsQuery) -> bytes:
    """The answer's JSON; the series themselves are written by the core.

    Raises:
        Refusal: an argument is not valid.
        RangeTooLargeError: more than the limits allow; the message names the smallest step that would do.
    """
    limits = aggregator.settings.limits
    start_ms, end_ms = parse_range(query.start, query.end, aggregator.now_ms())
    span = _Range(start_ms, end_ms, parse_step(query.step) if query.step else None)
    if span.step_ms is None:
        for name in ("agg", "across", "by"):
            if getattr(query, name):
                raise bad_argument(f"{name} needs step: stored values are answered as they are")
    else:
        # Cells lie on multiples of the step, so that neighbouring questions share them.
        span.start_ms -= span.start_ms % span.step_ms
        span.end_ms += -span.end_ms % span.step_ms
        if (span.end_ms - span.start_ms) // span.step_ms > limits.query_points:
            raise _too_long(span, limits.query_points)
    if query.by and not query.across:
        raise bad_argument("by needs across")
    hosts = select_hosts(aggregator, query.host)
    answer = _read(aggregator, hosts, query, span)
    series = _folded(hosts, answer.columns, query) if query.across else _plain(hosts, answer.columns, query)
    head = {
        "start": span.start_ms / 1000,
        "end": span.end_ms / 1000,
        "step": span.step_ms / 1000 if span.step_ms else None,
        "tier": answer.tier,
    }
    return _encode(head)[:-1] + b',"series":[' + series + b"]}"


def _read(aggregator: Aggregator, hosts: Sequence[Host], query: MetricsQuery, span: _Range) -> Answer:
    limits = aggregator.settings.limits
    question = Query(
        host_ids=[host.host_id for host in hosts],
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        types=query.type or None,
        tags=parse_tags(query.tag),
        step_ms=span.step_ms,
        agg=query.agg,
        max_series=_MANY_SERIES if query.across else limits.query_series,
        max_points=limits.query_points,
    )
    try:
        return aggregator.storage.query(question)
    except RangeTooLargeError as error:
        if "points" in str(error):
            raise _too_long(span, limits.query_points) from None
        raise RangeTooLargeError(
            f"more than {question.max_series} series: name fewer types or hosts, or fold with across="
        ) from None


def _plain(hosts: Sequence[Host], columns: Columns, query: MetricsQuery) -> bytes:
    heads = []
    for i in range(len(columns)):
        metric, pairs = columns.key(i)
        agg = (query.agg or _default_agg(metric)) if query.step else None
        heads.append(_head(hosts[columns.host(i)].hostname, metric, pairs, agg))
    return columns.json(heads)


def _default_agg(metric: str) -> Agg:
    return "rate" if kind_of(metric) == "counter" else "avg"


def _head(hostname: str, metric: str, tags: Any, agg: str | None) -> bytes:
    members = {
        "host": hostname,
        "type": metric,
        "unit": unit_of(metric),
        "kind": kind_of(metric),
        "tags": dict(tags),
    }
    if agg is not None:
        members["agg"] = agg
    return _encode(members)[1:-1]


def _folded(hosts: Sequence[Host], columns: Columns, query: MetricsQuery) -> bytes:
    """All series of one type (and one value of each `by` key) as one."""
    if not len(columns):
        return b""
    numbers: dict[tuple[str, tuple[str, ...]], int] = {}
    groups = []
    for i in range(len(columns)):
        host = hosts[columns.host(i)]
        metric, pairs = columns.key(i)
        tags = {**host.all_tags, **dict(pairs), "host": host.hostname} if query.by else {}
        group = (metric, tuple(tags.get(key, "") for key in query.by))
        groups.append(numbers.setdefault(group, len(numbers)))
    across = cast("Any", query.across)
    folded = columns.across(across, groups)
    heads = []
    for metric, values in numbers:
        tags = dict(zip(query.by, values, strict=True))
        hostname = tags.pop("host", "")
        heads.append(_head(hostname, metric, tags, query.agg or _default_agg(metric)))
    return folded.json(heads)


def _too_long(span: _Range, points: int) -> RangeTooLargeError:
    step = smallest_step_s(span.end_ms - span.start_ms, points)
    return RangeTooLargeError(
        f"more than {points} points a series: the smallest step that would do is {step} s"
    )
