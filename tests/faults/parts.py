"""The parts of `make faults`: which row of the fault table each is of, and how often it is tried."""

from __future__ import annotations

import logging
import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from faults import agent_links, disk_full, island, peers
from faults.agent_disk import DISKS, ERRORS, can_mount, fail_calls, fill_disk
from faults.agent_kills import SCENARIOS, kill_agent, kill_at_syscalls, strace
from faults.agent_life import (
    CLOCKS,
    copies,
    libfaketime,
    reload_under_load,
    set_clocks,
    suspend_agent,
    terminate,
)
from faults.agent_names import OUTAGES, lose_name
from faults.agent_tls import distrust, openssl
from faults.any_order import deliver_in_any_order
from faults.damage import damage_all
from faults.drains import drain_backlog, stampede
from faults.floods import bomb_of_tags, churn_of_hosts
from faults.guessing import guess_tokens, time_comparisons
from faults.kills import kill_under_load, lose_reply
from faults.migrations import cut_migrations, kill_all_starts
from faults.oracle import BrokenError
from faults.power_loss import power_losses
from faults.slow_readers import never_read
from faults.slow_requests import be_slow
from faults.soak_run import random_faults
from faults.starvation import crowd_out, starve_agent
from faults.web_attacks import attack

if TYPE_CHECKING:
    from collections.abc import Callable


class Task(NamedTuple):
    """One call of a part's function, in a process of its own."""

    seed: int
    tries: int


class Result(NamedTuple):
    """What became of it: the fields of its tally, or what did not hold."""

    figures: dict[str, int | list[int]]
    kind: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Part:
    """`run(seed, tries, folder)` returns a tally, a dataclass of counts; field `counts` is what was tried.

    Counts of tasks are summed up, but of those that are called `…_max_…` the highest counts. Lists, such as
    the milliseconds of each healing (`heal_ms`), are put together.
    """

    fault: str
    name: str
    run: Callable[[int, int, Path], object] = field(repr=False)
    counts: str
    tries: int  # in all, for the full run
    of_a_task: int
    waits: bool = False  # for time to pass: runs beside its neighbours that wait, too
    needs: tuple[Callable[[], object], str] | None = field(default=None, repr=False)  # or it is skipped: why
    is_peer: bool = False  # somebody else's losses

    def tasks(self, scale: float, seed: int) -> list[Task]:
        tries = max(1, round(self.tries * scale))
        return [
            Task(seed + number, min(self.of_a_task, tries - done))
            for number, done in enumerate(range(0, tries, self.of_a_task))
        ]


_STRACE: Final = (strace, "strace is not installed")
_MOUNT: Final = (can_mount, "no mount namespace: needs root or user namespaces")

