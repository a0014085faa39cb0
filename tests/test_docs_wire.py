"""docs/formats/wire.md: its examples run, its codes and limits are the program's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from aggregator_process import TOKEN, AggregatorProcess
from sysmon.aggregator.api_types import PushReply
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from service_kit import ServiceKit

PAGE = (Path(__file__).parent.parent / "docs" / "formats" / "wire.md").read_text()
SIZES = {"MiB": 1 << 20, "days": 86_400}


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_curl_example_runs(tmp_path: Path) -> None:
    (command,) = blocks("sh")
    with AggregatorProcess(tmp_path) as running:
        env = {**os.environ, "SYSMON_URL": running.url, "SYSMON_TOKEN": TOKEN}
        ended = subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(blocks("json")[0])
    told = json.loads(ended.stdout)
    assert told | {"server_time": 0} == shown | {"server_time": 0}


def test_the_example_body_is_taken_whole(kit: ServiceKit) -> None:
    body = json.loads(blocks("json")[1])
    kit.now_ms = int(body["timestamp"] * 1000) + 50
    reply = kit.post(body).get_json()
    assert (reply["accepted"], reply["rejected"]) == (3, 0)
    host = kit.get("/api/hosts/web01")
    for key in ("version", "tags", "interval", "agent_id", "facts"):
        assert host[key] == body[key]


def test_the_reply_is_described() -> None:
    shown = json.loads(blocks("json")[0])
    assert list(shown) == [field.name for field in msgspec.structs.fields(PushReply)]


def test_every_limit_is_named_with_its_default() -> None:
    named: dict[str, Any] = {}
    for row in re.findall(r"^\| (`[a-z_`, ]+`) \| ([^|]+) \|", PAGE[PAGE.index("## Limits") :], re.MULTILINE):
        keys, values = re.findall(r"`(\w+)`", row[0]), row[1].split(", ")
        named |= dict(zip(keys, values, strict=True))
    for field in msgspec.structs.fields(LimitSettings):
        number, _, unit = named[field.name].strip().partition(" ")
        assert float(number) * SIZES.get(unit, 1) == field.default, field.name
    assert set(named) == {field.name for field in msgspec.structs.fields(LimitSettings)}


@pytest.mark.parametrize(
    "code",
    [
        "seq_conflict",
        "bad_header",
        "wrong_member_count",
        "body_timeout",
        "too_many_key_sets",
        "too_many_hosts",
    ],
)
def test_codes_of_the_page_are_the_programs(code: str) -> None:
    folder = Path(__file__).parent.parent / "python" / "sysmon" / "aggregator"
    assert f"`{code}`" in PAGE
    assert any(f'"{code}"' in path.read_text() for path in folder.glob("*.py"))


def test_every_refusal_of_a_push_is_on_the_page() -> None:
    folder = Path(__file__).parent.parent / "python" / "sysmon" / "aggregator"
    for name in ("push_head.py", "ingest.py", "key_set_budget.py", "push_protocol.py"):
        found = re.findall(r'Refusal\(\s*\d+,\s*"(\w+)"', (folder / name).read_text())
        missing = [code for code in found if f"`{code}`" not in PAGE and code != "internal"]
        assert missing == [], name
