"""What waits on a host, shown by `sysmon-agent --dump-spool` and `sysmon agent spool`."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent_program import AGENT
from push_receiver import WAIT_S, Answer, PushReceiver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_run import Cli

NOWHERE = "http://127.0.0.1:9"  # nobody listens there
HEADER_BYTES = 80  # docs/formats/spool.md

pytestmark = pytest.mark.native


def dump(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AGENT, "--dump-spool", *arguments],
        env={"HOME": str(home), "SYSMON_SPOOL_DIR": str(home / "state")},
        capture_output=True,
        text=True,
        timeout=60,
    )


def dumped(home: Path) -> Any:
    result = dump(home, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def run_agent(home: Path, url: str, done: Callable[[Any], bool]) -> None:
    """A real agent, until what it spooled is `done`; then it is killed."""
    variables = {
        "SYSMON_MODE": "distributed",
        "SYSMON_AGGREGATOR_URL": url,
        "SYSMON_AUTH_TOKEN": "a-token",
        "SYSMON_PUSH_INTERVAL": "50ms",
        "SYSMON_SPOOL_DIR": str(home / "state"),
    }
    agent = subprocess.Popen(
        [AGENT, "--synthetic", "1:5"], env={"HOME": str(home), **variables}, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + WAIT_S
        while not ((home / "state" / "cursor").exists() and done(dumped(home))):
            assert agent.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        agent.kill()
        agent.wait()


@pytest.fixture
def spooled(tmp_path: Path) -> Path:
    """The home of an agent that found no aggregator and was killed."""
    run_agent(tmp_path, NOWHERE, lambda found: len(found["waiting"]) >= 6)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_a_killed_agent_left_is_shown_and_not_touched(spooled: Path) -> None:
    before = contents(spooled / "state")
    found = dumped(spooled)
    assert contents(spooled / "state") == before
    assert found["agent_id"] == before["agent_id"].decode().strip()
    assert [batch["seq"] for batch in found["waiting"]] == list(range(1, len(found["waiting"]) + 1))
    assert len({batch["stream"] for batch in found["waiting"]}) == 1
    for batch in found["waiting"]:
        payload = before[batch["file"]][batch["offset"] + HEADER_BYTES :][: batch["bytes"]]
        pushed = json.loads(gzip.decompress(payload))
        assert batch["encoding"] == "gzip"
        assert batch["samples"] == len(pushed["metrics"])
        assert pushed["timestamp"] <= batch["timestamp"] <= time.time()
    assert sum(one["batches"] for one in found["segments"]) == len(found["waiting"])
    assert found["cursor"]["file"] == found["segments"][0]["file"]
    assert (found["dropped"], found["quarantined"], found["damage"]) == ([], [], [])
    (whole,) = found["ranges"]
    assert (whole["fate"], whole["first"], whole["last"]) == ("waiting", 1, len(found["waiting"]))

    text = dump(spooled).stdout
    assert f"waiting      {len(found['waiting'])} batches" in text
    assert found["waiting"][0]["stream"] in text
    assert found["segments"][0]["file"] in text


def test_what_the_aggregator_refused_is_shown_with_its_reason(tmp_path: Path) -> None:
    answer = Answer(400, b'{"error": {"code": "bad_json", "message": "no"}}')
    with PushReceiver(lambda _: answer) as server:
        run_agent(tmp_path, server.url, lambda found: bool(found["quarantined"]))
    found = dumped(tmp_path)
    refused = {batch["seq"] for batch in found["quarantined"]}
    assert {drop["reason"] for drop in found["dropped"]} == {"quarantined"}
    assert all(drop["recorded"] for drop in found["dropped"])
    told = {seq for drop in found["dropped"] for seq in range(drop["first"], drop["last"] + 1)}
    assert refused >= told  # killed between the two, the batch still waits
    assert "dropped: quarantined" in dump(tmp_path).stdout


def test_damage_is_shown_where_it_is(spooled: Path, cli: Cli) -> None:
    whole = dumped(spooled)
    second, last = whole["waiting"][1], whole["waiting"][-1]
    segment = spooled / "state" / second["file"]
    content = bytearray(segment.read_bytes())
    content[second["offset"] + HEADER_BYTES] ^= 1
    del content[last["offset"] + HEADER_BYTES + 3 :]
    segment.write_bytes(content)

    found = dumped(spooled)
    size = HEADER_BYTES + second["bytes"]
    assert found["damage"] == [{"file": segment.name, "offset": second["offset"], "bytes": size}]
    assert found["unfinished"] == {"file": segment.name, "offset": last["offset"], "bytes": HEADER_BYTES + 3}
    assert [(drop["first"], drop["last"], drop["reason"], drop["recorded"]) for drop in found["dropped"]] == [
        (2, 2, "corrupt", False),
        (last["seq"], last["seq"], "corrupt", False),
    ]
    text = dump(spooled).stdout
    assert f"damaged: {segment.name} at {second['offset']}, {size} bytes are no record" in text
    assert f"unfinished: {segment.name} at {last['offset']}, {HEADER_BYTES + 3} bytes of a record" in text

    shown = cli("agent", "spool", "--dir", str(spooled / "state"))
    assert shown.code == 0
    assert f"damaged at {second['offset']}" in shown.err
    assert "dropped: corrupt" in shown.out


def test_the_command_says_what_the_agent_says(spooled: Path, cli: Cli) -> None:
    cli.env["SYSMON_SPOOL_DIR"] = str(spooled / "state")
    native = dumped(spooled)
    assert cli("agent", "spool", "--json").json == native
    (line,) = cli("agent", "spool", "--format", "jsonl").out.splitlines()
    assert json.loads(line) == native["ranges"][0]
    table = cli("agent", "spool")
    assert (table.code, table.err) == (0, "")
    assert str(spooled / "state") in table.out
    assert f"{len(native['waiting'])} batches" in table.out


@pytest.mark.parametrize("state", ["missing", "foreign", "empty", "open", "symlink"])
def test_folders_that_are_no_spool(tmp_path: Path, cli: Cli, state: str) -> None:
    folder = tmp_path / "state"
    if state == "symlink":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to("elsewhere")
    elif state != "missing":
        folder.mkdir(mode=0o755 if state == "open" else 0o700)
    if state == "foreign":
        (folder / "letters.txt").write_text("not ours")
    code, why = {
        "missing": (6, "No such file"),
        "foreign": (6, "is no spool"),
        "empty": (0, ""),
        "open": (78, "chmod 700"),
        "symlink": (78, "symlink"),
    }[state]
    native = dump(tmp_path)
    command = cli("agent", "spool", "--dir", str(folder))
    assert (native.returncode, command.code) == (code, code)
    assert why in native.stderr
    assert why in command.err
    assert "Traceback" not in command.err
    if state == "empty":
        found = dumped(tmp_path)
        assert (found["agent_id"], found["cursor"]) == (None, None)
        assert (found["segments"], found["ranges"]) == ([], [])
        assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_of_somebody_else_is_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o000)
    assert dump(tmp_path).returncode == 4


def test_neither_a_token_nor_a_url_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    config = tmp_path / "agent.yaml"
    config.write_text("agent: {mode: distributed, auth_token: open-to-all}\n")
    config.chmod(0o644)
    assert dump(tmp_path, "--config", str(config)).returncode == 0
    assert dump(tmp_path, "--config", str(tmp_path / "none.yaml")).returncode == 3


def test_looking_does_not_hold_the_folder(tmp_path: Path) -> None:
    """Somebody who looks while an agent starts does not keep it from starting."""
    (tmp_path / "state").mkdir(mode=0o700)
    traced = subprocess.run(
        ["strace", "-f", "-e", "trace=flock,openat", AGENT, "--dump-spool"],
        env={"HOME": str(tmp_path), "SYSMON_SPOOL_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    calls = [line for line in traced.stderr.splitlines() if "flock(" in line or "O_RDWR" in line]
    assert (traced.returncode, calls) == (0, [])
