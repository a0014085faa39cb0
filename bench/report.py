"""The machine a benchmark ran on, and its figures as one table a subject."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Figure:
    """One row: what was measured, its value, and what it is held against."""

    what: str
    value: str
    beside: str = ""  # the floor or the peer, and the ratio
    bar: str = ""  # the bar of the project; with "met" or "MISSED"


def bar(limit: str, met: bool) -> str:
    """The text of a bar and how it went."""
    return f"{limit}: {'met' if met else 'MISSED'}"


def machine() -> str:
    """One line: CPU model, cores, memory, kernel, Python."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    software = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} × {cpu}, {memory_gib:.0f} GiB, {software}"


def show(title: str, figures: list[Figure]) -> None:
    """Print a Markdown table of one subject."""
    rows = [("figure", "value", "beside", "bar"), *((f.what, f.value, f.beside, f.bar) for f in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    print(f"\n## {title}\n")
    for i, row in enumerate(rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if i == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
