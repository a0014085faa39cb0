"""Statements S10, S11 and S44 to S50 of the security design where no other test holds them: the agent, the
units, what it is all built from, the store. docs/security.md has every statement with its tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_program import AGENT
from aggregator_process import TOKEN
from push_receiver import WAIT_S, PushReceiver
from sysmon.aggregator.settings import LimitSettings
from sysmon.aggregator.writer import kept_free_bytes

if TYPE_CHECKING:
    from service_kit import ServiceKit

ROOT = Path(__file__).parent.parent
UNITS = ROOT / "python/sysmon/units"
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")

# S48 word for word; of two words the aggregator's own is in the second table.
BOTH = [
    "DynamicUser=yes",
    "StateDirectory=",
    "UMask=0077",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "RemoveIPC=yes",
    "KeyringMode=private",
    "LimitCORE=0",
    "Restart=always",
    "RestartSec=2",
    "LoadCredential=auth_token:",
]
AGENTS = ["ProtectHome=read-only", "ProtectProc=default", "MemoryMax=64M", "TasksMax=32", "LimitNOFILE=256"]
AGGREGATORS = ["ProtectProc=invisible", "ProcSubset=pid"]


def settings(home: Path, url: str, **more: str) -> Path:
    """The agent's settings file."""
    path = home / "agent.yaml"
    lines = {
        "mode": "distributed",
        "aggregator_url": url,
        "push_interval": "100ms",
        "auth_token": TOKEN,
        **more,
    }
    path.write_text("agent:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items()))
    with path.open("a") as file:
        file.write(f"  spool: {{dir: {home}/state}}\n")
    path.chmod(0o600)
    return path


def log_of_a_start(home: Path, url: str) -> str:
    """What the agent says until its first push failed, or was taken."""
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    with (home / "log").open("w") as log:
        agent = subprocess.Popen([AGENT, "--config", settings(home, url)], env=env, stderr=log)
    deadline = time.monotonic() + WAIT_S
    while not re.search("pushing to|cannot push", text := (home / "log").read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.02)
    agent.kill()
    agent.wait()
    return text


@pytest.mark.native
@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://0x7f.1:1", True), ("http://localhost:1", False), ("https://127.0.0.1:1", False)],
)
def test_s10_a_token_in_the_clear_is_warned_about(tmp_path: Path, url: str, warned: bool) -> None:
    text = log_of_a_start(tmp_path, url)
    assert ("unencrypted" in text) is warned, text
    assert TOKEN not in text


@pytest.mark.native
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "dict://h/"]
)
def test_s11_nothing_but_http_and_https(tmp_path: Path, url: str) -> None:
    ended = subprocess.run(
        [AGENT, "--check", "--config", settings(tmp_path, url)], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 3
    assert "aggregator_url" in ended.stderr


# ---- the agent on its host (S44–S48) -----------------------------------------------------------------------


@pytest.mark.native
@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_s44_nobody_without_any_capability_collects() -> None:
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
    command += ["--inh-caps=-all", "--no-new-privs", str(AGENT), "--once"]
    home = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    reachable = subprocess.run([*command[:-1], "--version"], env=home, capture_output=True, timeout=60)
    if reachable.returncode == 126 or b"failed to execute" in reachable.stderr:
        pytest.skip(f"{AGENT} lies where only its owner can run it")
    ended = subprocess.run(command, env=home, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    found = {metric["type"].split(".")[0] for metric in json.loads(ended.stdout)["metrics"]}
    assert {"cpu", "memory", "disk", "network", "load", "process"} <= found


def traced(home: Path, calls: str) -> list[str]:
    """The agent's system calls of these names, during a start, some pushes and an end."""
    log = home / "strace"
    with PushReceiver() as server:
        config = settings(home, server.url)
        command = [
            "strace",
            "-f",
            "-e",
            f"trace={calls}",
            "-o",
            str(log),
            str(AGENT),
            "--config",
            str(config),
        ]
        env = {"HOME": str(home), "PATH": os.environ["PATH"]}
        agent = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
        server.wait_for_pushes(5)
        (child,) = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
        os.kill(int(child), 15)
        assert agent.wait(30) == 0
    return log.read_text(errors="replace").splitlines()


@pytest.mark.native
@needs_strace
def test_s45_every_file_of_the_state_is_opened_safely(tmp_path: Path) -> None:
    lines = traced(tmp_path, "openat,open,creat,flock,rename,renameat,renameat2,unlink,unlinkat")
    state = tmp_path / "state"
    (folder,) = [line for line in lines if f'"{state}"' in line and "openat(" in line]
    for flag in ("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"):
        assert flag in folder
    # Everything else of it is named relative to that folder's descriptor.
    assert not [line for line in lines if f'"{state}/' in line]
    relative = [line for line in lines if re.search(r'openat\(\d+, "[^/".]', line)]
    assert len(relative) > 3
    for line in relative:
        assert "O_NOFOLLOW" in line, line
        assert "O_CLOEXEC" in line, line
        if "O_CREAT" in line:
            assert "O_EXCL" in line, line
            assert re.search(r", 0600\b", line), line
    assert [line for line in lines if re.search(r"flock\(\d+, LOCK_EX\|LOCK_NB\)", line)]
    assert state.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in state.rglob("*") if path.is_file()} == {0o600}


@pytest.mark.native
@needs_strace
def test_s46_s47_no_pidfile_no_shell_and_nothing_is_started_or_killed(tmp_path: Path) -> None:
    lines = traced(tmp_path, "execve,execveat,fork,vfork,kill,tkill,pidfd_send_signal,openat")
    started = [line for line in lines if re.search(r"\bexecve(at)?\(", line)]
    assert len(started) == 1, started  # its own start, by strace
    assert not [line for line in lines if re.search(r"\b(v?fork|t?kill|pidfd_send_signal)\(", line)]
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".pid"]
    assert not [line for line in lines if ".pid" in line]


