"""The questions that dashboards ask, as sysmon's API and as PromQL, and the values in an answer of either."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.generator import TICK_S, hostname
from bench.report import bar
from bench.server import url

if TYPE_CHECKING:
    from bench.generator import Dataset
    from bench.server import Timing

_HOUR_S = 3600


@dataclass(frozen=True)
class Question:
    what: str
    bar_ms: float
    sysmon: str
    promql: str
    values: int  # how many a whole answer holds

    def verdict(self, timing: Timing) -> str:
        return bar(f"p50 ≤ {self.bar_ms:g} ms", timing.p50_ms <= self.bar_ms)


def of_a_fleet(data: Dataset) -> list[Question]:
    """Of hours of many hosts. The hour asked for is no whole one of the clock: nobody asks at its stroke."""
    start = data.end_s - _HOUR_S * 3 // 2
    host = hostname(min(42, data.hosts - 1))
    hour = {"start": start, "end": start + _HOUR_S}
    ticks = _HOUR_S // TICK_S
    day_part = {"start": data.end_s - 4 * _HOUR_S, "end": data.end_s, "step": 60}
    return [
        Question(
            "one series, 1 h raw",
            2,
            url("/api/metrics", host=host, type="cpu.user", tag="cpu:0", **hour),
            # Both ends of a range count in Prometheus, only the last in VictoriaMetrics: with a second less
            # they fall between ticks.
            _instant(f'cpu_user{{host="{host}",cpu="0"}}[{_HOUR_S - 1}s]', start + _HOUR_S - 2),
            ticks,
        ),
        Question(
            f"a host's {data.series} series, 1 h raw",
            9,
            url("/api/metrics", host=host, **hour),
            _range(f'{{host="{host}"}}', start, start + _HOUR_S - TICK_S, TICK_S),
            ticks * data.series,
        ),
        Question(
            f"average of {data.hosts} hosts, 4 h at 60 s",
            10,
            url("/api/metrics", type="mem.used", across="avg", agg="avg", **day_part),
            _cells("avg(avg_over_time(mem_used[59s]))", **day_part),
            4 * 60,
        ),
        Question(
            f"latest of one metric, {data.hosts} hosts",
            2,
            url("/api/metrics/latest", type="mem.used"),
            _instant("mem_used", data.end_s - TICK_S),
            data.hosts,
        ),
    ]


def of_one_series(start_s: int, end_s: int) -> Question:
    """Of many days of one host's series, at an hourly step. Both ends are whole hours."""
    days = {"start": start_s, "end": end_s, "step": _HOUR_S}
    host = hostname(0)
    return Question(
        f"one series, {(end_s - start_s) / 86_400:.0f} days at 1 h",
        20,
        url("/api/metrics", host=host, type="cpu.user", tag="cpu:0", agg="avg", **days),
        _cells(f'avg_over_time(cpu_user{{host="{host}",cpu="0"}}[{_HOUR_S - 1}s])', **days),
        (end_s - start_s) // _HOUR_S,
    )


def values_of(answer: Any) -> list[float]:
    """Every value of an answer, sysmon's or a peer's, in ascending order."""
    if "series" in answer:
        found = [value for series in answer["series"] for value in series["values"] if value is not None]
    elif "metrics" in answer:
        found = [metric["value"] for metric in answer["metrics"]]
    else:
        pairs = [pair for one in answer["data"]["result"] for pair in one.get("values") or [one["value"]]]
        found = [float(text) for _, text in pairs]
    return sorted(found)


def check_same(question: Question, name: str, answer: Any, reference: Any) -> None:
    """Raises ValueError unless an answer is whole and the reference's, but for the last bits of a mean."""
    got, expected = values_of(answer), values_of(reference)
    if len(got) != question.values:
        raise ValueError(f"{name}: {question.what}: {len(got)} values where {question.values} were expected")
    for one, other in zip(got, expected, strict=True):
        if not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9):
            raise ValueError(f"{name}: {question.what}: {one!r} where {other!r} was expected")


def _instant(expression: str, at_s: int) -> str:
    return url("/api/v1/query", query=expression, time=at_s, nocache=1)


def _range(expression: str, first_s: int, last_s: int, step: int) -> str:
    return url("/api/v1/query_range", query=expression, start=first_s, end=last_s, step=step, nocache=1)


def _cells(expression: str, start: int, end: int, step: int) -> str:
    """The values of our cells [t, t + step): ranges a second shorter, which end between ticks."""
    return _range(expression, start + step - 2, end - 2, step)
