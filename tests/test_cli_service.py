"""`sysmon agent service`: the units, what systemd makes of them, and what is written and deleted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from agent_program import INSTALLED_AGENT as AGENT
from aggregator_process import TOKEN, AggregatorProcess
from sysmon.cli import service_files
from sysmon.client import Client

if TYPE_CHECKING:
    from cli_run import Cli

UNITS = Path(service_files.__file__).parents[1] / "units"
ANALYZE = shutil.which("systemd-analyze")
# What systemd allows whatever the unit says.
ALWAYS = {"execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "sigreturn", "arch_prctl"}

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
needs_strace = pytest.mark.skipif(
    ANALYZE is None or shutil.which("strace") is None, reason="systemd-analyze and strace are not installed"
)


@pytest.fixture
def root(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree to install into, as root's or not."""
    monkeypatch.setattr(service_files, "_HIDDEN_FROM_AGGREGATOR", ("/nowhere",))
    return tmp_path / "root"


def settings_of_agent(
    root: Path, text: str = "mode: distributed, aggregator_url: http://central:9000"
) -> None:
    path = root / "etc/sysmon/agent.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"agent: {{{text}}}\n")
    path.chmod(0o600)


def token_of_agent(root: Path) -> Path:
    path = root / "etc/sysmon/token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path


# ---- the units ---------------------------------------------------------------------------------------------


def unit_text(name: str, folder: Path, *more: str) -> Path:
    """The unit as it is installed, with more lines in its [Service]."""
    text = (UNITS / f"{name}.service").read_text().replace("@program@", "/bin/true")
    path = folder / f"{name}.service"
    path.write_text(text.replace("[Install]", "\n".join([*more, "", "[Install]"])))
    return path


