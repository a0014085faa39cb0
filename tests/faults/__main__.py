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
from multiprocessing import get_context
from pathlib import Path

from faults.parts import PARTS, Part, Result, run_task

COLUMNS = ("acked_lost", "duplicates", "corrupt", "torn", "error")


def main() -> int:
    options = argparse.ArgumentParser(prog="faults", description="The long form of the fault tests.")
    options.add_argument("--scale", type=float, default=1.0, help="share of the full number of tries")
    options.add_argument("--seed", type=int, default=1, help="of the first task; the others count up")
    options.add_argument("--json", type=Path, default=Path("build/faults.json"), help="the scoreboard")
    chosen = options.parse_args()
    rows = []
    for part in PARTS:
        began = time.monotonic()
        results = _run(part, chosen.scale, chosen.seed)
        rows.append(_row(part, results, time.monotonic() - began))
        print(_line(rows[-1]), flush=True)
    survived = all(row["tried"] == row["survived"] for row in rows)
    board = {
        "faults_tried": len(rows),
        "faults_survived": sum(row["tried"] == row["survived"] for row in rows),
        **{column: sum(row[column] for row in rows) for column in COLUMNS},
        "rows": rows,
    }
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(board, indent=1) + "\n", encoding="utf-8")
    print(f"{board['faults_survived']}/{board['faults_tried']} faults held; {chosen.json}")
    return 0 if survived else 1


def _run(part: Part, scale: float, seed: int) -> list[Result]:
    tasks = part.tasks(scale, seed)
    results = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(run_task, part.name, task) for task in tasks]):
            result = future.result()
            results.append(result)
            if result.failure is not None:
                print(result.failure, file=sys.stderr, flush=True)
    return results


def _row(part: Part, results: list[Result], seconds: float) -> dict[str, object]:
    figures: dict[str, int] = {}
    for result in results:
        for name, value in result.figures.items():
            figures[name] = figures.get(name, 0) + value
    failed = [result.kind for result in results if result.kind is not None]
    survived = figures.pop(part.counts, 0)
    return {
        "fault": part.fault,
        "name": part.name,
        "tried": survived + len(failed),
        "survived": survived,
        **{column: failed.count(column) for column in COLUMNS},
        "seconds": round(seconds, 1),
        "figures": figures,
    }


def _line(row: dict[str, object]) -> str:
    counts = "  ".join(f"{column} {row[column]}" for column in COLUMNS)
    figures = ", ".join(f"{name} {value}" for name, value in dict(row["figures"]).items())  # type: ignore[call-overload]
    held = f"{row['survived']}/{row['tried']}"
    return f"{row['fault']} {row['name']:<20} {held:>11}  {counts}  {row['seconds']} s  ({figures})"


if __name__ == "__main__":
    sys.exit(main())
