"""What each metric type is: the core's registry, by name; an unknown type is a gauge without a unit."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from sysmon import _core

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sysmon._core import MetricInfo


@cache
def by_name() -> Mapping[str, MetricInfo]:
    return {info.name: info for info in _core.registry()}


def unit_of(metric: str) -> str:
    info = by_name().get(metric)
    return info.unit if info else ""


def kind_of(metric: str) -> Literal["gauge", "counter"]:
    info = by_name().get(metric)
    return info.kind if info else "gauge"
