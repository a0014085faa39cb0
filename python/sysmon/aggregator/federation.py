"""Last values of hosts as Prometheus text: one as its own exporter would answer, or the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sysmon.aggregator.catalog import by_name
from sysmon.errors import RangeTooLargeError
from sysmon.prometheus.names import label_name, names_of
from sysmon.prometheus.selectors import NAME
from sysmon.prometheus.text import Page, label_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sysmon._core import PrometheusName, TagPairs
    from sysmon.aggregator.service import Aggregator
    from sysmon.aggregator.storage import Host
    from sysmon.prometheus.names import NameSet, PrometheusKind
    from sysmon.prometheus.selectors import Matcher, Selector

Found = tuple[str, "TagPairs", float, int, float | None]

_DEFAULT_INTERVAL_MS: Final = 10_000
_FRESH_INTERVALS: Final = 2
_LEAST_FRESH_MS: Final = 15_000
# Prometheus looks back 5 minutes for the last sample: what is read more seldom than in half of that would
# come and go.
_SELDOM_MS: Final = 150_000


@dataclass(slots=True)
class _Series:
    """One translated series: the same for every host that has it."""

    source: PrometheusName
    name: str
    kind: PrometheusKind
    help: str
    other: str | None
    keys: frozenset[str]
    text: str
    # What each selector that the series may still pass asks of the labels of its host.
    asked: tuple[tuple[Matcher, ...], ...]


def host_page(service: Aggregator, host: Host, names: NameSet) -> str:
    """One host, as an exporter on it would answer: without a host label and without times."""
    page = Page()
    for series, value, _ in _samples(service, host, _Translation(names, ())):
        page.add(series.name, series.kind, series.help, value, series.text)
    return page.text()


def fleet_page(service: Aggregator, selectors: Sequence[Selector], names: NameSet) -> str:
    """Every series that one of the selectors selects, with its host, the host's tags, and its time.

    Raises:
        RangeTooLargeError: more than `limits.federate_series`.
    """
    page = Page()
    translation = _Translation(names, selectors)
    limit = service.settings.limits.federate_series
    for host in service.directory.all():
        if host.archived:
            continue
        own = _host_labels(host)
        text = label_text(own.items())
        selected: dict[tuple[Matcher, ...], bool] = {}
        for series, value, time_ms in _samples(service, host, translation):
            if not any(_selected(asked, own, selected) for asked in series.asked):
                continue
            both = text
            if not own.keys().isdisjoint(series.keys):  # a metric's tag is more to the point than its host's
                both = label_text((key, tag) for key, tag in own.items() if key not in series.keys)
            if series.text:
                both += "," + series.text
            page.add(series.name, series.kind, series.help, value, both, time_ms)
        if len(page) > limit:
            raise RangeTooLargeError(f"more than {limit} series: select fewer with match[]")
    return page.text()


class _Translation:
    """Series of hosts to series of Prometheus; what many hosts have is translated once."""

    def __init__(self, names: NameSet, selectors: Sequence[Selector]) -> None:
        self._names = names
        self._selectors = selectors
        self._known: dict[tuple[str, TagPairs], tuple[_Series, ...]] = {}

    def of(self, metric: str, pairs: TagPairs, hostname: str) -> tuple[_Series, ...]:
        key = (metric, pairs)
        known = self._known.get(key)
        if known is None:
            names = names_of(metric, self._names)
            known = tuple(self._translated(names, pairs, hostname))
            if not any(name.needs_host for name in names):
                self._known[key] = known
        return known

    def _translated(
        self, names: Iterable[PrometheusName], pairs: TagPairs, hostname: str
    ) -> Iterable[_Series]:
        for name in names:
            pairs_of = name.labels_of(pairs, hostname)
            if pairs_of is None:
                continue
            labels = {_free(key): value for key, value in pairs_of}
            asked = self._asked(name.name, labels) if self._selectors else ((),)
            if asked:
                text = label_text(labels.items())
                yield _Series(
                    name, name.name, name.kind, name.help, name.other, frozenset(labels), text, asked
                )

    def _asked(self, name: str, labels: Mapping[str, str]) -> tuple[tuple[Matcher, ...], ...]:
        own = {**labels, NAME: name}
        return tuple(
            tuple(matcher for matcher in selector.matchers if matcher.label not in own)
            for selector in self._selectors
            if all(
                matcher.matches(own[matcher.label]) for matcher in selector.matchers if matcher.label in own
            )
        )


def _samples(
    service: Aggregator, host: Host, translation: _Translation
) -> Iterable[tuple[_Series, float, int]]:
    """(series, value, time_ms) of what the host measures now: not what it sent last and stopped sending."""
    found = service.live.find(host)
    if not found:
        return
    newest_ms = max(time_ms for _, _, _, time_ms, _ in found)
    now_ms = service.now_ms()
    others: dict[tuple[str, TagPairs], float] | None = None
    for metric, pairs, value, time_ms, _ in found:
        every_ms = _every_ms(host, metric)
        if now_ms - time_ms > max(_FRESH_INTERVALS * every_ms, _LEAST_FRESH_MS):
            continue
        for series in translation.of(metric, pairs, host.hostname):
            other = 0.0
            if series.other is not None:
                if others is None:
                    others = {(kind, tags): number for kind, tags, number, _, _ in found}
                if (series.other, pairs) not in others:
                    continue
                other = others[series.other, pairs]
            # What is read once an hour still holds at the host's newest tick.
            at_ms = newest_ms if every_ms > _SELDOM_MS else time_ms
            yield series, series.source.value_of(value, other), at_ms


def _every_ms(host: Host, metric: str) -> int:
    """How often the host sends this."""
    interval_ms = host.interval_ms or _DEFAULT_INTERVAL_MS
    info = by_name().get(metric)
    return max(interval_ms, int(info.interval_s * 1000)) if info else interval_ms


def _host_labels(host: Host) -> dict[str, str]:
    tags = {label_name(key): value for key, value in host.all_tags.items()}
    return {"host": host.hostname, **{key: value for key, value in tags.items() if key != "host"}}


def _free(key: str) -> str:
    """`host` is the host's name: a metric's own tag of that name gets Prometheus' word for such a clash."""
    return "exported_host" if key == "host" else key


def _selected(
    asked: tuple[Matcher, ...], own: Mapping[str, str], known: dict[tuple[Matcher, ...], bool]
) -> bool:
    """Whether the host's labels are as asked; `known` remembers, for most series ask the same."""
    answer = known.get(asked)
    if answer is None:
        answer = all(matcher.matches(own.get(matcher.label, "")) for matcher in asked)
        known[asked] = answer
    return answer
