"""`sysmon config`: this host's agent settings, read and edited line by line."""

from __future__ import annotations

import difflib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sysmon import agent_settings, validate_agent_config
from sysmon import config as settings
from sysmon.cli import complete
from sysmon.cli.base import CliGroup, common, note, require, warn
from sysmon.cli.exits import CliError, Code
from sysmon.cli.output import Column, Output, Row, output_options, to_locale, write_json, write_text
from sysmon.config_edit import line_of, set_value, unset_value, write_private
from sysmon.errors import ConfigError
from sysmon.format import printable

if TYPE_CHECKING:
    from sysmon.config import Setting

# Read once at start; everything else follows a SIGHUP.
RESTART_KEYS = ("mode", "spool.dir")


@click.group(cls=CliGroup)
def config() -> None:
    """Read and change this host's agent settings.

    \b
    sysmon config list --origin
    sysmon config set mode distributed
    sysmon config set aggregator_url http://central-server:9000
    """


@config.command("list")
@click.option("--origin", is_flag=True, help="Where each value comes from.")
@output_options
def list_settings(origin: bool, out: Output) -> int:
    """List every setting and its value.

    \b
    sysmon config list
    sysmon config list --origin --json
    """
    current = common().configuration()
    for text in current.warnings:
        warn(text)
    rows = [_row(setting) for setting in current.settings]
    columns = [c for c in _COLUMNS if origin or c.key != "origin"]
    out.emit({"file": str(current.file) if current.file else None, "settings": rows}, rows, columns)
    return Code.OK


@config.command("get")
@click.argument("key", shell_complete=complete.keys)
@output_options
def get(key: str, out: Output) -> int:
    """Print the value of one setting; a secret only by its fingerprint.

    \b
    sysmon config get push_interval
    sysmon config get host_tags.role
    """
    current = common().configuration()
    setting, sub = _setting(key)
    row = _row(current.find(setting.key) or setting)
    if sub:
        pairs = dict(pair.partition("=")[::2] for pair in row["value"].split(",") if pair)
        require(sub in pairs, f"{key} is not set", code=Code.NOT_FOUND)
        row = {**row, "key": key, "value": pairs[sub]}
    if out.format == "table":
        write_text(to_locale(printable(row["value"])) + "\n")
    else:
        out.emit(row, [row], _COLUMNS)
    return Code.OK


@config.command("set")
@click.argument("key", shell_complete=complete.keys)
@click.argument("value", required=False)
@click.option("--dry-run", is_flag=True, help="Print the file as it would be; change nothing.")
def set_(key: str, value: str | None, dry_run: bool) -> int:
    """Set one setting in the file; comments and order stay.

    \b
    sysmon config set mode distributed
    sysmon config set push_interval 10s
    sysmon config set host_tags role=web-server,datacenter=us-east-1
    sysmon config set auth_token            asks for it: a secret is never an argument
    """
    setting, sub = _setting(key)
    if setting.secret:
        require(
            value is None,
            f"{key} is a secret: as an argument everyone on this machine could read it",
            f"`sysmon config set {key}` asks for it, or reads it from a pipe.",
        )
        value = _ask(key)
    require(value is not None, f"expected a value: sysmon config set {key} VALUE")
    assert value is not None  # noqa: S101 - require ended the command otherwise
    path, text = _file()
    edited = set_value(
        text, settings.key_path(key), value if sub else settings.parse_value(value, setting.unit)
    )
    issues = validate_agent_config(edited, str(path))
    # What is wrong in itself is not written; what only leaves the whole unfinished is, with a warning.
    if mine := [issue for issue in issues if issue.key == setting.key and settings.is_wrong(issue, edited)]:
        raise ConfigError(f"{key}: {mine[0].message}")
    _write(path, edited, key, [str(issue) for issue in issues], dry_run=dry_run)
    return Code.OK


@config.command("unset")
@click.argument("key", shell_complete=complete.keys)
@click.option("--dry-run", is_flag=True, help="Print the file as it would be; change nothing.")
def unset(key: str, dry_run: bool) -> int:
    """Remove one setting from the file, so that its default holds.

    \b
    sysmon config unset push_interval
    """
    _setting(key)
    path, text = _file()
    edited = unset_value(text, settings.key_path(key))
    require(edited != text, f"{key} is not set in {path}", code=Code.NOT_FOUND)
    issues = validate_agent_config(edited, str(path))
    _write(path, edited, key, [str(issue) for issue in issues], dry_run=dry_run)
    return Code.OK