@needs_systemd
@pytest.mark.parametrize(
    ("name", "behind_proxy", "most"),
    [("sysmon-agent", False, 1.8), ("sysmon-aggregator", False, 1.3), ("sysmon-aggregator", True, 1.1)],
)
def test_systemd_finds_little_to_say(tmp_path: Path, name: str, behind_proxy: bool, most: float) -> None:
    drop_in = (UNITS / "behind-proxy.conf").read_text().partition("[Service]\n")[2]
    unit = unit_text(name, tmp_path, drop_in if behind_proxy else "")
    subprocess.run([str(ANALYZE), "verify", str(unit)], check=True, timeout=60)
    command = [str(ANALYZE), "security", "--offline=true", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", result.stdout)
    assert found, result.stdout + result.stderr
    assert float(found[1]) <= most


def allowed_calls(name: str) -> set[str]:
    """The system calls that the unit's filters leave."""
    sets: dict[str, set[str]] = {}
    group = ""
    listed = subprocess.run(
        [str(ANALYZE), "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    for line in listed.splitlines():
        if line.startswith("@"):
            group = line.strip()
            sets[group] = set()
        elif line.startswith("    ") and not line.strip().startswith("#"):
            sets[group].add(line.strip())

    def calls(word: str) -> set[str]:
        return set().union(*map(calls, sets[word])) if word.startswith("@") else {word}

    allowed = set(ALWAYS)
    for line in (UNITS / f"{name}.service").read_text().splitlines():
        if line.startswith("SystemCallFilter="):
            words = line.removeprefix("SystemCallFilter=")
            named = set().union(*map(calls, words.lstrip("~").split()))
            allowed = allowed - named if words.startswith("~") else allowed | named
    return allowed


def traced(log: Path) -> tuple[set[str], set[str], list[str]]:
    """(system calls, address families, lines that ask for memory to write and execute) of strace's log."""
    lines = log.read_text(errors="replace").splitlines()
    calls = {found[1] for line in lines if (found := re.match(r"(?:\[?\w* *\d+\]? +)?(\w+)\(", line))}
    families = {found[1] for line in lines if (found := re.search(r"\bsocket(?:pair)?\((AF_\w+)", line))}
    wild = [line for line in lines if "PROT_WRITE|PROT_EXEC" in line or "PROT_EXEC|PROT_WRITE" in line]
    return calls, families, wild


def end_child_of(strace: int) -> None:
    (child,) = psutil.Process(strace).children()
    child.terminate()


def is_covered(name: str, log: Path) -> None:
    calls, families, wild = traced(log)
    assert len(calls) > 20
    # As root SQLite gives its files to the database's owner; the service is not root.
    as_root = {"fchown"} if os.geteuid() == 0 else set()
    assert calls - as_root - allowed_calls(name) == set()
    unit = (UNITS / f"{name}.service").read_text()
    permitted = re.search(r"RestrictAddressFamilies=(.*)", unit)
    assert permitted
    assert families <= set(permitted[1].split())
    assert wild == []


@needs_strace
def test_the_agent_needs_no_more_than_its_unit_allows(tmp_path: Path) -> None:
    settings_of_agent(tmp_path, "mode: distributed, aggregator_url: http://localhost:1, push_interval: 200ms")
    log = tmp_path / "strace"
    settings = str(tmp_path / "etc/sysmon/agent.yaml")
    command = ["strace", "-f", "-o", str(log), str(AGENT), "--config", settings]
    env = {**os.environ, "HOME": str(tmp_path), "SYSMON_AUTH_TOKEN": TOKEN}
    env["SYSMON_SPOOL_DIR"] = str(tmp_path / "spool")
    env |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    agent = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    assert agent.stderr is not None
    assert any("cannot push" in line for line in agent.stderr)  # collectors may have said something before
    time.sleep(1)  # some ticks, also of the threads that ask slow sources
    end_child_of(agent.pid)
    assert agent.wait(30) == 0
    agent.stderr.close()
    is_covered("sysmon-agent", log)


@needs_strace
def test_the_aggregator_needs_no_more_than_its_unit_allows(tmp_path: Path) -> None:
    log = tmp_path / "strace"
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec strace -f -o {log} {service_files.sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator_process.sys.executable", str(wrapper))
        manager = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with AggregatorProcess(tmp_path / "home", **manager) as running:
            client = Client(running.url, TOKEN)
            client.push(b'{"hostname": "web01", "metrics": [{"type": "a.b", "value": 1}]}', {})
            assert client.health()["status"] == "ok"
            assert client.metrics(host="web01")["series"]
            admin = Client(running.url, (running.data / "admin_token").read_text().strip())
            assert admin.compact()["samples"] == 1
            assert admin.backup(str(tmp_path / "copy.db"))["bytes"]
            end_child_of(running.process.pid)
            assert running.wait() == 0
    is_covered("sysmon-aggregator", log)


# ---- installing --------------------------------------------------------------------------------------------


def test_the_agents_unit_names_its_program_and_files(cli: Cli, root: Path) -> None:
    settings_of_agent(root)
    token_of_agent(root)
    result = cli("agent", "service", "install", "--root", str(root))
    assert result.code == 0, result.err
    unit = (root / "etc/systemd/system/sysmon-agent.service").read_text()
    assert f"ExecStart={AGENT} --config %d/agent.yaml\n" in unit
    assert "LoadCredential=auth_token:/etc/sysmon/token\n" in unit
    assert "@" not in re.sub(r"@[a-z-]+", "", unit.replace("@program@", "%%"))
    assert (root / "etc/systemd/system/sysmon-agent.service").stat().st_mode & 0o777 == 0o644
    assert "not done: systemctl daemon-reload" in result.err
    again = cli("agent", "service", "install", "--root", str(root))
    assert again.code == 0


def test_a_token_in_the_settings_needs_no_file(cli: Cli, root: Path) -> None:
    settings_of_agent(root, f"mode: distributed, aggregator_url: http://central:9000, auth_token: {TOKEN}")
    assert cli("agent", "service", "install", "--root", str(root)).code == 0
    assert "auth_token" not in (root / "etc/systemd/system/sysmon-agent.service").read_text()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (None, "there is no"),
        ("mode: local", "pushes to no aggregator"),
        ("mode: distributed", "pushes to no aggregator"),
        ("push_interval: soon", "push_interval"),
        ("mode: distributed, aggregator_url: http://central:9000", "no token"),
    ],
)
def test_an_agent_that_could_not_push_is_not_installed(
    cli: Cli, root: Path, settings: str | None, says: str
) -> None:
    if settings is not None:
        settings_of_agent(root, settings)
    result = cli("agent", "service", "install", "--root", str(root))
    assert (result.code, says in result.err) == (3, True)
    assert not (root / "etc/systemd").exists()


def test_the_aggregator_gets_a_token_and_settings(cli: Cli, root: Path) -> None:
    result = cli("agent", "service", "install", "aggregator", "--behind-proxy", "--root", str(root))
    assert result.code == 0, result.err
    token = root / "etc/sysmon/token"
    assert re.fullmatch(r"[\w-]{43}\n", token.read_text())
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.read_text().strip() not in result.err
    assert (root / "etc/sysmon").stat().st_mode & 0o777 == 0o755
    drop_in = root / "etc/systemd/system/sysmon-aggregator.service.d/behind-proxy.conf"
    assert "IPAddressDeny=any" in drop_in.read_text()
    before = token.read_text()
    assert cli("agent", "service", "install", "aggregator", "--root", str(root)).code == 0
    assert token.read_text() == before


def test_an_aggregator_in_a_home_folder_is_not_installed(
    cli: Cli, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = str(Path(sysconfig.get_path("scripts")).parent)
    monkeypatch.setattr(service_files, "_HIDDEN_FROM_AGGREGATOR", (scripts,))
    result = cli("agent", "service", "install", "aggregator", "--root", str(root))
    assert (result.code, "/opt/sysmon" in result.err) == (2, True)
    assert not root.exists()


def test_a_dry_run_changes_nothing(cli: Cli, root: Path) -> None:
    result = cli("agent", "service", "install", "aggregator", "--dry-run", "--root", str(root))
    assert (result.code, "would write" in result.err) == (0, True)
    assert not root.exists()


def test_a_service_is_removed_and_its_settings_stay(cli: Cli, root: Path) -> None:
    assert cli("agent", "service", "remove", "aggregator", "--root", str(root)).code == 6
    cli("agent", "service", "install", "aggregator", "--behind-proxy", "--root", str(root))
    dry = cli("agent", "service", "remove", "aggregator", "--dry-run", "--root", str(root))
    assert (dry.code, "would delete" in dry.err) == (0, True)
    assert cli("agent", "service", "remove", "aggregator", "--root", str(root)).code == 0
    assert list((root / "etc/systemd/system").iterdir()) == []
    assert (root / "etc/sysmon/token").exists()


def test_systemctl_is_run_and_its_refusal_told(
    cli: Cli, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        bad = command[1] == "restart" and len(ran) > 3
        return subprocess.CompletedProcess(command, int(bad), "", "Unit is masked.\nmore" if bad else "")

    monkeypatch.setattr(service_files.subprocess, "run", run)
    monkeypatch.setattr(service_files, "_runs_here", lambda _: True)
    install = ["agent", "service", "install", "aggregator", "--root", str(root)]
    assert cli(*install).code == 0
    assert [command[1] for command in ran] == ["daemon-reload", "enable", "restart"]
    refused = cli(*install)
    assert (refused.code, "Unit is masked." in refused.err, "journalctl" in refused.err) == (1, True, True)


def test_only_root_installs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_files.os, "geteuid", lambda: 1000)
    for verb in ("install", "remove"):
        result = cli("agent", "service", verb)
        assert (result.code, "sudo" in result.err) == (4, True)


# ---- credentials -------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="credentials belong to root")
def test_the_agent_takes_credentials_as_systemd_leaves_them(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    settings = folder / "agent.yaml"
    settings.write_text("agent: {mode: distributed, aggregator_url: http://127.0.0.1:1}\n")
    token = folder / "auth_token"
    token.write_text(TOKEN)

    def check(mode: int, **env: str) -> int:
        token.chmod(mode)
        settings.chmod(mode)
        command = [str(AGENT), "--check", "--config", str(settings)]
        variables = {"HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(folder), **env}
        return subprocess.run(command, env=variables, capture_output=True, timeout=60).returncode

    assert check(0o400) == 0
    assert check(0o440) == 0  # an access list shows so
    assert check(0o444) == 78
    assert check(0o460) == 78
    elsewhere = {"CREDENTIALS_DIRECTORY": str(tmp_path), "SYSMON_AUTH_TOKEN_FILE": str(token)}
    assert check(0o400, **elsewhere) == 0
    assert check(0o440, CREDENTIALS_DIRECTORY="/nowhere", SYSMON_AUTH_TOKEN_FILE=str(token)) == 78
