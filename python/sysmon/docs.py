"""The pages that are made from the code: docs/metrics.md from the registry, docs/cli.md from `--help`.

    python -m sysmon.docs              writes all of them below ./docs
    python -m sysmon.docs metrics cli  only these

Tests hold the committed pages against what is made here.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
from sysmon._core import registry
from sysmon.cli import main as sysmon
from sysmon.cli.exits import Code
from sysmon.cli.metrics import interval_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysmon._core import MetricInfo

_CODES = {
    Code.OK: "ok",
    Code.UNEXPECTED: "unexpected",
    Code.USAGE: "usage",
    Code.CONFIG: "configuration invalid",
    Code.NOT_ALLOWED: "not allowed",
    Code.UNREACHABLE: "aggregator unreachable, too busy or timed out",
    Code.NOT_FOUND: "not found",
    Code.PARTIAL: "partial: data printed, but some are missing or old",
    Code.WARNINGS: "warnings (`--fail-on`)",
    Code.CRITICAL: "critical (`--fail-on`)",
    Code.SPOOL_IN_USE: "data folder or spool in use by another process",
    Code.UNSAFE_FILE: "a file with a secret may be read or changed by others",
    Code.INTERRUPTED: "interrupted",
}


def metrics_page() -> str:
    """docs/metrics.md: every metric of the registry, a section a family."""
    infos = registry()
    lines = [
        "# Metrics",
        "",
        "Made from the registry by `python -m sysmon.docs`; `sysmon metrics explain TYPE` prints the same.",
        "",
        "Percentages are 0–100. Counters are stored as the kernel has them and grow within a boot; rates are",
        "made when they are read. A value that a kernel does not have is absent, never 0. Metrics that are",
        "*off* are collected when `collectors.enable` names them or their family.",
        "",
        f"{len(infos)} metrics.",
    ]
    for family, members in groupby(infos, key=lambda info: info.name.split(".")[0]):
        lines += ["", f"## {family}", ""]
        lines += [
            "| metric | unit | kind | tags | source | since | read |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        rows = list(members)
        lines += [_row(info) for info in rows]
        lines += ["", *(_explanation(info) for info in rows)]
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    """docs/cli.md: every command's `--help`, and the exit codes."""
    lines = [
        "# The command line",
        "",
        "Made from `--help` by `python -m sysmon.docs`.",
        "",
        "## Exit codes",
        "",
        "| code | means |",
        "| ---: | --- |",
        *(f"| {code.value} | {text} |" for code, text in _CODES.items()),
    ]
    for path, help_text in _commands(
        sysmon, click.Context(sysmon, info_name="sysmon", max_content_width=100)
    ):
        lines += ["", f"## {path}", "", "```text", help_text, "```"]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {"metrics": metrics_page, "cli": cli_page}


def main(arguments: list[str]) -> int:
    """Writes the pages; 2 for a page that is not known."""
    names = arguments or list(PAGES)
    if unknown := [name for name in names if name not in PAGES]:
        sys.stderr.write(f"no page {unknown[0]!r}; there are: {', '.join(PAGES)}\n")
        return Code.USAGE
    for name in names:
        path = Path("docs") / f"{name}.md"
        path.write_text(PAGES[name](), encoding="utf-8")
        sys.stderr.write(f"{path}\n")
    return Code.OK


def _row(info: MetricInfo) -> str:
    cells = (
        f"`{info.name}`",
        info.unit or "count",
        info.kind,
        ", ".join(info.tags),
        _cell(info.source),
        _cell(info.since),
        interval_text(info) + ("" if info.default_on else ", off"),
    )
    return "| " + " | ".join(cells) + " |"


def _explanation(info: MetricInfo) -> str:
    formula = f" `{info.formula}`" if info.formula else ""
    return f"- **{info.name}**: {info.help}{formula}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _commands(
                    child, click.Context(child, parent=context, info_name=name, max_content_width=100)
                )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
