"""F17, F18, F40: the state machine of delivery, long: resent, reordered, cloned, restored from a backup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from delivery_machine import DeliveryMachine
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Tally:
    runs: int = 0


def deliver_in_any_order(seed: int, tries: int, folder: Path) -> Tally:
    """So many runs of up to fifty steps. Raises BrokenError with the shortest steps that fail."""
    machine = seeded(seed)(type("Seeded", (DeliveryMachine,), {}))
    chosen = settings(
        max_examples=tries,
        stateful_step_count=50,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except AssertionError as error:
        raise BrokenError(
            "duplicates", f"{error}\n{chr(10).join(getattr(error, '__notes__', []))}"
        ) from error
    return Tally(tries)
