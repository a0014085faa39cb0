"""`make fuzz`: every libFuzzer target for a while, and a table of what they tried.

    PYTHONPATH=tests .venv/bin/python -m fuzz [--seconds 60] [TARGET …]

Inputs that found something new stay in build/fuzz/corpus, those that crash in build/fuzz/crashes. Exit code 1
if there was one; it is run again by `build/fuzz/tests/fuzz/fuzz_TARGET FILE`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "fuzz"
PROGRAMS = BUILD / "tests" / "fuzz"
SEEDS = ROOT / "tests" / "fuzz" / "corpus"
# Of one input: none of the parsers may take that long or that much.
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=512")


@dataclass(frozen=True)
class Outcome:
    """What one target did: inputs tried, edges of its code reached, files that crash it."""

    name: str
    tried: int
    edges: int
    inputs: int
    crashes: tuple[Path, ...]
    code: int
    why: str


def targets() -> list[str]:
    """The names of all targets, from their sources."""
    return sorted(path.stem.removeprefix("fuzz_") for path in Path(__file__).parent.glob("fuzz_*.cpp"))


def run(name: str, seconds: float) -> Outcome:
    """Searches for `seconds`, from the committed inputs and those that earlier runs found."""
    found, crashes = BUILD / "corpus" / name, BUILD / "crashes" / name
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    command = [
        PROGRAMS / f"fuzz_{name}", f"-max_total_time={seconds:.0f}", *LIMITS, "-print_final_stats=1",
        f"-artifact_prefix={crashes}/", found, SEEDS / name,
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    log = result.stderr
    progress = re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)", log)
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    summary = re.search(r"^SUMMARY: (.*)$", log, re.MULTILINE)
    return Outcome(
        name,
        int(executed[1]) if executed else 0,
        int(progress[-1][0]) if progress else 0,
        int(progress[-1][1]) if progress else 0,
        tuple(sorted(set(crashes.iterdir()) - before)),
        result.returncode,
        summary[1] if summary else log[-300:] if result.returncode else "",
    )


def main() -> int:
    options = argparse.ArgumentParser(prog="fuzz", description="Searches for inputs that crash a parser.")
    options.add_argument("--seconds", type=float, default=60, help="for each target")
    options.add_argument("target", nargs="*", default=targets(), help="all of them, unless named")
    chosen = options.parse_args()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda name: run(name, chosen.seconds), chosen.target))
    print(f"{'target':<10} {'tried':>12} {'edges':>7} {'inputs':>7}  crashes")
    for one in outcomes:
        print(f"{one.name:<10} {one.tried:>12,} {one.edges:>7,} {one.inputs:>7,}  {len(one.crashes)}")
    failed = [one for one in outcomes if one.code or one.crashes]
    for one in failed:
        print(f"{one.name}: {one.why}")
        for path in one.crashes:
            print(f"  build/fuzz/tests/fuzz/fuzz_{one.name} {path.relative_to(ROOT)}")
    print(f"{sum(one.tried for one in outcomes):,} inputs, {len(failed)} of {len(outcomes)} targets failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
