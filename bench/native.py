"""Figures of single parts, from the C++ benchmark program: collection beside its floor, the push decoder."""

from __future__ import annotations

import json
import subprocess

from bench.process import program
from bench.report import Figure, bar


def run(pattern: str) -> dict[str, dict[str, float]]:
    """Median CPU microseconds and counters of the benchmarks whose names match."""
    done = subprocess.run(
        [
            program("sysmon_bench"),
            f"--benchmark_filter={pattern}",
            "--benchmark_format=json",
            "--benchmark_repetitions=5",
            "--benchmark_enable_random_interleaving=true",  # a slow second hits both sides of a ratio
            "--benchmark_report_aggregates_only=true",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)["benchmarks"]
    return {row["run_name"]: row for row in rows if row["aggregate_name"] == "median"}


def collect() -> list[Figure]:
    rows = run("floor_reading_only|collect_and_parse")
    floor, ours = rows["floor_reading_only"], rows["collect_and_parse"]
    ratio = ours["cpu_time"] / floor["cpu_time"]
    return [
        Figure("reading a tick's files, nothing parsed (floor)", f"{floor['cpu_time']:.0f} µs"),
        Figure(
            f"collecting and parsing {ours['samples']:.0f} samples",
            f"{ours['cpu_time']:.0f} µs",
            f"{ratio:.2f} × the floor",
            bar("≤ 2 × the floor", ratio <= 2),
        ),
    ]


def decode() -> list[Figure]:
    figures = []
    for name, row in run("push").items():
        figures.append(Figure(name.replace("_", " "), f"{row['cpu_time']:.1f} {row['time_unit']}"))
    return figures
