"""Watches Linux hosts, many of them, from one place.

import sysmon

sysmon.snapshot()["cpu.total_usage"]               # this machine, now

with sysmon.MetricsCollector(interval_s=1.0) as collector:
    ...                                            # it collects on its own native thread
    for batch in collector.drain():
        print(batch.time_ms, len(batch))
"""

from __future__ import annotations

import time

from sysmon.errors import (
    ApiError,
    ConfigError,
    PushError,
    RangeTooLargeError,
    StorageError,
    SysmonError,
    UnsafeFileError,
)

try:
    from sysmon._core import (
        Batch,
        CollectorStatus,
        ConfigIssue,
        MetricInfo,
        MetricsCollector,
        RingBuffer,
        __version__,
        agent_settings,
        facts,
        look_at_spool,
        registry,
        validate_agent_config,
    )
except ModuleNotFoundError as missing:
    if missing.name != "sysmon._core":
        raise
    raise ModuleNotFoundError(
        "sysmon's native core is not built: run `make build` in the checkout, or `pip install .`",
        name=missing.name,
        path=missing.path,
    ) from missing

__all__ = [
    "ApiError",
    "Batch",
    "CollectorStatus",
    "ConfigError",
    "ConfigIssue",
    "MetricInfo",
    "MetricsCollector",
    "PushError",
    "RangeTooLargeError",
    "RingBuffer",
    "StorageError",
    "SysmonError",
    "UnsafeFileError",
    "__version__",
    "agent_settings",
    "facts",
    "look_at_spool",
    "registry",
    "snapshot",
    "validate_agent_config",
]


def snapshot(interval_s: float = 0.5, proc_root: str = "/") -> dict[str, float | dict[str, float]]:
    """Returns every metric of this machine as it is now, by type.

    A metric without tags is its value; one with tags is a dict from its tag values, joined by ",", to values:
    `{"cpu.total_usage": 4.2, "disk.usage_percent": {"/dev/sda1,/": 41.7}}`.

    Args:
        interval_s: what rates and percentages are taken over: two readings that far apart. At least 0.05.
        proc_root: "/" or a recorded tree.
    """
    collector = MetricsCollector(interval_s, proc_root)
    collector.sample()
    time.sleep(interval_s)
    values: dict[str, float | dict[str, float]] = {}
    for metric, tags, value in collector.sample().samples():
        if not tags:
            values[metric] = value
            continue
        by_tags = values.setdefault(metric, {})
        if isinstance(by_tags, dict):
            by_tags[",".join(tags.values())] = value
    return values
