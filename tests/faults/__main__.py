"""`make faults`: the long form of every fault that is built, and a scoreboard of what held.

    PYTHONPATH=tests .venv/bin/python -m faults [--scale 0.1] [--json build/faults.json]

Exit code 1 if anything did not hold; the lines printed name the seed that replays it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from faults.parts import PARTS, Part, Result, run_task

COLUMNS = ("acked_lost", "undeclared_lost", "duplicates", "corrupt", "torn", "error")
SUMMED = ("declared_dropped", "quarantined", "hostile_inputs", "hostile_5xx")
WAITING = 8  # parts that wait for time to pass, at once
# What kills at a point that was chosen, not at random in time.
CRASHES = ("F01", "F02", "F03", "F04", "F05", "F43")


def main() -> int:
    options = argparse.ArgumentParser(prog="faults", description="The long form of the fault tests.")
    options.add_argument("--scale", type=float, default=1.0, help="share of the full number of tries")
    options.add_argument("--seed", type=int, default=1, help="of the first task; the others count up")
    options.add_argument("--only", nargs="*", default=[], help="faults or names of parts to run")
    options.add_argument("--json", type=Path, default=Path("build/faults.json"), help="the scoreboard")
    chosen = options.parse_args()
    rows: list[dict[str, Any]] = []
    wanted = [part for part in PARTS if not chosen.only or {part.fault, part.name} & set(chosen.only)]
    for waits, group in groupby(wanted, key=lambda part: part if not part.waits else None):
        rows += _run(list(group), chosen.scale, chosen.seed, WAITING if waits is None else os.cpu_count())
    board = _board(rows)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(board, indent=1) + "\n", encoding="utf-8")
    print(", ".join(f"{name} {value}" for name, value in board.items() if name != "rows"))
    print(f"{board['faults_survived']}/{board['faults_tried']} faults held; {chosen.json}")
    return 0 if board["faults_survived"] == board["faults_tried"] else 1


def _run(parts: list[Part], scale: float, seed: int, workers: int | None) -> list[dict[str, Any]]:
    """Runs these parts beside each other; their rows, printed."""
    began = time.monotonic()
    results: dict[str, list[Result]] = {part.name: [] for part in parts}
    ended: dict[str, float] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {
            pool.submit(run_task, part.name, task): part
            for part in parts
            if not _why_not(part)
            for task in part.tasks(scale, seed)
        }
        for future in as_completed(futures):
            name, result = futures[future].name, future.result()
            results[name].append(result)
            ended[name] = time.monotonic() - began
            if result.failure is not None:
                print(result.failure, file=sys.stderr, flush=True)
    rows = [_row(part, results[part.name], ended.get(part.name, 0.0)) for part in parts]
    for row in rows:
        print(_line(row), flush=True)
    return rows


def _why_not(part: Part) -> str | None:
    return None if part.needs is None or part.needs[0]() else part.needs[1]


def _row(part: Part, results: list[Result], seconds: float) -> dict[str, Any]:
    figures: dict[str, int] = {}
    heals_ms: list[int] = []
    for result in results:
        for name, value in result.figures.items():
            if isinstance(value, list):
                heals_ms += value
                continue
            before = figures.get(name, 0)
            figures[name] = max(before, value) if "_max" in name else before + value
    heals_ms += [value for name, value in figures.items() if name == "heal_max_ms"]
    failed = [result.kind for result in results if result.kind is not None]
    survived = figures.pop(part.counts, 0)
    return {
        "fault": part.fault,
        "name": part.name,
        "is_peer": part.is_peer,
        "skipped": _why_not(part),
        "tried": survived + len(failed),
        "survived": survived,
        **{column: failed.count(column) for column in COLUMNS},
        "seconds": round(seconds, 1),
        "heals_ms": heals_ms,
        "figures": figures,
    }


def _board(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of all; the peers' rows stand beside ours and count in none of them."""
    ours = [row for row in rows if not row["is_peer"] and not row["skipped"]]
    crashes = [row for row in ours if row["fault"] in CRASHES]
    syscalls = [row for row in ours if row["fault"] == "F02"]
    figures = {(row["name"], name): value for row in ours for name, value in row["figures"].items()}
    return {
        "faults_tried": len(ours),
        "faults_survived": sum(row["tried"] == row["survived"] for row in ours),
        "crash_points_tried": sum(row["tried"] for row in crashes),
        "crash_points_survived": sum(row["survived"] for row in crashes),
        "syscall_points_tried": sum(row["tried"] for row in syscalls),
        "syscall_points_survived": sum(row["survived"] for row in syscalls),
        **{column: sum(row[column] for row in ours) for column in COLUMNS},
        **{column: sum(row["figures"].get(column, 0) for row in ours) for column in SUMMED},
        "heal_s_p95": _percentile_95([ms for row in ours for ms in row["heals_ms"]]) / 1000,
        "drain_24h_s": figures.get(("24 h drained", "drain_max_ms"), 0) / 1000,
        "live_age_during_drain_ms": figures.get(("24 h drained", "live_age_max_ms"), 0),
        "live_p99_during_drain_ms": figures.get(("herd", "live_p99_max_ms"), 0),
        "rows": rows,
    }


def _percentile_95(values: list[int]) -> int:
    return sorted(values)[int(len(values) * 0.95)] if values else 0


def _line(row: dict[str, Any]) -> str:
    if row["skipped"]:
        return f"{row['fault']} {row['name']:<21}     skipped  {row['skipped']}"
    counts = "  ".join(f"{column} {row[column]}" for column in COLUMNS if row[column] or not row["is_peer"])
    figures = ", ".join(f"{name} {value}" for name, value in row["figures"].items())
    held = f"{row['survived']}/{row['tried']}"
    return f"{row['fault']} {row['name']:<21} {held:>11}  {counts}  {row['seconds']} s  ({figures})"


if __name__ == "__main__":
    sys.exit(main())
