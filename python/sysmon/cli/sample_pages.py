"""All samples of a question through the API, page by page: one host and a window of time at a time.

A window grows while it holds little and shrinks where it holds much, or where the aggregator says that it is
more than it answers at once; so neither side ever holds more than a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sysmon.cli.exits import CliError, Code
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sysmon.client import Client, Json

FIRST_S = 600
SHORTEST_S = 10
LONGEST_S = 7 * 86_400
FEW_SAMPLES = 50_000  # of a page: the next window is twice as long
MANY_SAMPLES = 200_000  # … half as long


@dataclass(frozen=True)
class Question:
    """Which samples: times in Unix seconds, end left out; tags as `key:value`; no types are all of them."""

    hosts: Sequence[str]
    types: Sequence[str]
    tags: Sequence[str]
    start: float
    end: float
    step_s: float | None = None
    agg: str | None = None


def pages(client: Client, question: Question) -> Iterator[list[Json]]:
    """The API's series objects, host by host in the given order, each page later than the one before it.

    Raises:
        ApiError: the aggregator did not answer, or refused.
        CliError: one type of one host has more series than it answers at once.
    """
    for host in question.hosts:
        yield from _pages_of(client, question, host)


def _pages_of(client: Client, question: Question, host: str) -> Iterator[list[Json]]:
    # Cells must not be cut by a window, so windows are whole steps then, on multiples of it.
    grain = question.step_s or SHORTEST_S
    longest = max(grain, LONGEST_S // grain * grain)
    width = min(max(grain, FIRST_S // grain * grain), longest)
    at = question.start - question.start % grain if question.step_s else question.start
    while at < question.end:
        end = min(at - at % grain + width, question.end)
        try:
            series = _page(client, question, host, list(question.types), at, end)
        except ApiError as error:
            if error.code != "range_too_large" or width <= grain:
                raise
            width = max(grain, width / 2 // grain * grain)
            continue
        yield series
        at = end
        samples = sum(len(one["times"]) for one in series)
        if samples < FEW_SAMPLES:
            width = min(2 * width, longest)
        elif samples > MANY_SAMPLES:
            width = max(grain, width / 2 // grain * grain)


def _page(
    client: Client, question: Question, host: str, types: list[str], start: float, end: float
) -> list[Json]:
    """One window; types in several calls where there are more series than one call answers."""
    rest: dict[str, Any] = {"host": host, "tags": question.tags, "start": start, "end": end}
    try:
        answer = client.metrics(types=types, step_s=question.step_s, agg=question.agg, **rest)
    except ApiError as error:
        if error.code != "range_too_large" or "points" in str(error):  # too long, not too many
            raise
    else:
        return list(answer["series"])
    # Folded into one series a type there are few: which types these are.
    folded = client.metrics(types=types, step_s=max(1.0, end - start), across="max", **rest)
    names = sorted({one["type"] for one in folded["series"]})
    if len(names) < 2:
        raise CliError(
            Code.USAGE,
            f"{host} has more series of {', '.join(names)} than the aggregator answers at once",
            "ask for some of them: --tag KEY=VALUE; or raise limits.query_series at the aggregator",
        )
    half = len(names) // 2
    return [
        one
        for some in (names[:half], names[half:])
        for one in _page(client, question, host, some, start, end)
    ]
