"""Every `sysmon` command with arguments that work over a small fleet: what tests of all of them walk over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from sysmon.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Command:
    """One command line.

    Attributes:
        words: the command; the key it is found by.
        arguments: what makes it work; `{home}` is the home of the one who runs it.
        codes: how it may end over a fleet that is well.
        asks: it cannot do without the aggregator's answer.
        configured: it reads this host's settings.
        json: it prints data, and `--json` prints them as one document.
        stays: it runs until it is interrupted.
    """

    words: str
    arguments: tuple[str, ...] = ()
    codes: tuple[int, ...] = (0,)
    asks: bool = False
    configured: bool = False
    json: bool = True
    stays: bool = False

    def line(self, home: Path) -> list[str]:
        return [*self.words.split(), *(word.replace("{home}", str(home)) for word in self.arguments)]

    def __str__(self) -> str:
        return self.words


def _asks(words: str, *arguments: str, codes: tuple[int, ...] = (0,), json: bool = True) -> Command:
    return Command(words, arguments, codes, asks=True, configured=True, json=json)


COMMANDS = (
    Command("up", ("--port", "0", "--data-dir", "{home}/up"), json=False, stays=True),
    Command("now", ("--for", "50ms")),
    Command("top", ("--once", "--interval", "50ms")),
    Command("status", codes=(0, 7), configured=True),
    _asks("hosts list"),
    _asks("hosts add", "new01", "role=web", codes=(0, 2)),
    _asks("hosts show", "web01"),
    _asks("hosts compare", "web01", "db01"),
    _asks("hosts tag", "web01", "rack=12"),
    _asks("hosts archive", "old01"),
    _asks("hosts rm", "gone01", "--yes", json=False),
    Command("metrics list"),
    Command("metrics explain", ("cpu.total_usage",)),
    _asks("metrics query", "cpu.total_usage"),
    _asks("metrics export", "cpu.total_usage", json=False),
    Command("sql", ("SELECT hostname FROM hosts", "--data-dir", "{home}/data")),
    Command("db stats", ("--data-dir", "{home}/data")),
    Command("db check", ("--data-dir", "{home}/data")),
    Command("db backup", ("{home}/copy.db", "--data-dir", "{home}/data")),
    Command("db compact", ("--data-dir", "{home}/data")),
    Command("config list", configured=True),
    Command("config get", ("push_interval",), configured=True),
    Command("config set", ("push_interval", "20s"), json=False),
    Command("config unset", ("collect_interval",), json=False),
    Command("config validate"),
    Command("config path"),
    Command("doctor", codes=(0, 10, 11), configured=True),
    Command("completion", ("bash",), json=False),
    Command("agent spool", ("--dir", "{home}/spool"), codes=(0, 6)),
    Command("agent service install", ("--dry-run",), codes=(0, 3, 4, 6), json=False),
    Command("agent service remove", ("--dry-run",), codes=(0, 4, 6), json=False),
    Command("token new"),
    Command("demo", ("--hosts", "1", "--history", "1m", "--no-agent", "--port", "0"), json=False, stays=True),
)


def leaves(command: click.Command = main, path: tuple[str, ...] = ()) -> set[str]:
    """Every command that the program has, groups left out."""
    if not isinstance(command, click.Group):
        return {" ".join(path)}
    context = click.Context(command)
    children = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return {leaf for name, child in children if child is not None for leaf in leaves(child, (*path, name))}


def parameters(command: click.Command) -> list[click.Parameter]:
    """Every option and argument of a program."""
    found = list(command.params)
    if isinstance(command, click.Group):
        context = click.Context(command)
        children = [command.get_command(context, name) for name in command.list_commands(context)]
        found += [param for child in children if child is not None for param in parameters(child)]
    return found
