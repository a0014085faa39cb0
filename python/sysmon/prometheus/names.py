"""What a metric of ours is called in Prometheus: `sysmon_…`, or node_exporter's name for the same.

The core has the tables (src/core/data/*_names.csv), for the agent says the same names.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from sysmon import _core

if TYPE_CHECKING:
    from sysmon._core import PrometheusName

NameSet = Literal["sysmon", "node", "both"]
PrometheusKind = Literal["gauge", "counter", "untyped"]

label_name = _core.prometheus_label


@lru_cache(8_192)  # hosts send metrics that nobody has heard of
def names_of(metric: str, names: NameSet) -> tuple[PrometheusName, ...]:
    """What a metric is called; empty where node_exporter has no name for it."""
    return tuple(_core.prometheus_names(metric, names))


def all_names(names: NameSet) -> dict[str, list[PrometheusName]]:
    """Every name of the registry's metrics, with what it is made from, in the registry's order."""
    found: dict[str, list[PrometheusName]] = {}
    for info in _core.registry():
        for name in names_of(info.name, names):
            found.setdefault(name.name, []).append(name)
    return found
