"""F44, `make soak`: an aggregator and its agents live through what a seed draws, for as long as is wanted.

    PYTHONPATH=tests .venv/bin/python -m faults.soak [--seconds 600] [--seed 7] [--json build/soak.json]

Exit code 1 if anything did not hold. The same seed and the same size draw the same troubles.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from random import Random

from faults.soak_plan import Size
from faults.soak_report import board_of, print_board
from faults.soak_run import live_through


def main() -> int:
    options = argparse.ArgumentParser(prog="faults.soak", description="A day of random faults, or less.")
    options.add_argument("--seconds", type=float, default=600, help="how long; some more until all is judged")
    options.add_argument("--seed", type=int, default=None, help="of everything; a new one if not given")
    options.add_argument("--agents", type=int, default=Size.agents)
    options.add_argument(
        "--killing", type=float, default=Size.killing, help="share of it in which somebody is killed"
    )
    options.add_argument("--json", type=Path, default=Path("build/soak.json"), help="the scoreboard")
    chosen = options.parse_args()
    seed = chosen.seed if chosen.seed is not None else Random().randrange(1, 1 << 31)
    size = Size(chosen.seconds, chosen.agents, killing=chosen.killing)
    replay = f"--seconds {size.seconds:g} --agents {size.agents} --killing {size.killing:g} --seed {seed}"
    print(f"faults.soak {replay}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sysmon-soak-") as folder:
        report = live_through(seed, size, Path(folder) / "lab")
    board = board_of(report)
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(board, indent=1) + "\n", encoding="utf-8")
    print_board(board)
    print(f"{'all held' if not report.not_held else 'not all held'}; {chosen.json}; again: {replay}")
    return 1 if report.not_held else 0


if __name__ == "__main__":
    sys.exit(main())
