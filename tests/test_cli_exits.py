"""What every command keeps to: exit codes, streams, colour, locale, signals, broken pipes, help."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest

from scripted_server import ScriptedServer
from sysmon.cli import main
from sysmon.cli.exits import Code
from sysmon.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_run import Cli

HOST = {
    "hostname": "wëb01",
    "status": "online",
    "last_seen": 1.0,
    "tags": {},
    "latest": {"cpu.total_usage": 96.0},
}
HOSTS = json.dumps({"hosts": [HOST], "count": 1}).encode()


@pytest.fixture
def server(cli: Cli) -> Iterator[ScriptedServer]:
    with ScriptedServer(lambda _: (200, {}, HOSTS)) as running:
        cli.env["SYSMON_AGGREGATOR_URL"] = running.url
        yield running


def commands(command: click.Command = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    found = [path]
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        found += commands(child, (*path, name))
    return found


def run(home: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("SYSMON_", "LC_", "LANG", "NO_COLOR"))
    }
    env |= {"HOME": str(home), "LC_ALL": "C.UTF-8", **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "sysmon.cli", *arguments], env=env, capture_output=True, timeout=60, **more
    )


def test_the_codes_are_a_contract() -> None:
    assert {code.name: int(code) for code in Code} == {
        "OK": 0,
        "UNEXPECTED": 1,
        "USAGE": 2,
        "CONFIG": 3,
        "NOT_ALLOWED": 4,
        "UNREACHABLE": 5,
        "NOT_FOUND": 6,
        "PARTIAL": 7,
        "WARNINGS": 10,
        "CRITICAL": 11,
        "SPOOL_IN_USE": 75,
        "UNSAFE_FILE": 78,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (422, 2), (401, 4), (403, 4), (404, 6), (429, 5), (503, 5), (500, 1)],
)
def test_an_answer_decides_the_code(cli: Cli, server: ScriptedServer, status: int, code: int) -> None:
    server.script = [
        (
            status,
            {},
            b'{"error": {"code": "some_code", "message": "what\\nhappened\\nhere\\nand \\u001b[31m"}}',
        )
    ]
    result = cli("hosts", "list")
    assert result.code == code
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert len(result.err.splitlines()) <= 3
    assert "\x1b" not in result.err


def test_nobody_there_is_code_5_and_says_what_to_do(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = cli("--aggregator", url, "hosts", "list")
    assert result.code == 5
    assert result.err.startswith(f"error: aggregator {url} refused the connection")
    assert "Fix: " in result.err


def test_a_silent_aggregator_is_code_5(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = cli(
            "hosts", "list", "--aggregator", f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.1"
        )
    assert result.code == 5


def test_a_captive_portal_is_not_an_aggregator(cli: Cli, server: ScriptedServer) -> None:
    server.script = [(200, {}, b"<html>Sign in</html>")]
    result = cli("hosts", "list")
    assert result.code == 1
    assert "not as a sysmon aggregator" in result.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["host"], "Did you mean 'hosts'?"),
        (["hosts", "lits"], "Did you mean 'list'?"),
        (["hosts", "list", "--jsn"], "--json"),
        (["hosts", "show"], "HOST"),
        (["metrics", "query", "x", "--since", "soon"], "is not a duration"),
        (["hosts", "list", "--format", "xml"], "xml"),
    ],
)
def test_wrong_usage_is_code_2_with_a_hint(cli: Cli, arguments: list[str], hint: str) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert hint in result.err
    assert result.out == ""


@pytest.mark.parametrize("path", commands())
def test_help_begins_with_a_sentence_and_an_example(cli: Cli, path: tuple[str, ...]) -> None:
    short, long = cli(*path, "-h"), cli(*path, "--help")
    assert short.code == long.code == 0
    assert short.out == long.out
    usage, _, text = long.out.partition("\n\n")
    assert usage.startswith("Usage:")
    sentence, example, *_ = text.split("\n\n")
    assert sentence.strip().endswith((".", ":", "…"))
    assert example.strip().startswith("sysmon ")
    command = example.strip().splitlines()[0].split()
    if path:
        assert command[1 : 1 + len(path)] == list(path)[: len(command) - 1]


def test_a_fault_of_ours_has_a_traceback_only_when_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("sysmon.client.Client.hosts", broken)
    plain, debug = cli("hosts", "list"), cli("hosts", "list", "--debug")
    assert plain.code == debug.code == 1
    assert "RuntimeError: on purpose" in plain.err
    assert "Traceback" not in plain.err
    assert "Traceback" in debug.err


@pytest.mark.parametrize(
    ("arguments", "env", "colored"),
    [
        ([], {}, False),  # not a terminal
        (["--color", "always"], {}, True),
        (["--color", "never"], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"NO_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_terminals(
    cli: Cli, server: ScriptedServer, arguments: list[str], env: dict[str, str], colored: bool
) -> None:
    cli.env |= env
    assert ("\x1b[" in cli("hosts", "list", *arguments).out) is colored


@pytest.mark.parametrize(
    ("term", "no_color", "colored"),
    [("xterm-256color", "", True), ("dumb", "", False), ("xterm", "1", False)],
)
def test_a_terminal_may_refuse_colour(
    monkeypatch: pytest.MonkeyPatch, term: str, no_color: str, colored: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)
    with click.Context(main):
        assert (not console().no_color) is colored


def test_a_locale_without_utf8_gets_ascii(cli: Cli, server: ScriptedServer) -> None:
    server.script = [(200, {}, HOSTS)] * 4
    env = {
        "SYSMON_AGGREGATOR_URL": server.url,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "COLUMNS": "90",
    }
    for format in ("table", "plain", "json", "csv"):
        result = run(cli.home, "hosts", "list", "--format", format, env=env)
        assert result.returncode == 0, result.stderr
        assert result.stdout.isascii()
    narrow = run(cli.home, "top", "--interval", "50ms", env={**env, "COLUMNS": "40"})
    assert (narrow.returncode, narrow.stdout.isascii()) == (0, True), narrow.stderr
    assert b"* online" in run(cli.home, "hosts", "list", env=env).stdout


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_a_table_fits_the_terminal(cli: Cli, server: ScriptedServer, columns: int) -> None:
    long = {**HOST, "hostname": "h" * 50, "tags": {"role": "r" * 60}}
    server.script = [(200, {}, json.dumps({"hosts": [long]}).encode())]
    cli.env["COLUMNS"] = str(columns)
    lines = cli("hosts", "list").out.splitlines()
    assert max(map(len, lines)) <= columns
    assert "HOST" in lines[0]


def test_a_broken_pipe_is_quiet(cli: Cli, server: ScriptedServer) -> None:
    many = json.dumps({"hosts": [{**HOST, "hostname": f"host{at}"} for at in range(20_000)]}).encode()
    server.script = [(200, {}, many)]
    command = f"{sys.executable} -m sysmon.cli hosts list --format csv | head -1"
    env = {**os.environ, "HOME": str(cli.home), "SYSMON_AGGREGATOR_URL": server.url}
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=env, capture_output=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"hostname,")


@pytest.mark.parametrize(
    ("where", "said"), [("> /dev/full", "No space left on device"), (">&-", "stdout is closed")]
)
def test_output_that_cannot_be_written_is_one_line(cli: Cli, where: str, said: str) -> None:
    command = f"{sys.executable} -m sysmon.cli metrics list {where}"
    env = {**os.environ, "HOME": str(cli.home)}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {said}")
    assert result.stderr.count("\n") == 1


def test_ctrl_c_is_code_130(cli: Cli, server: ScriptedServer) -> None:
    result = cli.interrupted("hosts", "list", "--format", "csv", "--watch", "30", url=server.url)
    assert (result.code, result.out[:9]) == (130, "hostname,")
    assert "Traceback" not in result.err


def test_options_that_all_commands_share_stand_before_or_after(cli: Cli, server: ScriptedServer) -> None:
    cli.env["SYSMON_AGGREGATOR_URL"] = "http://127.0.0.1:1"
    assert cli("--aggregator", server.url, "hosts", "list").code == 0
    assert cli("hosts", "list", "--aggregator", server.url).code == 0
    assert cli("hosts", "list", "--aggregator", "central").code == 3


def test_a_new_token_stands_alone_on_stdout(cli: Cli) -> None:
    first, second = cli("token", "new"), cli("token", "new")
    assert re.fullmatch(r"[\w-]{43}\n", first.out)
    assert first.out != second.out
    assert first.out.strip() not in first.err
    assert "SYSMON_AUTH_TOKEN" in first.err


def test_the_version_is_told(cli: Cli) -> None:
    assert re.fullmatch(r"sysmon, version [\d.]+\n", cli("--version").out)
