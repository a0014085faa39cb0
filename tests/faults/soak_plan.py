"""F44, what is to happen: all troubles of a run, drawn from its seed before it begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final

LINK: Final = "link"
AGGREGATOR: Final = "aggregator"

# How often each kind is drawn, against its neighbours.
LINK_KINDS: Final = {
    "latency": 3,
    "slow": 2,
    "cut_request": 3,
    "cut_reply": 3,
    "hang": 1,
    "overload": 2,
    "bad_gateway": 2,
    "portal": 2,
    "refused": 1,
    "poison": 1,
    "replay": 2,
    "reorder": 2,
}
AGENT_KINDS: Final = {"kill": 4, "terminate": 2, "freeze": 2, "reload": 2, "disk_full": 1}
AGGREGATOR_KINDS: Final = {
    "kill": 3,
    "kill_at_work": 2,  # while it compacts or is copied
    "terminate": 1,
    "freeze": 2,
    "reload": 1,
    "compact": 2,
    "backup": 2,
    "disk_full": 2,
}
ENDS_LIFE: Final = {"kill", "kill_at_work", "terminate"}


@dataclass(frozen=True)
class Trouble:
    """One of them. Those of one target never overlap."""

    at_s: float  # since the run began, calm in which it is judged not counted
    kind: str
    target: str  # "link", "aggregator", or "agent3"
    lasts_s: float
    draw: int  # the seed of whatever else about it is random

    @property
    def takes_agent_away(self) -> bool:
        """While it lasts that agent seals and pushes nothing."""
        return self.target.startswith("agent") and self.kind in ENDS_LIFE | {"freeze"}

    @property
    def name(self) -> str:
        return f"{self.target.rstrip('0123456789')} {self.kind}"


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    seconds: float
    agents: int = 12
    interval: str = "200ms"
    killing: float = 0.5  # the share of the run, from its start, in which somebody is killed

    @property
    def every_s(self) -> float:
        """The mean time between two troubles of the link, and likewise of the processes."""
        return min(20.0, max(0.6, self.seconds / 200))

    @property
    def chapters(self) -> int:
        """Each ends in a calm in which all is judged."""
        return max(1, round(self.seconds / min(300.0, max(10.0, self.seconds / 8))))

    @property
    def killing_chapters(self) -> int:
        """Later nobody is killed, so that a leak may show: a process that starts anew has none, and each
        start of an agent is a stream for the aggregator to remember."""
        return math.ceil(self.chapters * self.killing)


def plan(seed: int, size: Size) -> list[list[Trouble]]:
    """The troubles of each chapter in the order of their beginning; the same for the same arguments."""
    chance = Random(seed)
    length_s = size.seconds / size.chapters
    return [
        sorted(
            _of_link(chance, size, number * length_s, length_s)
            + _of_processes(chance, size, number * length_s, length_s, number < size.killing_chapters),
            key=lambda trouble: trouble.at_s,
        )
        for number in range(size.chapters)
    ]


def _of_link(chance: Random, size: Size, start_s: float, length_s: float) -> list[Trouble]:
    found = []
    at_s = start_s
    while True:
        at_s += size.every_s * chance.uniform(0.2, 1.0)
        trouble = _trouble(chance, at_s, _one(chance, LINK_KINDS), LINK, size)
        at_s += trouble.lasts_s
        if at_s > start_s + length_s:
            return found
        found.append(trouble)


def _of_processes(chance: Random, size: Size, start_s: float, length_s: float, kills: bool) -> list[Trouble]:
    found = []
    free_s: dict[str, float] = {}
    at_s = start_s
    while (at_s := at_s + size.every_s * chance.uniform(0.5, 1.5)) < start_s + length_s:
        number = chance.randrange(-size.agents // 3, size.agents)
        target = AGGREGATOR if number < 0 else f"agent{number}"
        kind = _one(chance, AGGREGATOR_KINDS if number < 0 else AGENT_KINDS)
        trouble = _trouble(chance, at_s, kind, target, size)
        # Only the first agent has a disk to be filled; what it holds in memory meanwhile a kill would lose.
        may_be_killed = kills and number != 0
        is_possible = (may_be_killed or kind not in ENDS_LIFE) and (number <= 0 or kind != "disk_full")
        ends_s = at_s + trouble.lasts_s
        if is_possible and free_s.get(target, 0.0) <= at_s and ends_s <= start_s + length_s:
            free_s[target] = ends_s + size.every_s / 2
            found.append(trouble)
    return found


def _one(chance: Random, kinds: dict[str, int]) -> str:
    return chance.choices(list(kinds), list(kinds.values()))[0]


def _trouble(chance: Random, at_s: float, kind: str, target: str, size: Size) -> Trouble:
    lasts_s = size.every_s * chance.uniform(0.1, 1.0)
    return Trouble(round(at_s, 3), kind, target, round(lasts_s, 3), chance.getrandbits(32))
