"""F44, what came of it: the figures of a run, what of them is bounded, and the scoreboard."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from faults.delivery import Tally
from faults.soak_plan import AGGREGATOR
from faults.soak_troubles import MAX_DB_BYTES

if TYPE_CHECKING:
    from faults.soak_vitals import Process

RSS_BAR_MIB_PER_HOUR: Final = 60 / 1024  # a KiB a minute
_LONG_S: Final = 3600.0  # a shorter look cannot tell such a slope from what comes and goes …
_SPARE_RSS_MIB: Final = 8.0  # … so it must only have grown by less than this
COLUMNS: Final = ("acked_lost", "undeclared_lost", "duplicates", "corrupt", "torn", "error")
_SPARE_FILES: Final = 2
_SPARE_THREADS: Final = 1
_SPOOL_BYTES: Final = 3 << 20  # of an agent for which nothing waits: the segment it writes and the one before
_SPARE_DB_BYTES: Final = (
    16 << 20
)  # beyond max_db_bytes: the WAL, and what comes until the oldest hour is gone


@dataclass
class Soak(Tally):
    """What `make faults` tells of it."""

    faults: int = 0
    heal_ms: list[int] = field(default_factory=list)
    answers_5xx: int = 0  # other than 503, to somebody who looks at the dashboard all the while


@dataclass
class Report:
    seed: int
    seconds: float
    agents: int
    tally: Soak = field(default_factory=Soak)
    chapters: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    heals_ms: dict[str, list[int]] = field(default_factory=dict)
    overtaken: int = 0  # healings that the next trouble came before
    drain_max_s: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    db_max_bytes: int = 0
    wal_max_bytes: int = 0
    spool_max_bytes: int = 0
    spool_drained_max_bytes: int = 0
    processes: dict[str, Process] = field(default_factory=dict)
    not_held: list[tuple[str, str]] = field(default_factory=list)  # (column, what)


def weigh(report: Report) -> None:
    """Notes what was not bounded."""
    wrong = [int(status) for status in report.answers if status.startswith("5") and status != "503"]
    report.tally.answers_5xx = sum(report.answers[str(status)] for status in wrong)
    bounds = [
        ("answers with 5xx but 503", report.tally.answers_5xx, 0),
        ("bytes of the database", report.db_max_bytes + report.wal_max_bytes, MAX_DB_BYTES + _SPARE_DB_BYTES),
        ("bytes of a spool that is drained", report.spool_drained_max_bytes, _SPOOL_BYTES),
    ]
    for name, process in report.processes.items():
        bounds.append((f"descriptors more of {name}", process.files_growth or 0, _SPARE_FILES))
        bounds.append((f"threads more of {name}", process.threads_growth or 0, _SPARE_THREADS))
        if process.rss_slope is not None and process.rss_slope_error is not None:
            at_least = process.rss_slope - process.rss_slope_error
            if process.watched_s >= _LONG_S:
                bounds.append((f"MiB an hour more of {name}", at_least, RSS_BAR_MIB_PER_HOUR))
            else:
                bounds.append((f"MiB more of {name}", at_least * process.watched_s / 3600, _SPARE_RSS_MIB))
    report.not_held += [
        ("error", f"{what}: {value:g}, not {most:g}") for what, value, most in bounds if value > most
    ]


# ---- the scoreboard ----------------------------------------------------------------------------------------


def board_of(report: Report) -> dict[str, Any]:
    """The columns of `make faults`, and what is told of this run alone."""
    failed = [kind for kind, _ in report.not_held]
    tally = asdict(report.tally)
    heals_ms = tally.pop("heal_ms")
    agents = [process for name, process in report.processes.items() if name != AGGREGATOR]
    slopes = [agent.rss_slope for agent in agents if agent.rss_slope is not None]
    return {
        "seed": report.seed,
        "seconds": report.seconds,
        "agents": report.agents,
        "chapters": report.chapters,
        "faults_tried": sum(report.faults.values()),
        "faults_survived": tally.pop("faults"),
        **{column: failed.count(column) for column in COLUMNS},
        **tally,
        "heal_s_p95": _share(heals_ms, 0.95) / 1000,
        "heals_overtaken": report.overtaken,
        "drain_max_s": round(report.drain_max_s, 1),
        "rss_slope": {
            "aggregator": _slope_of(report.processes.get(AGGREGATOR)),
            "agents_mean": round(fmean(slopes), 3) if slopes else None,
            "agents_max": max(slopes, default=None),
        },
        "db_max_bytes": report.db_max_bytes,
        "wal_max_bytes": report.wal_max_bytes,
        "spool_max_bytes": report.spool_max_bytes,
        "spool_drained_max_bytes": report.spool_drained_max_bytes,
        "answers": dict(sorted(report.answers.items())),
        "skipped": dict(sorted(report.skipped.items())),
        "faults": dict(sorted(report.faults.items())),
        "heal_s": {
            kind: {"count": len(ms), "p50": _share(ms, 0.5) / 1000, "max": max(ms) / 1000}
            for kind, ms in sorted(report.heals_ms.items())
        },
        "processes": {name: asdict(process) for name, process in report.processes.items()},
        "not_held": report.not_held,
    }


def _slope_of(process: Process | None) -> float | None:
    return None if process is None else process.rss_slope


def _share(values: list[int], share: float) -> int:
    return sorted(values)[int(len(values) * share)] if values else 0


def print_board(board: dict[str, Any]) -> None:
    for name, count in board["faults"].items():
        heal = board["heal_s"].get(name)
        healed = (
            f"healed in {heal['p50']} s, at most {heal['max']} s ({heal['count']} measured)" if heal else ""
        )
        print(f"{name:<24} {count:>6}  {healed}")
    for name, one in board["processes"].items():
        line = f"{name:<12} {one['lives']:>4} lives, the longest {one['longest_s']} s"
        line += f", RSS at most {one['rss_max_mib']} MiB"
        if one["rss_slope"] is not None:
            line += f", {one['rss_slope']:+} ± {one['rss_slope_error']} MiB/h"
            line += f", descriptors {one['files_growth']:+}, threads {one['threads_growth']:+}"
        print(line)
    whole = ("faults", "heal_s", "processes", "not_held")
    print(", ".join(f"{name} {value}" for name, value in board.items() if name not in whole))
    for kind, what in board["not_held"]:
        print(f"{kind}: {what}", file=sys.stderr)
