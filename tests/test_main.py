"""The `sysmon-aggregator` command: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator_process import TOKEN, AggregatorProcess
from sysmon.aggregator.main import main


def run(home: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A start that must fail."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SYSMON_")}
    command = [sys.executable, "-m", "sysmon.aggregator.main", "--data-dir", str(home / "data"), *args]
    return subprocess.run(
        command, env={**clean, "HOME": str(home), **env}, capture_output=True, text=True, timeout=60
    )


def push(url: str, token: str = TOKEN) -> int:
    request = urllib.request.Request(
        f"{url}/api/metrics",
        b'{"hostname": "web01", "metrics": []}',
        {"X-SysMon-Token": token, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_without_a_token_it_says_how_to_make_one(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 3
    assert "sysmon token new" in ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_exit_codes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("abc")
    token.chmod(0o644)
    assert run(tmp_path, SYSMON_AUTH_TOKEN_FILE=str(token)).returncode == 78
    assert run(tmp_path, "--config", str(tmp_path / "none"), SYSMON_AUTH_TOKEN=TOKEN).returncode == 3
    assert run(tmp_path, "--port", "70000").returncode == 2
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run(tmp_path, "--port", str(taken.getsockname()[1]), SYSMON_AUTH_TOKEN=TOKEN)
    assert ended.returncode == 1
    assert "--port" in ended.stderr


def test_a_second_one_on_the_same_folder_ends_with_75(tmp_path: Path) -> None:
    with AggregatorProcess(tmp_path):
        ended = run(tmp_path, SYSMON_AUTH_TOKEN=TOKEN)
    assert ended.returncode == 75
    assert "in use" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    with AggregatorProcess(tmp_path) as running:
        assert push(running.url) == 200
        assert running.stop(number) == 0
        running.start()
        assert push(running.url) == 200


def test_hangup_reads_the_tokens_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    with AggregatorProcess(tmp_path, SYSMON_AUTH_TOKEN="", SYSMON_AUTH_TOKEN_FILE=str(token)) as running:
        assert push(running.url) == 200
        token.write_text("n" * 40 + "\n" + TOKEN)  # both for a while
        hang_up(running, "2 may push")
        assert (push(running.url), push(running.url, "n" * 40)) == (200, 200)
        token.write_text("n" * 40)
        hang_up(running, "1 may push")
        assert (push(running.url), push(running.url, "n" * 40)) == (401, 200)
        token.write_text("")
        hang_up(running, "the old ones stay")
        assert push(running.url, "n" * 40) == 200


def test_a_weak_token_works_and_is_warned_about(tmp_path: Path) -> None:
    with AggregatorProcess(tmp_path, SYSMON_AUTH_TOKEN="secret123") as running:
        assert push(running.url, "secret123") == 200
        assert "sysmon token new" in running.log.read_text()
        assert "secret123" not in running.log.read_text()


def hang_up(running: AggregatorProcess, expected: str) -> None:
    before = running.log.read_text().count(expected)
    running.process.send_signal(signal.SIGHUP)
    for _ in range(1000):
        if running.log.read_text().count(expected) > before:
            return
        push(running.url, "nobody")
    raise AssertionError(running.log.read_text())


def test_secrets_stay_where_they_are(tmp_path: Path) -> None:
    with AggregatorProcess(tmp_path) as running:
        push(running.url, "wrong-token-of-somebody")
        admin = (running.data / "admin_token").read_text().strip()
        assert (running.data / "admin_token").stat().st_mode & 0o077 == 0
        assert running.data.stat().st_mode & 0o077 == 0
        assert (running.data / "sysmon.db").stat().st_mode & 0o077 == 0
        with urllib.request.urlopen(f"{running.url}/metrics", timeout=30) as answer:
            metrics = answer.read().decode()
        with urllib.request.urlopen(f"{running.url}/api/health", timeout=30) as answer:
            health = answer.read().decode()
        command = Path(f"/proc/{running.process.pid}/cmdline").read_text()
    told = running.log.read_text() + metrics + health + command
    assert not [secret for secret in (TOKEN, admin, "wrong-token-of-somebody") if secret in told]


def test_help_has_an_example_and_every_default() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "Example:" in result.output
    for option in ("--host", "--port", "--data-dir", "--config"):
        assert option in result.output
    assert "127.0.0.1" in result.output
    assert "9000" in result.output
