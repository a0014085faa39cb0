"""The real sysmon-agent: its command line, its signals, and its pushes to a real HTTP server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent_program import AGENT
from push_receiver import WAIT_S, Answer, Push, PushReceiver
from synthetic_values import synthetic_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VM = Path(__file__).parent / "fixtures" / "proc" / "vm"
TOKEN = "a-secret-nobody-may-see"

pytestmark = pytest.mark.native


def _environment(home: Path, **variables: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"], **variables}


def _run(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AGENT, *arguments], env=_environment(home, **variables), capture_output=True, text=True, timeout=60
    )


def _write_config(home: Path, url: str, *lines: str, token: str | None = TOKEN) -> Path:
    path = home / "agent.yaml"
    text = f"agent:\n  mode: distributed\n  aggregator_url: {url}\n  push_interval: 100ms\n"
    text += f"  spool: {{dir: {home}/state}}\n"
    if token:
        text += f"  auth_token: {token}\n"
    path.write_text(text + "".join(f"  {line}\n" for line in lines))
    path.chmod(0o600)
    return path


@contextmanager
def _agent(
    home: Path, config: Path, *arguments: str, wrapper: Sequence[str | Path] = ()
) -> Iterator[subprocess.Popen[str]]:
    log = (home / "agent.log").open("w")
    command = [*wrapper, AGENT, "--config", config, *arguments]
    agent = subprocess.Popen(command, env=_environment(home), stderr=log, text=True)
    try:
        yield agent
    finally:
        if agent.poll() is None:
            agent.kill()
            agent.wait()
        log.close()


def _stop(agent: subprocess.Popen[str]) -> float:
    """Ends it with SIGTERM and returns how long that took."""
    start = time.monotonic()
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(WAIT_S) == 0
    return time.monotonic() - start


def _log(home: Path) -> str:
    return (home / "agent.log").read_text()


def _wait_for_log(home: Path, part: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while part not in _log(home):
        assert time.monotonic() < deadline, _log(home)
        time.sleep(0.02)


# ---- the command line --------------------------------------------------------------------------------------


def test_version_help_and_usage(tmp_path: Path) -> None:
    assert _run(tmp_path, "--version").stdout.startswith("sysmon-agent 1.")
    assert "--synthetic SEED" in _run(tmp_path, "-h").stdout
    for wrong in (["--nonsense"], ["--synthetic", "x"], ["--synthetic", "1:0"], ["argument"]):
        result = _run(tmp_path, *wrong)
        assert (result.returncode, result.stdout) == (2, "")
        assert "sysmon-agent --help" in result.stderr or "SEED" in result.stderr


def test_check_says_where_and_what(tmp_path: Path) -> None:
    config = _write_config(tmp_path, "http://127.0.0.1:9")
    good = _run(tmp_path, "--check", "--config", str(config))
    assert (good.returncode, good.stdout) == (0, f"{config}: ok\n")

    _write_config(tmp_path, "http://127.0.0.1:9", "pusch_interval: 1s")
    unknown = _run(tmp_path, "--check", "--config", str(config))
    assert unknown.returncode == 3
    assert f"{config}:7:3: unknown key `pusch_interval`; did you mean `push_interval`?" in unknown.stderr

    _write_config(tmp_path, "central:9000")
    wrong = _run(tmp_path, "--config", str(config))
    assert wrong.returncode == 3
    assert f"{config}:3:19: aggregator_url:" in wrong.stderr
    assert _run(tmp_path, "--check", "--config", str(tmp_path / "missing")).returncode == 3


def test_an_open_file_with_a_token_is_unsafe(tmp_path: Path) -> None:
    config = _write_config(tmp_path, "http://127.0.0.1:9")
    config.chmod(0o644)
    result = _run(tmp_path, "--config", str(config))
    assert result.returncode == 78
    assert "chmod 600" in result.stderr
    assert TOKEN not in result.stderr


def test_an_open_state_directory_is_unsafe(tmp_path: Path) -> None:
    config = _write_config(tmp_path, "http://127.0.0.1:9")
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o755)
    assert _run(tmp_path, "--config", str(config)).returncode == 78


def test_once_prints_a_recorded_tree_the_same_every_time(tmp_path: Path) -> None:
    first = _run(tmp_path, "--once", "--proc-root", str(VM))
    assert (first.returncode, first.stderr) == (0, "")
    batch = json.loads(first.stdout)
    types = {metric["type"] for metric in batch["metrics"]}
    assert {"cpu.total_usage", "memory.used_bytes", "disk.usage_percent", "network.bytes_sent"} <= types
    assert first.stdout.count('{"type":') == len(batch["metrics"])  # one a line
    assert first.stdout.count("\n") > len(batch["metrics"])

    def steady(text: str) -> list[str]:
        # What the agent says about itself is of this run.
        return [line for line in text.splitlines() if '"agent.' not in line]

    assert steady(_run(tmp_path, "--once", "--proc-root", str(VM)).stdout) == steady(first.stdout)


@pytest.mark.parametrize("option", ["--once", "--check", "--help", "--version"])
def test_output_that_cannot_be_written_is_an_error(tmp_path: Path, option: str) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [AGENT, option, *(("--proc-root", VM) if option == "--once" else ())],
            env={
                "HOME": str(tmp_path),
                "SYSMON_AGGREGATOR_URL": "http://127.0.0.1:9",
                "SYSMON_AUTH_TOKEN": TOKEN,
            },
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    said = "error: stdout cannot be written: No space left on device\n"
    assert (result.returncode, result.stderr) == (1, said)


def test_once_needs_nobody_to_send_to(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("agent:\n  mode: distributed\n  collectors:\n    disable: [network]\n")
    once = _run(tmp_path, "--once", "--proc-root", str(VM), "--config", str(config))
    assert (once.returncode, once.stderr) == (0, "")
    types = {metric["type"] for metric in json.loads(once.stdout)["metrics"]}
    assert "cpu.total_usage" in types
    assert "network.bytes_sent" not in types  # the rest of the settings counts
    for others in ((), ("--check",)):
        refused = _run(tmp_path, *others, "--config", str(config))
        assert (refused.returncode, "needs aggregator_url" in refused.stderr) == (3, True)


def test_local_mode_becomes_sysmon_up(tmp_path: Path) -> None:
    agent = tmp_path / "sysmon-agent"
    shutil.copy(AGENT, agent)
    empty = {"HOME": str(tmp_path), "PATH": str(tmp_path / "nowhere")}
    alone = subprocess.run([agent], env=empty, capture_output=True, text=True, timeout=60)
    assert alone.returncode == 3
    assert "sysmon up" in alone.stderr
    assert alone.stderr.count("\n") == 1

    beside = tmp_path / "sysmon"
    beside.write_text('#!/bin/sh\necho "became $*"\nexit 7\n')
    beside.chmod(0o755)
    handed = subprocess.run([agent], env=empty, capture_output=True, text=True, timeout=60)
    assert (handed.stdout, handed.returncode) == ("became up\n", 7)


# ---- the running agent -------------------------------------------------------------------------------------


def test_pushes_at_once_and_keeps_its_identity(tmp_path: Path) -> None:
    with PushReceiver() as server:
        config = _write_config(tmp_path, server.url, "host_tags: {role: web}", "hostname: web01")
        with _agent(tmp_path, config) as agent:
            pushes = server.wait_for_pushes(3)
            assert TOKEN not in Path(f"/proc/{agent.pid}/cmdline").read_text()
            second = _run(tmp_path, "--config", str(config))
            assert second.returncode == 75
            assert "another agent" in second.stderr
            assert _stop(agent) < 5
        assert TOKEN not in _log(tmp_path)

        assert pushes[0].seqs == (1, 1)
        assert all(push.headers["X-SysMon-Token"] == TOKEN for push in pushes)
        batch = pushes[0].batches[0]
        assert (batch["hostname"], batch["tags"], batch["interval"]) == ("web01", {"role": "web"}, 0.1)
        assert batch["facts"]["cores"] >= 1
        assert "facts" not in pushes[1].batches[0]
        later = {m["type"] for push in pushes for batch in push.batches for m in batch["metrics"]}
        assert {"cpu.total_usage", "agent.samples_collected"} <= later
        identity = (tmp_path / "state" / "agent_id").read_text().strip()
        assert batch["agent_id"] == identity

        seen = len(server.pushes)
        with _agent(tmp_path, config):
            again = server.wait_for_pushes(seen + 1)[seen]
        assert again.batches[0]["agent_id"] == identity
        assert again.headers["X-SysMon-Stream"] != pushes[0].headers["X-SysMon-Stream"]


def test_an_outage_loses_nothing(tmp_path: Path) -> None:
    broken = True

    def answer(_: Push) -> Answer:
        return Answer(500, b"no") if broken else Answer()

    with PushReceiver(answer) as server:
        config = _write_config(tmp_path, server.url)
        with _agent(tmp_path, config) as agent:
            server.wait_for(lambda pushes: any(push.seqs[1] >= 10 for push in pushes))
            broken = False
            sent = len(server.pushes)

            def acked(pushes: list[Push]) -> set[int]:
                return {seq for push in pushes[sent:] for seq in range(push.seqs[0], push.seqs[1] + 1)}

            server.wait_for(lambda pushes: acked(pushes) >= set(range(1, 12)))
            _wait_for_log(tmp_path, "takes batches again")
            assert _log(tmp_path).count("cannot push") == 1
            _stop(agent)


def test_sigterm_sends_what_is_left(tmp_path: Path) -> None:
    with PushReceiver() as server:
        config = _write_config(tmp_path, server.url, "collect_interval: 50ms", "push_interval: 1h")
        config.write_text(config.read_text().replace("  push_interval: 100ms\n", ""))
        with _agent(tmp_path, config) as agent:
            server.wait_for_pushes(1)
            _wait_for_log(tmp_path, "pushing to")
            time.sleep(0.3)  # some ticks that wait for their push
            assert _stop(agent) < 5
        seqs = {seq for push in server.pushes for seq in range(push.seqs[0], push.seqs[1] + 1)}
        assert len(seqs) >= 3
        assert seqs == set(range(1, max(seqs) + 1))


def test_sigterm_does_not_wait_for_a_server_that_hangs(tmp_path: Path) -> None:
    def answer(_: Push) -> Answer:
        time.sleep(8)
        return Answer()

    with PushReceiver(answer) as server, _agent(tmp_path, _write_config(tmp_path, server.url)) as agent:
        time.sleep(0.5)
        assert _stop(agent) < 6


def test_sighup_reads_the_configuration_again(tmp_path: Path) -> None:
    with PushReceiver(lambda _: Answer(500, b"no")) as old, PushReceiver() as new:
        config = _write_config(tmp_path, old.url)
        with _agent(tmp_path, config) as agent:
            old.wait_for(lambda pushes: any(push.seqs[1] >= 3 for push in pushes))
            config.write_text("agent:\n  mode: distributed\n  push_interval: soon\n")
            agent.send_signal(signal.SIGHUP)
            _wait_for_log(tmp_path, "the old one stays")
            assert f"{config}:3:18: push_interval: `soon`" in _log(tmp_path)
            _write_config(tmp_path, new.url, "host_tags: {role: db}")
            agent.send_signal(signal.SIGHUP)
            pushes = new.wait_for(
                lambda p: {s for x in p for s in range(x.seqs[0], x.seqs[1] + 1)} >= {1, 2, 3, 4}
            )
            assert pushes[0].headers["X-SysMon-Stream"] == old.pushes[0].headers["X-SysMon-Stream"]
            tagged = new.wait_for(
                lambda p: any(b["tags"] == {"role": "db"} for x in p for b in x.batches if "tags" in b)
            )
            assert tagged
            _stop(agent)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_sighup_while_the_configuration_is_read_for_the_first_time(tmp_path: Path) -> None:
    with PushReceiver() as server:
        config = _write_config(tmp_path, server.url)
        # -D: the agent is the process that is started, and strace its child.
        strace = ["strace", "-D", "-f", "-o", "/dev/null", "-P", config, "-e", "trace=openat"]
        strace += ["-e", "inject=openat:signal=SIGHUP:when=1"]
        with _agent(tmp_path, config, wrapper=strace) as agent:
            server.wait_for_pushes(2)
            _stop(agent)


def test_a_redirect_does_not_carry_the_token_away(tmp_path: Path) -> None:
    with PushReceiver() as other:
        away = Answer(307, b"", {"Location": other.url + "/api/metrics"})
        with (
            PushReceiver(lambda _: away) as server,
            _agent(tmp_path, _write_config(tmp_path, server.url)) as agent,
        ):
            server.wait_for_pushes(1)
            _wait_for_log(tmp_path, "refuses our batches")
            _stop(agent)
        assert other.pushes == []


def test_a_new_token_is_found_in_its_file(tmp_path: Path) -> None:
    refused = json.dumps({"error": {"code": "unauthorized", "message": "no"}}).encode()

    def answer(push: Push) -> Answer:
        return Answer() if push.headers["X-SysMon-Token"] == "new" else Answer(401, refused)

    token = tmp_path / "token"
    token.write_text("old\n")
    token.chmod(0o600)
    with PushReceiver(answer) as server:
        config = _write_config(tmp_path, server.url, f"auth_token_file: {token}", token=None)
        with _agent(tmp_path, config) as agent:
            server.wait_for_pushes(1)
            _wait_for_log(tmp_path, "401")
            token.write_text("new\n")
            server.wait_for(lambda pushes: pushes[-1].headers["X-SysMon-Token"] == "new")
            _stop(agent)


# ---- synthetic values: the function of docs/agent.md -------------------------------------------------------


def _synthetic(batch: dict[str, Any]) -> tuple[int, dict[int, float]]:
    values = {int(m["tags"]["index"]): m["value"] for m in batch["metrics"] if m["type"] == "synthetic.value"}
    tick = next(m["value"] for m in batch["metrics"] if m["type"] == "synthetic.tick")
    return tick, values


def test_synthetic_values_can_be_computed_again(tmp_path: Path) -> None:
    with PushReceiver() as server:
        config = _write_config(tmp_path, server.url, "hostname: oracle")
        with _agent(tmp_path, config, "--synthetic", "42:5") as agent:
            pushes = server.wait_for_pushes(4)
            _stop(agent)
    # On a busy machine a tick may wait and come in a bundle: which push holds it does not matter.
    batches = [batch for push in pushes for batch in push.batches]
    for batch in batches:
        tick, values = _synthetic(batch)
        assert values == {i: synthetic_value(42, "oracle", i, tick) for i in range(5)}
        assert {m["type"].split(".")[0] for m in batch["metrics"]} <= {"synthetic", "agent"}
    assert len({_synthetic(batch)[0] for batch in batches}) == len(batches)
    assert _synthetic(batches[0])[0] == 0
