"""What a metric of ours is called in Prometheus: `sysmon_…`, or node_exporter's name for the same.

Both translations are tables beside this file (sysmon_names.csv, node_names.csv). A metric that is not in the
first one follows the rule of `_by_rule`, so that metrics of ten-line scripts have a name too; one that is not
in the second has no such name.

Columns: `when`: only series with such a tag (`mode=guest`, `mode!=guest|guest_nice`). `labels`: changes to
the tags, separated by spaces: `old>new` renames, `-old` leaves out, `new=value` adds ($host is the hostname).
`divide`: by what the value is divided. `with`: a metric whose value of the same tags is added or taken away.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal

from sysmon import _core

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sysmon._core import MetricInfo, TagPairs

NameSet = Literal["sysmon", "node", "both"]
PrometheusKind = Literal["gauge", "counter", "untyped"]
Labels = tuple[tuple[str, str], ...]

_TABLES: Final[Mapping[NameSet, tuple[str, ...]]] = {
    "sysmon": ("sysmon",),
    "node": ("node",),
    "both": ("sysmon", "node"),
}
_HOST: Final = "$host"
# node_exporter does not say what these are: they are whatever the kernel's file holds.
_UNTYPED: Final = ("node_netstat_", "node_vmstat_")
_NOT_IN_A_NAME: Final = re.compile("[^a-zA-Z0-9_]")


@dataclass(slots=True, frozen=True)
class Name:
    """One way to say a metric; `labels_of` and `value_of` turn its series into samples of `name`."""

    metric: str
    name: str
    kind: PrometheusKind
    help: str
    tags: tuple[str, ...] = ()  # of the metric
    when: tuple[str, bool, frozenset[str]] | None = None  # tag, whether it has to be one of these, values
    renamed: tuple[tuple[str, str], ...] = ()
    left_out: frozenset[str] = frozenset()
    added: Labels = ()
    divide: float = 1
    other: str | None = None  # a metric of the same tags …
    sign: int = 1  # … that is added, or taken away

    @property
    def needs_host(self) -> bool:
        return any(value == _HOST for _, value in self.added)

    def labels_of(self, pairs: TagPairs, hostname: str = "") -> Labels | None:
        """The labels of a series with these tags, sorted; None for a series this name is not for."""
        if self.when is not None:
            tag, has_to_be, values = self.when
            if (dict(pairs).get(tag) in values) is not has_to_be:
                return None
        renamed = dict(self.renamed)
        labels = {
            label_name(renamed.get(key, key)): value for key, value in pairs if key not in self.left_out
        }
        labels |= {key: hostname if value == _HOST else value for key, value in self.added}
        return tuple(sorted(labels.items()))

    def value_of(self, value: float, other: float = 0) -> float:
        """The value in Prometheus' unit."""
        value += self.sign * other
        return value if self.divide == 1 else value / self.divide


@cache
def names_of(metric: str, names: NameSet) -> tuple[Name, ...]:
    """What a metric is called; empty where node_exporter has no name for it."""
    found: list[Name] = []
    for table in _TABLES[names]:
        listed = _table(table).get(metric, ())
        found += listed
        if not listed and table == "sysmon":
            found.append(_by_rule(metric))
    return tuple(found)


def all_names(names: NameSet) -> dict[str, list[Name]]:
    """Every name of the registry's metrics, with what it is made from, in the registry's order."""
    found: dict[str, list[Name]] = {}
    for info in _core.registry():
        for name in names_of(info.name, names):
            found.setdefault(name.name, []).append(name)
    return found


def label_name(key: str) -> str:
    """A tag's key as a label: Prometheus allows no dots, and keeps names that begin with __ for itself."""
    label = _NOT_IN_A_NAME.sub("_", key)
    return label.lstrip("_") or "_" if label.startswith("__") else label


def _by_rule(metric: str) -> Name:
    """sysmon_ and the metric's own name: percentages as ratios of 1, counters as `_total`."""
    info = _infos().get(metric)
    name = "sysmon_" + _NOT_IN_A_NAME.sub("_", metric)
    if info is None:
        return Name(metric, name, "gauge", "Sent by a host; not a metric of the registry.")
    divide = 1
    if info.unit == "percent":
        name, divide = name.removesuffix("_percent") + "_ratio", 100
    if info.kind == "counter":
        name += "_total"
    return Name(metric, name, info.kind, info.help, tuple(info.tags), divide=divide)


@cache
def _infos() -> Mapping[str, MetricInfo]:
    return {info.name: info for info in _core.registry()}


@cache
def _table(table: str) -> Mapping[str, list[Name]]:
    found: dict[str, list[Name]] = {}
    helps: dict[str, str] = {}  # a name made from many metrics has the help of its first row
    text = resources.files(__package__).joinpath(f"{table}_names.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        info = _infos()[row["metric"]]
        help_text = helps.setdefault(row["name"], row["help"] or info.help)
        found.setdefault(info.name, []).append(_from_row(row, info, help_text))
    return found


def _from_row(row: Mapping[str, str], info: MetricInfo, help_text: str) -> Name:
    changes = row["labels"].split()
    other = row["with"]
    return Name(
        info.name,
        row["name"],
        "untyped" if row["name"].startswith(_UNTYPED) else info.kind,
        help_text,
        tuple(info.tags),
        when=_when(row["when"]),
        renamed=tuple((old, new) for old, sign, new in (text.partition(">") for text in changes) if sign),
        left_out=frozenset(text[1:] for text in changes if text.startswith("-")),
        added=tuple((key, value) for key, sign, value in (text.partition("=") for text in changes) if sign),
        divide=float(row["divide"] or 1),
        other=other[1:] or None,
        sign=-1 if other.startswith("-") else 1,
    )


def _when(text: str) -> tuple[str, bool, frozenset[str]] | None:
    if not text:
        return None
    tag, sign, values = re.split("(!?=)", text, maxsplit=1)
    return tag, sign == "=", frozenset(values.split("|"))
