"""`sysmon completion`: what makes the shell complete commands, options, hosts and metrics."""

from __future__ import annotations

from typing import Final, Literal

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from sysmon.cli.base import CliCommand
from sysmon.cli.exits import Code

_SHELLS: Final[dict[str, type[ShellComplete]]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@click.command("completion", cls=CliCommand, short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion(shell: Literal["bash", "zsh", "fish"]) -> int:
    """Print what makes a shell complete sysmon's commands, options, hosts and metrics.

    \b
    sysmon completion bash > ~/.local/share/bash-completion/completions/sysmon
    sysmon completion zsh  > ~/.zfunc/_sysmon
    sysmon completion fish > ~/.config/fish/completions/sysmon.fish

    Host names come from the aggregator and are kept for a minute in ~/.cache/sysmon.
    """
    from sysmon.cli import main

    made = _SHELLS[shell](main, {}, "sysmon", "_SYSMON_COMPLETE")
    click.echo(made.source_template % made.source_vars())
    return Code.OK
