"""The pages that are made from the code: metrics, commands, settings, the API, names in Prometheus.

    python -m sysmon.docs              writes all of them below ./docs
    python -m sysmon.docs metrics cli  only these

Tests hold the committed pages against what is made here.
"""

from __future__ import annotations

import sys
from inspect import cleandoc
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sysmon import registry
from sysmon.cli import main as sysmon
from sysmon.cli.base import common_params
from sysmon.cli.exits import Code
from sysmon.cli.metrics import interval_text
from sysmon.docs.api import api_page
from sysmon.docs.configuration import configuration_page
from sysmon.docs.prometheus import prometheus_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sysmon import MetricInfo

_CODES = {
    Code.OK: "ok",
    Code.UNEXPECTED: "unexpected",
    Code.USAGE: "usage",
    Code.CONFIG: "configuration invalid",
    Code.NOT_ALLOWED: "not allowed",
    Code.UNREACHABLE: "aggregator unreachable, too busy or timed out",
    Code.NOT_FOUND: "not found",
    Code.PARTIAL: "partial: data printed, but some are missing or old",
    Code.WARNINGS: "warnings (`doctor`, `--fail-on`)",
    Code.CRITICAL: "critical (`doctor`, `db check`, `--fail-on`)",
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
    """docs/cli.md: every command with its options, from the text that `--help` shows, and the exit codes."""
    lines = [
        "# The command line",
        "",
        "Made from the commands' own help by `python -m sysmon.docs`; `-h` after any of them prints it.",
        "",
        "## Exit codes",
        "",
        "| code | means |",
        "| ---: | --- |",
        *(f"| {code.value} | {text} |" for code, text in _CODES.items()),
        "",
        "## Options of every command",
        "",
        *_option_rows(common_params()),
    ]
    for path, command in _commands(sysmon, "sysmon"):
        lines += ["", f"## {path}", "", *_help_text(command)]
        shared = {param.name for param in common_params()}
        own = [p for p in command.params if isinstance(p, click.Option) and p.name not in shared]
        if own:
            lines += ["", *_option_rows(own)]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "metrics": metrics_page,
    "cli": cli_page,
    "configuration": configuration_page,
    "api": api_page,
    "prometheus-names": prometheus_page,
}


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


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _commands(child, f"{path} {name}")


def _help_text(command: click.Command) -> Iterator[str]:
    """The help's paragraphs; those that click keeps as they are (\\b) are examples."""
    for at, paragraph in enumerate(cleandoc(command.help or "").split("\n\n")):
        if at:
            yield ""
        if paragraph.startswith("\b\n"):
            yield from ("```console", *paragraph.split("\n")[1:], "```")
        else:
            yield paragraph.replace("\n", " ")


def _option_rows(options: Sequence[click.Parameter]) -> Iterator[str]:
    yield "| option | meaning |"
    yield "| --- | --- |"
    for option in options:
        if not isinstance(option, click.Option):
            continue
        names = ", ".join([*option.opts, *option.secondary_opts])
        value = "" if option.is_flag else f" {_value_name(option)}"
        default = f" [default: {option.default}]" if option.show_default else ""
        yield f"| `{_cell(names + value)}` | {_cell(option.help or '')}{default} |"


def _value_name(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    return option.type.name.split()[0].upper()
