"""What every command shares: the common options, how errors end, how help looks.

`CliGroup.main` is the one place where an exception becomes an exit code and at most three lines on stderr.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sysmon.cli.exits import CliError, Code, explain
from sysmon.errors import SysmonError
from sysmon.format import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sysmon.client import Client
    from sysmon.config import Configuration

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@dataclass
class Common:
    """What the common options say; one per run, kept as the root context's `obj`."""

    config_file: Path | None = None
    aggregator: str | None = None
    timeout_s: float | None = None
    color: str = "auto"
    debug: bool = False

    def configuration(self) -> Configuration:
        """Where settings come from, flags included."""
        from sysmon.config import load

        flags = {"aggregator_url": self.aggregator} if self.aggregator else {}
        return load(self.config_file, flags=flags)

    def client(self, *, admin: bool = False) -> Client:
        """A client of the configured aggregator, else of this machine's; `admin`: with the admin token."""
        from sysmon.client import DEFAULT_URL, READ_S, Client

        settings = self.configuration()
        url = settings.get("aggregator_url") or DEFAULT_URL
        if admin:
            token = settings.admin_token(url)
        else:  # on the aggregator's own machine its user may look, whatever asks for a token from outside
            token = settings.environment.get("SYSMON_READ_TOKEN") or settings.local_admin_token(url)
        return Client(url, token or settings.read_token(), self.timeout_s or READ_S)


def common(ctx: click.Context | None = None) -> Common:
    """The common options of the run that `ctx` (default: the current one) belongs to."""
    root = (ctx or click.get_current_context()).find_root()
    if not isinstance(root.obj, Common):
        root.obj = Common()
    return root.obj


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # Given or not given: the same option may stand before and after the command, and only what was given
    # counts.
    if value is not None and value is not False:
        setattr(common(ctx), str(param.name), value)


def common_params() -> list[click.Parameter]:
    def option(*names: str, **more: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, is_eager=True, **more)

    return [
        option("--aggregator", metavar="URL",
               help="The aggregator [default: aggregator_url, else this machine's]."),
        option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Settings file [default: ~/.sysmon/agent.yaml, else /etc/sysmon/agent.yaml].",
        ),
        option("--timeout", "timeout_s", type=click.FloatRange(min=0.1), metavar="SECONDS",
               help="Longest wait for an answer [default: 15; of sql 10]."),
        option("--color", type=click.Choice(["auto", "never", "always"]), help="Colour [default: auto]."),
        option("--debug", is_flag=True, default=False, help="Show a traceback with an error."),
    ]  # fmt: skip


class CliCommand(click.Command):
    """A command that takes the common options too."""

    def __init__(self, *args: Any, **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self.context_settings = {**HELP, **self.context_settings}
        self.params.extend(common_params())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options first; those that all commands have below."""
        shared = {param.name for param in common_params()}
        for title, mine in (("Options", True), ("Common options", False)):
            records = [
                record
                for param in self.get_params(ctx)
                if isinstance(param, click.Option)
                and (param.name not in shared) is mine
                and (record := param.get_help_record(ctx)) is not None
            ]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class CliGroup(click.Group):
    """A group of commands; as the outermost it is the program."""

    command_class = CliCommand
    group_class = type  # subgroups are CliGroups too

    def __init__(self, *args: Any, **attrs: Any) -> None:
        super().__init__(*args, **attrs)
        self.context_settings = {**HELP, **self.context_settings}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = (
                f" Did you mean {near[0]!r}?"
                if near
                else f" There are: {', '.join(self.list_commands(ctx))}."
            )
            raise click.UsageError(f"no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # before click sees it, which would make it exit code 1
            return _reader_gone()

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Runs the program and exits with its code (cli/exits.py)."""
        extra["standalone_mode"] = False
        state = Common()
        if sys.stdout is None:  # `>&-`
            _say("error: stdout is closed, so there is nowhere to write to")
            sys.exit(Code.UNEXPECTED)
        try:
            code = super().main(args, *rest, obj=state, **extra)
            sys.stdout.flush()
        except BrokenPipeError:
            code = _reader_gone()
        except (click.Abort, KeyboardInterrupt):
            code = Code.INTERRUPTED
        except click.ClickException as error:
            code = _usage(error)
        except SysmonError as error:
            code = _fail(error, state)
        except OSError as error:
            code = _fail(error, state)
            _flush_or_forget()
        except Exception as error:  # the last line of defence: no traceback unless it is asked for
            code = _fail(error, state)
        sys.exit(code if isinstance(code, int) else Code.OK)


def _reader_gone() -> Code:
    """Whoever read stdout has gone, as in `| head`: nothing to say, and nothing to flush at exit."""
    _forget_output()
    return Code.OK


def _flush_or_forget() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _forget_output()


def _forget_output() -> None:
    """What is left in stdout's buffer cannot be written: it must not be tried again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message())
        return Code.OK
    context = getattr(error, "ctx", None)
    where = f" See: {context.command_path} --help" if context is not None else ""
    _say(f"error: {error.format_message()}{where}")
    return Code.USAGE


def _fail(error: Exception, state: Common) -> int:
    if isinstance(error, SysmonError):
        code, what, fix = explain(error)
        _say(f"error: {what}" + (f"\nFix: {fix}" if fix else ""))
    elif isinstance(error, OSError) and error.strerror:  # a full disk below stdout, a folder that vanished
        code = Code.UNEXPECTED
        _say("error: " + (f"{error.filename}: " if error.filename else "") + error.strerror)
    else:
        code = Code.UNEXPECTED
        _say(f"error: {type(error).__name__}: {error}\nFix: run it with --debug and report what it prints.")
    if state.debug:
        traceback.print_exception(error)
    return code


def _say(text: str) -> None:
    """At most three lines on stderr, none of which can steer the terminal."""
    lines = [printable(line) for line in text.splitlines()]
    click.echo("\n".join(lines[:3]), err=True)


def warn(text: str) -> None:
    """One line on stderr for what does not stop the command."""
    click.echo(f"warning: {printable(text)}", err=True)


def note(text: str) -> None:
    """A remark on stderr, so that stdout holds data alone."""
    click.echo(printable(text), err=True)


def require(condition: bool, message: str, fix: str = "", code: Code = Code.USAGE) -> None:
    """Ends the command with `code` unless the condition holds."""
    if not condition:
        raise CliError(code, message, fix)
