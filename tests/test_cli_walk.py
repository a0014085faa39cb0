"""Every command under every misuse: wrong token, wrong URL, no name service, half a configuration, a home
that cannot be written to, no terminal, a narrow one, another locale, a closed pipe, Ctrl-C. No traceback
anywhere, an error of at most three lines, and the exit code that the manual promises.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING, Any

import pytest

from cli_run import isolated
from command_table import COMMANDS, Command, leaves
from running_aggregator import RunningAggregator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_run import Cli, Result

ASKING = [command for command in COMMANDS if command.asks]
CONFIGURED = [command for command in COMMANDS if command.configured]
ENDING = [command for command in COMMANDS if not command.stays]
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
NARROW = 40
# Lines that nothing may cut: paths, tokens, a shell's script, rows for programs.
UNCUT = {
    "config path",
    "config set",
    "config unset",
    "config validate",
    "completion",
    "db backup",
    "db check",
    "db compact",
    "metrics export",
    "token new",
}


class Walk:
    """A small fleet, and a home to run commands in."""

    def __init__(self, home: Path, aggregator: RunningAggregator) -> None:
        self.home = home
        admin = aggregator.aggregator.settings.admin_token
        self.env = {
            "HOME": str(home),
            "SYSMON_AGGREGATOR_URL": aggregator.url,
            "SYSMON_READ_TOKEN": str(admin),
            "SYSMON_ADMIN_TOKEN": str(admin),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }

    def popen(self, command: Command, **env: str) -> tuple[list[str], dict[str, str]]:
        """Command line and environment of a process of its own."""
        ours = {
            k: v for k, v in os.environ.items() if not k.startswith(("SYSMON_", "LC_", "LANG", "COLUMNS"))
        }
        if command.words == "db backup":
            (self.home / "copy.db").unlink(missing_ok=True)
        return [sys.executable, "-m", "sysmon.cli", *command.line(self.home)], {**ours, **self.env, **env}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    home = tmp_path_factory.mktemp("home")
    (home / "spool").mkdir(mode=0o700)
    with RunningAggregator(home / "data", read_auth="token") as aggregator:
        for host, load in (("web01", 5.0), ("db01", 95.0)):
            for age_s in (20.0, 10.0, 0.0):
                tags = {"mountpoint": "/srv/a/long/path/of/" + host}
                metrics = [
                    ("cpu.total_usage", load),
                    ("memory.usage_percent", load, {}),
                    ("disk.usage_percent", load, tags),
                ]
                aggregator.push(host, metrics, age_s=age_s, tags={"role": "of-a-rather-long-name"})
        settings = home / ".sysmon" / "agent.yaml"
        settings.parent.mkdir()
        settings.write_text("agent:\n  collect_interval: 10s\n")
        yield Walk(home, aggregator)


def ids(command: Command) -> str:
    return command.words


def fails_well(result: Result, code: int) -> None:
    assert result.code == code, result.err
    assert result.err.startswith("error: ")
    assert len(result.err.splitlines()) <= 3
    assert "Traceback" not in result.err


def test_every_command_is_walked_over() -> None:
    assert {command.words for command in COMMANDS} == leaves()


# ---- misuse that needs no process of its own ---------------------------------------------------------------


def run(cli: Cli, command: Command, **env: str) -> Result:
    cli.env |= env
    return cli(*command.line(cli.home))


@pytest.mark.parametrize("command", ASKING, ids=ids)
def test_a_wrong_token_is_code_4(cli: Cli, walk: Walk, command: Command) -> None:
    wrong = {"SYSMON_READ_TOKEN": "w" * 40, "SYSMON_ADMIN_TOKEN": "w" * 40}
    result = run(cli, command, SYSMON_AGGREGATOR_URL=walk.env["SYSMON_AGGREGATOR_URL"], **wrong)
    fails_well(result, 4)
    assert "refused the token (401)" in result.err
    assert "Fix: " in result.err
    assert "wwww" not in result.err


@pytest.mark.parametrize(
    "url", ["central", "ftp://central:9000", "http://:9000", "http://central:port", "http://[::1"]
)
@pytest.mark.parametrize("command", ASKING, ids=ids)
def test_an_unusable_url_is_code_3(cli: Cli, command: Command, url: str) -> None:
    fails_well(run(cli, command, SYSMON_AGGREGATOR_URL=url), 3)


@pytest.mark.parametrize("command", ASKING, ids=ids)
def test_nobody_there_is_code_5(cli: Cli, command: Command) -> None:
    result = run(cli, command, SYSMON_AGGREGATOR_URL="http://127.0.0.1:1")
    fails_well(result, 5)
    assert "Fix: " in result.err


@pytest.mark.parametrize("command", ASKING, ids=ids)
def test_a_name_that_does_not_resolve_is_code_5(
    cli: Cli, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> Any:  # what the resolver says, without waiting for one
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    result = run(cli, command, SYSMON_AGGREGATOR_URL="http://no-such-host.invalid:9000")
    fails_well(result, 5)
    assert "does not resolve" in result.err


@pytest.mark.parametrize(
    "text", ["agent:\n  mode: distrib", "agent: {mode: local, push_int", "\x00\x01\xff", "[1, 2]\n"]
)
@pytest.mark.parametrize("command", CONFIGURED, ids=ids)
def test_half_a_configuration_is_code_3(cli: Cli, command: Command, text: str) -> None:
    cli.file.parent.mkdir()
    cli.file.write_text(text, encoding="latin-1")
    result = run(cli, command)
    assert "Traceback" not in result.err
    if command.words == "doctor":  # it tells this as the first of its checks
        assert result.code == 11
    else:
        fails_well(result, 3)
        assert str(cli.file) in result.err


@pytest.mark.parametrize("home", ["/sys/kernel/nobody", "/dev/null/nobody"])
@pytest.mark.parametrize("command", ENDING, ids=ids)
def test_a_home_that_cannot_be_written_to(
    tmp_path: Path, walk: Walk, monkeypatch: pytest.MonkeyPatch, command: Command, home: str
) -> None:
    cli = isolated(tmp_path, monkeypatch)
    cli.env |= walk.env | {"HOME": home, "XDG_CACHE_HOME": None}
    words = [word.replace("{home}", str(walk.home)) for word in command.arguments]
    if command.words == "db backup":
        words[0] = f"{home}/copy.db"
    result = cli(*command.words.split(), *words)
    assert "Traceback" not in result.err
    expected = {"config set": 4, "config unset": 6, "db backup": 6, "hosts archive": 6, "hosts rm": 6}
    if command.words in expected:
        fails_well(result, expected[command.words])
    else:
        assert result.code in command.codes, result.err


def test_nowhere_to_keep_samples_is_told(cli: Cli) -> None:
    for folder in ("/sys/kernel/nobody", "/dev/null/nobody"):
        fails_well(cli("up", "--port", "0", "--data-dir", folder), 4)
        fails_well(cli("demo", "--port", "0", "--no-agent", "--data-dir", folder), 1)


READ_ONLY = 'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" && exec "$@"'


@pytest.mark.parametrize(
    ("words", "code"),
    [("config set push_interval 5s", 4), ("config list", 0), ("hosts list", 0), ("completion bash", 0)],
)
def test_a_home_on_a_read_only_disk(walk: Walk, tmp_path: Path, words: str, code: int) -> None:
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, "sh"]
    env = {**os.environ, **walk.env, "HOME": str(tmp_path)}
    if subprocess.run([*command, "true"], env=env, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    line = [sys.executable, "-m", "sysmon.cli", *words.split()]
    ended = subprocess.run([*command, *line], env=env, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "Traceback" in ended.stderr) == (code, False), ended.stderr
    if code:
        assert "Read-only file system" in ended.stderr


def test_json_is_one_document_on_stdout(walk: Walk, cli: Cli, subtests: pytest.Subtests) -> None:
    cli.env |= walk.env
    for host in ("old01", "gone01"):
        assert cli("hosts", "add", host).code == 0
    cli("hosts", "rm", "new01", "--yes")
    for command in COMMANDS:
        if command.stays:
            continue
        with subtests.test(command.words):
            if command.words == "db backup":
                (walk.home / "copy.db").unlink(missing_ok=True)
            more = ["--json"] if command.json else []
            result = cli(*command.line(walk.home), *more)
            assert result.code in command.codes, result.err
            assert "Traceback" not in result.err
            if command.json:
                assert isinstance(result.json, dict)


# ---- processes ---------------------------------------------------------------------------------------------


def in_a_terminal(walk: Walk, command: Command, columns: int, **env: str) -> tuple[int, str, str]:
    """(exit code, what it wrote to a terminal so wide, what it wrote to stderr)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    line, environment = walk.popen(command, **env)
    with subprocess.Popen(
        line, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while select.select([ours], [], [], 60)[0] and (piece := os.read(ours, 65_536)):
                written += piece
        os.close(ours)
        assert process.stderr is not None
        err = process.stderr.read().decode()
    return process.returncode, written.decode(), err


@pytest.mark.parametrize("command", ENDING, ids=ids)
def test_a_narrow_terminal(walk: Walk, command: Command) -> None:
    code, out, err = in_a_terminal(walk, command, NARROW)
    assert "Traceback" not in out + err
    assert code != 1, err
    if command.words not in UNCUT:
        lines = ESCAPE.sub("", out).replace("\r", "").splitlines()
        assert max(map(len, lines), default=0) <= NARROW, out


@pytest.mark.parametrize("command", ENDING, ids=ids)
def test_a_dumb_terminal_in_another_locale(walk: Walk, command: Command) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TERM": "dumb"}
    code, out, err = in_a_terminal(walk, command, 80, **ascii_only)
    assert "Traceback" not in out + err
    assert code != 1, err
    assert out.isascii(), out
    assert "\x1b" not in out


@pytest.mark.parametrize("command", COMMANDS, ids=ids)
def test_a_closed_pipe_is_quiet(walk: Walk, command: Command) -> None:
    line, env = walk.popen(command)
    reads, writes = os.pipe()
    os.close(reads)
    process = subprocess.Popen(
        line, env=env, stdin=subprocess.DEVNULL, stdout=writes, stderr=subprocess.PIPE, text=True
    )
    os.close(writes)
    _, err = process.communicate(timeout=120)
    for word in ("Traceback", "BrokenPipe", "Broken pipe", "Exception ignored"):
        assert word not in err
    # What was archived or deleted before is not there any more.
    assert process.returncode in {*command.codes, 6}, err


@pytest.mark.parametrize("command", ASKING, ids=ids)
def test_ctrl_c_ends_a_wait_with_130(walk: Walk, command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        line, env = walk.popen(command, SYSMON_AGGREGATOR_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        process = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.stays], ids=ids)
def test_ctrl_c_ends_what_stays(walk: Walk, command: Command) -> None:
    line, env = walk.popen(command)
    process = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