@config.command("validate")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@output_options
def validate(file: Path | None, out: Output) -> int:
    """Check a settings file as the agent would; exit code 3 on errors.

    \b
    sysmon config validate
    sysmon config validate ./agent.yaml
    """
    path = file or settings.settings_file(common().config_file, os.environ)
    if not path.exists():
        require(file is None, f"there is no file {path}", code=Code.NOT_FOUND)
        note(f"{path} does not exist: every setting has its default")
        return Code.OK
    text = settings.read_file(path)
    issues = validate_agent_config(text, str(path))
    rows: list[Row] = [
        {"level": i.level, "line": i.line, "column": i.column, "key": i.key, "message": i.message}
        for i in issues
    ]
    if out.format != "table":
        out.emit({"file": str(path), "issues": rows}, rows, _ISSUE_COLUMNS)
    elif rows:
        write_text("".join(f"{issue.level}: {to_locale(printable(str(issue)))}\n" for issue in issues))
    else:
        write_text(f"{to_locale(printable(str(path)))}: ok\n")
    if any(issue.level == "error" for issue in issues):
        return Code.CONFIG
    if line_of(text, settings.key_path("auth_token")) is not None:
        settings.check_private(path)
    return Code.OK


@config.command("path")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def path_(as_json: bool) -> int:
    """Print the settings file in use, or the one that `config set` would make.

    \b
    sysmon config path
    """
    path = settings.settings_file(common().config_file, os.environ)
    if as_json:
        write_json({"path": str(path), "exists": path.exists()})
        return Code.OK
    write_text(f"{path}\n")
    if not path.exists():
        note("it does not exist yet")
    return Code.OK


def _setting(key: str) -> tuple[Setting, str]:
    """The setting of a key and, for `host_tags.role`, the part within the map; else a usage error."""
    known = {s["key"]: settings.Setting(**s, origin="default") for s in agent_settings()}
    parent, _, sub = key.partition(".")
    if key in known:
        return known[key], ""
    if parent in known and known[parent].unit == "map" and sub:
        return known[parent], sub
    near = difflib.get_close_matches(key.removeprefix("agent."), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise CliError(Code.USAGE, f"no setting {key!r}.{hint}", "sysmon config list")


def _row(setting: Setting) -> Row:
    return {
        "key": setting.key,
        "value": setting.shown,
        "default": setting.default,
        "unit": setting.unit,
        "help": setting.help,
        "secret": setting.secret,
        "origin": setting.origin,
    }


def _file() -> tuple[Path, str]:
    path = settings.settings_file(common().config_file, os.environ)
    return path, settings.read_file(path)


def _ask(key: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(key, hide_input=True, err=True))
    value = sys.stdin.readline().strip()
    require(bool(value), f"expected {key} on standard input")
    return value


def _write(path: Path, text: str, key: str, issues: list[str], *, dry_run: bool) -> None:
    for issue in issues[:2]:
        warn(issue)
    if dry_run:
        write_text(_without_secrets(text))
        return
    others_could_read = path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    try:
        write_private(path, text)
    except OSError as error:  # somebody else's, a read-only disk, no folder can be made there
        raise CliError(
            Code.NOT_ALLOWED,
            f"{path} cannot be written: {error.strerror}",
            "sudo, or --config with a file of your own.",
        ) from error
    note(f"{path}: {key} written" + (", mode now 0600" if others_could_read else ""))
    restart = key in RESTART_KEYS
    note("takes effect when the agent " + ("is restarted" if restart else "reloads (SIGHUP) or is started"))


def _without_secrets(text: str) -> str:
    for setting in agent_settings(text):
        if setting["secret"] and setting["value"] and line_of(text, settings.key_path(setting["key"])):
            text = set_value(text, settings.key_path(setting["key"]), settings.masked(setting["value"]))
    return text


_COLUMNS = (
    Column("key", "KEY", lambda row: row["key"]),
    Column("value", "VALUE", lambda row: row["value"] or ("-", "dim")),
    Column(
        "origin",
        "ORIGIN",
        lambda row: (row["origin"], "dim") if row["origin"] == "default" else row["origin"],
    ),
    Column("unit", "UNIT", lambda row: (row["unit"], "dim"), drop=2),
    Column("help", "HELP", lambda row: (row["help"], "dim"), drop=3),
)
_ISSUE_COLUMNS = (
    Column("level", "LEVEL", lambda row: row["level"]),
    Column("line", "LINE", lambda row: str(row["line"]), right=True),
    Column("column", "COLUMN", lambda row: str(row["column"]), right=True),
    Column("key", "KEY", lambda row: row["key"] or "-"),
    Column("message", "MESSAGE", lambda row: row["message"]),
)