PARTS: Final = (
    Part("F05", "power loss", power_losses, "states", 10_000, 250),
    Part("F03", "kill -9 under load", kill_under_load, "kills", 200, 50),
    Part("F04", "reply lost", lose_reply, "kills", 20, 10),
    Part("F12", "damaged database", damage_all, "noticed", 3_600, 450),
    Part("F43", "migration cut", cut_migrations, "states", 2_000, 500),
    Part("F43", "migration killed", kill_all_starts, "states", 1, 1),
    Part("F01", "kill -9 of the agent", kill_agent, "kills", 200, 100),
    Part("F02", "killed at a syscall", kill_at_syscalls, "points", len(SCENARIOS), 1, needs=_STRACE),
    Part("F07", "calls fail", fail_calls, "errors", len(ERRORS), 1, needs=_STRACE),
    Part(
        "F09",
        "spool disk full",
        fill_disk,
        "disks",
        len(DISKS),
        1,
        needs=_MOUNT,
    ),
    # Each byte once: one task the even ones, one the odd ones.
    Part("F16", "cut at every byte", lambda s, _, h: agent_links.cut_everywhere(s, 2, h), "points", 2, 1),
    Part("F38", "SIGTERM in flush", terminate, "ends", 200, 100),
    Part("F39", "reload under load", reload_under_load, "reloads", 1_000, 500),
    Part(
        "F13",
        "away for 5 minutes",
        lambda s, _, h: agent_links.lose_aggregator(s, 600, h, "500ms"),
        "faults",
        1,
        1,
        waits=True,
    ),
    Part(
        "F14",
        "frozen for 20 s",
        lambda s, _, h: agent_links.freeze_aggregator(s, 20, h, "500ms"),
        "faults",
        1,
        1,
        waits=True,
    ),
    Part("F15", "64 kbit/s", lambda s, _, h: agent_links.slow_link(s, 200, h), "faults", 1, 1, waits=True),
    Part("F17", "replay", lambda s, _, h: agent_links.replay(s, 100, h), "faults", 1, 1, waits=True),
    Part("F18", "reorder", lambda s, _, h: agent_links.reorder(s, 400, h), "faults", 1, 1, waits=True),
    Part(
        "F20",
        "name leads nowhere",
        lambda s, _, h: lose_name(s, 2 * len(OUTAGES), h),
        "troubles",
        1,
        1,
        waits=True,
        needs=(island.can_be_made, "no network namespace: needs root or user namespaces, and ip"),
    ),
    Part("F21", "overload", lambda s, _, h: agent_links.overload(s, 3, h), "faults", 1, 1, waits=True),
    Part(
        "F22", "wrong token", lambda s, _, h: agent_links.wrong_token(s, 1_200, h), "faults", 1, 1, waits=True
    ),
    Part("F23", "strangers", lambda s, _, h: agent_links.strangers(s, 5, h), "faults", 1, 1, waits=True),
    Part("F24", "too big", lambda s, _, h: agent_links.too_big(s, 200, h), "faults", 1, 1, waits=True),
    Part(
        "F25",
        "certificates",
        lambda s, _, h: distrust(s, 5, h),
        "refused",
        1,
        1,
        waits=True,
        needs=(openssl, "openssl is not installed"),
    ),
    Part(
        "F26",
        "clocks",
        set_clocks,
        "clocks",
        len(CLOCKS),
        1,
        waits=True,
        needs=(libfaketime, "libfaketime is not installed"),
    ),
    Part("F27", "stopped for 60 s", lambda s, _, h: suspend_agent(s, 60, h), "sleeps", 1, 1, waits=True),
    Part("F18", "any order", deliver_in_any_order, "runs", 400, 100),
    Part("F10", "database's disk full", disk_full.fill_disk, "fills", 20, 10, needs=_MOUNT),
    Part("F19", "nobody reads", never_read, "closed", 64, 64),
    Part("F29", "byte by byte", be_slow, "cut", 1_000, 1_000),
    Part("F30", "too few descriptors", crowd_out, "clients", 2_000, 2_000),
    Part("F30", "starved agent", starve_agent, "limits", 100, 50),
    Part("F34", "ever-new tags", bomb_of_tags, "tried", 1_000_000, 1_000_000),
    Part("F34", "ever-new hosts", churn_of_hosts, "tried", 10_000, 10_000),
    Part("F36", "guessed tokens", guess_tokens, "refused", 2_000, 1_000),
    Part("F36", "time of comparisons", time_comparisons, "refused", 20_000, 20_000),
    Part("F37", "the web's attacks", attack, "refused", 5_000, 5_000),
    Part("F44", "random faults", lambda s, _, h: random_faults(s, 300, h), "faults", 1, 1, waits=True),
    Part("F40", "copies", copies, "copies", 3, 1, waits=True),
    Part("F13", "24 h drained", lambda s, _, h: drain_backlog(s, 8_640, h), "batches", 1, 1),
    Part("F28", "herd", lambda s, _, h: stampede(s, 1_000, h), "agents", 1, 1),
    Part(
        "F01",
        "vmagent, killed",
        peers.kill_vmagent,
        "kills",
        8,
        8,
        is_peer=True,
        needs=(peers.vmagent, "vmagent is not installed"),
    ),
    Part(
        "F01",
        "prometheus, restarted",
        peers.restart_prometheus,
        "kills",
        2,
        2,
        is_peer=True,
        needs=(peers.prometheus, "prometheus is not installed"),
    ),
)


def run_task(name: str, task: Task) -> Result:
    """Runs one task of the part of this name."""
    part = next(part for part in PARTS if part.name == name)
    logging.disable()  # thousands of damaged files have thousands of complaints, and the table is what counts
    try:
        with tempfile.TemporaryDirectory(prefix="sysmon-faults-") as folder:
            return Result(asdict(part.run(task.seed, task.tries, Path(folder) / "lab")))  # type: ignore[call-overload]
    except Exception as error:
        kind = error.kind if isinstance(error, BrokenError) else "error"
        return Result({}, kind, f"{part.fault} {part.name}, {task}:\n{traceback.format_exc()}")