@pytest.mark.native
@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")
def test_s47_the_executable_cannot_run_a_shell() -> None:
    listed = subprocess.run(
        ["nm", "-D", "--undefined-only", AGENT], capture_output=True, text=True, check=True
    )
    names = {line.split()[-1].partition("@")[0] for line in listed.stdout.splitlines()}
    # execv and execvp are the hand-over to `sysmon up` in local mode, before anything else is done.
    assert names & {"system", "popen", "fork", "vfork", "posix_spawn", "posix_spawnp", "wordexp"} == set()
    assert {name for name in names if name.startswith("exec")} <= {"execv", "execvp"}


@pytest.mark.parametrize(
    ("name", "more"),
    [("sysmon-agent", AGENTS), ("sysmon-aggregator", AGGREGATORS)],
    ids=["agent", "aggregator"],
)
def test_s48_the_unit_says_all_of_it(name: str, more: list[str]) -> None:
    lines = (UNITS / f"{name}.service").read_text().splitlines()
    for wanted in [*BOTH, *more]:
        open_end = wanted in {"StateDirectory=", "LoadCredential=auth_token:"}
        assert any(line.startswith(wanted) if open_end else line == wanted for line in lines), wanted
    families = {"AF_INET", "AF_INET6", "AF_UNIX"} | ({"AF_NETLINK"} if name == "sysmon-agent" else set())
    (named,) = [line.partition("=")[2] for line in lines if line.startswith("RestrictAddressFamilies=")]
    assert set(named.split()) == families
    denied = "@privileged @resources @mount @debug @cpu-emulation @obsolete @swap @reboot @module @raw-io"
    assert f"SystemCallFilter=~{denied}" in lines
    assert "SystemCallFilter=@system-service" in lines


# ---- what it is built from, and the store (S49, S50) -------------------------------------------------------


def test_s49_the_pages_packages_have_their_hashes_and_the_linters_their_versions() -> None:
    lock = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    fetched = {name: entry for name, entry in lock.items() if name}
    assert len(fetched) > 5
    assert [
        name for name, entry in fetched.items() if not entry.get("integrity", "").startswith("sha512-")
    ] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = [text for text in project["optional-dependencies"]["dev"] if "==" in text]
    assert {text.partition("==")[0] for text in pinned} >= {"ruff", "mypy", "clang-format", "clang-tidy"}
    assert not [text for text in project["dependencies"] if "<" not in text]  # nothing takes any next version


@pytest.mark.native
def test_s49_the_agent_carries_no_path_of_the_machine_it_was_built_on() -> None:
    text = AGENT.read_bytes()
    assert str(ROOT).encode() not in text
    assert str(Path.home() / ".ccache").encode() not in text


def test_s50_free_space_that_is_kept() -> None:
    least = LimitSettings().min_free_bytes
    assert kept_free_bytes(1 << 30, least) == 512 << 20
    assert kept_free_bytes(1 << 40, least) == (1 << 40) // 20


def test_s50_one_connection_writes_and_the_readers_never_move_the_wal(kit: ServiceKit) -> None:
    kit.push("web01", ("cpu.total_usage", 1.0))
    storage = kit.service.storage
    assert storage._db.pragma("synchronous") == 2  # type: ignore[attr-defined]  # FULL
    with storage._reader() as reader:  # type: ignore[attr-defined]
        assert reader.pragma("wal_autocheckpoint") == 0
        assert reader.pragma("query_only") == 1
    files = [
        Path(f"/proc/self/fd/{entry.name}")
        for entry in Path("/proc/self/fdinfo").iterdir()
        if os.path.lexists(f"/proc/self/fd/{entry.name}")
    ]
    path = kit.settings.data_dir / "sysmon.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    opened = [file for file in files if os.path.lexists(file) and os.path.realpath(file) == str(path)]
    flags = [
        int(re.search(r"flags:\s+(\d+)", Path(f"/proc/self/fdinfo/{f.name}").read_text())[1], 8)
        for f in opened
    ]  # type: ignore[index]
    assert sum(flag & os.O_ACCMODE == os.O_RDWR for flag in flags) == 1
