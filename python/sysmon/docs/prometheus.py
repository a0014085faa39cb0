"""docs/prometheus-names.md, from the tables of sysmon.prometheus."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sysmon.prometheus.names import all_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysmon._core import PrometheusName
    from sysmon.prometheus.names import NameSet


def prometheus_page() -> str:
    """Every name under which Prometheus sees a metric, and how it is made."""
    lines = [
        "# Names in Prometheus",
        "",
        "Made from `src/core/data/*_names.csv` and the registry by `python -m sysmon.docs`.",
        "[Scrape it from Prometheus](howto/prometheus.md) says how to get at them.",
        "",
        "Metrics that are not in the registry are called `sysmon_` and their own name, with `_` for what",
        "Prometheus does not allow.",
        "",
        "## Ours",
        "",
        *_table("sysmon"),
        "",
        "## node_exporter's",
        "",
        "With `names=node`. What is not here has no name there, or is made of things that we do not have.",
        "",
        *_table("node"),
    ]
    return "\n".join(lines) + "\n"


def _table(names: NameSet) -> Iterator[str]:
    yield "| name | kind | labels | made from |"
    yield "| --- | --- | --- | --- |"
    for name, made_from in all_names(names).items():
        labels = sorted({label for one in made_from for label in _labels(one)})
        sources = list(dict.fromkeys(_source(one) for one in made_from))
        yield f"| `{name}` | {made_from[0].kind} | {', '.join(labels)} | {', '.join(sources)} |"


def _labels(name: PrometheusName) -> list[str]:
    """Those that its series can have: a tag of any value stands for all."""
    when = re.fullmatch(r"(\w+)=(\w+)", name.when)
    tags = [(tag, when[2] if when and when[1] == tag else "-") for tag in name.tags]
    return [label for label, _ in name.labels_of(tuple(tags)) or ()]


def _source(name: PrometheusName) -> str:
    source = f"`{name.metric}`"
    if name.other is not None:
        source += f" {'+' if name.value_of(0, 1) > 0 else '−'} `{name.other}`"
    return source if name.divide == 1 else f"{source} / {name.divide:g}"
