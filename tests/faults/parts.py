"""The parts of `make faults`: which row of the fault table each is of, and how often it is tried."""

from __future__ import annotations

import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from faults.damage import damage_all
from faults.kills import kill_under_load, lose_reply
from faults.migrations import cut_migrations, kill_all_starts
from faults.oracle import BrokenError
from faults.power_loss import power_losses

if TYPE_CHECKING:
    from collections.abc import Callable


class Task(NamedTuple):
    """One call of a part's function, in a process of its own."""

    seed: int
    tries: int


class Result(NamedTuple):
    """What became of it: the fields of its tally, or what did not hold."""

    figures: dict[str, int]
    kind: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Part:
    """`run(seed, tries, folder)` returns a tally, a dataclass of counts; field `counts` is what was tried."""

    fault: str
    name: str
    run: Callable[[int, int, Path], object] = field(repr=False)
    counts: str
    tries: int  # in all, for the full run
    of_a_task: int

    def tasks(self, scale: float, seed: int) -> list[Task]:
        tries = max(1, round(self.tries * scale))
        return [
            Task(seed + number, min(self.of_a_task, tries - done))
            for number, done in enumerate(range(0, tries, self.of_a_task))
        ]


PARTS: Final = (
    Part("F05", "power loss", power_losses, "states", 10_000, 250),
    Part("F03", "kill -9 under load", kill_under_load, "kills", 200, 50),
    Part("F04", "reply lost", lose_reply, "kills", 20, 10),
    Part("F12", "damaged database", damage_all, "noticed", 3_600, 450),
    Part("F43", "migration cut", cut_migrations, "states", 2_000, 500),
    Part("F43", "migration killed", kill_all_starts, "states", 1, 1),
)


def run_task(name: str, task: Task) -> Result:
    """Runs one task of the part of this name."""
    part = next(part for part in PARTS if part.name == name)
    try:
        with tempfile.TemporaryDirectory(prefix="sysmon-faults-") as folder:
            return Result(asdict(part.run(task.seed, task.tries, Path(folder) / "lab")))  # type: ignore[call-overload]
    except Exception as error:
        kind = error.kind if isinstance(error, BrokenError) else "error"
        return Result({}, kind, f"{part.fault} {part.name}, {task}:\n{traceback.format_exc()}")
