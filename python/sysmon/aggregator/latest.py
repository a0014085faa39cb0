"""The fixed ten values that stand for a host in lists, made from its last values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sysmon._core import LastValues

# type asked for -> how it is folded into which key
_TYPES: Final = (
    "cpu.total_usage",
    "memory.usage_percent",
    "disk.usage_percent",
    "pressure.*",
    "load.avg1",
    "cpu.logical_count",
    "network.bytes_recv",
    "network.bytes_sent",
    "sensor.temperature_celsius",
    "system.uptime_seconds",
    "systemd.units",
    "systemd.failed_units",
)
_WORST: Final = frozenset({"disk.usage_percent", "sensor.temperature_celsius"})
_RATES: Final = frozenset({"network.bytes_recv", "network.bytes_sent"})
_PLAIN: Final = frozenset(
    {"cpu.total_usage", "memory.usage_percent", "system.uptime_seconds", "systemd.failed_units"}
)


def latest_of(last: LastValues) -> tuple[dict[str, float], dict[str, dict[str, str]]]:
    """(values by key, tags of the series behind a worst-of). What was not measured is absent."""
    values: dict[str, float] = {}
    worst: dict[str, dict[str, str]] = {}
    load = cores = None
    for kind, pairs, value, _, rate in last.find(_TYPES):
        tags = dict(pairs)
        if kind in _PLAIN:
            values[kind] = value
        elif kind in _WORST:
            _keep_worst(values, worst, kind, value, tags)
        elif kind in _RATES:
            if rate is not None and tags.get("interface") != "lo":
                values[kind] = values.get(kind, 0.0) + rate
        elif kind.startswith("pressure."):
            # 10 s is what people feel; "full" has no window on some kernels' irq line.
            if kind.endswith("_percent") and tags.get("window", "10s") == "10s":
                _keep_worst(values, worst, "pressure.worst_percent", value, {"type": kind})
        elif kind == "load.avg1":
            load = value
        elif kind == "cpu.logical_count":
            cores = value
        elif kind == "systemd.units" and tags.get("state") == "failed":
            values["systemd.failed_units"] = value
    if load is not None and cores:
        values["load.per_core"] = round(load / cores, 3)
    return values, worst


def _keep_worst(
    values: dict[str, float], worst: dict[str, dict[str, str]], key: str, value: float, tags: dict[str, str]
) -> None:
    if key not in values or value > values[key]:
        values[key] = value
        worst[key] = tags
