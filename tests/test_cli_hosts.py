"""`sysmon hosts`: the fleet as a real aggregator has it."""

from __future__ import annotations

import csv
import io
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_run import Cli
    from running_aggregator import RunningAggregator

HOSTILE = {"role": "=cmd|' /C calc'!A0", "note": "\u2066x"}


@pytest.fixture
def fleet(cli: Cli, aggregator: RunningAggregator) -> Cli:
    """web01 and db01 with an hour of samples, a minute apart; db01 waits for its disk."""
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    cli.env["SYSMON_DATA_DIR"] = str(aggregator.aggregator.settings.data_dir)
    disk = {"mountpoint": "/", "device": "sda1", "fstype": "ext4"}
    for host, wait, role, kernel in (("web01", 1.0, "web-server", "6.1"), ("db01", 30.0, "database", "6.8")):
        now = time.time()
        metrics = [
            {"type": kind, "value": value, "tags": tags, "timestamp": now - minute * 60.0}
            for minute in range(60, -1, -1)
            for kind, value, tags in (
                ("cpu.total_usage", 20.0 + (minute * 7 % 5) / 10, {}),
                ("cpu.iowait_percent", wait + (minute * 7 % 5) / 10, {}),
                ("memory.usage_percent", 40.0 + (minute * 7 % 5) / 10, {}),
                ("disk.usage_percent", 82.5, disk),
                ("network.bytes_recv", 1e6 * (60 - minute) * 60, {"interface": "eth0"}),
                ("system.uptime_seconds", 86400.0 * 3, {}),
            )
        ]
        facts = {"os": "Debian 12", "kernel": kernel, "cores": 4, "memory_bytes": 8 << 30}
        aggregator.push_json({"hostname": host, "interval": 60, "tags": {"role": role}, "version": "1.0.0",
                              "facts": facts, "metrics": metrics})  # fmt: skip
    return cli


def test_list_shows_state_and_load(fleet: Cli) -> None:
    result = fleet("hosts", "list")
    assert result.code == 0, result.err
    head, *lines = result.out.splitlines()
    assert head.split() == ["HOST", "STATUS", "LAST-SEEN", "CPU", "MEM", "DISK", "TAGS", "VERSION"]
    assert [line.split()[:3] for line in lines] == [["db01", "●", "online"], ["web01", "●", "online"]]
    assert "82.5 %" in lines[0]
    assert "role=database" in lines[0]


def test_list_as_json_is_the_apis_document(fleet: Cli) -> None:
    document = fleet("hosts", "list", "--json").json
    assert document["count"] == 2
    assert document["online"] == 2
    host = next(host for host in document["hosts"] if host["hostname"] == "web01")
    assert host["latest"]["cpu.total_usage"] == 20.0
    assert abs(host["last_seen"] - time.time()) < 60
    lines = [
        json.loads(line)
        for line in fleet("hosts", "list", "--format", "jsonl", "--columns", "hostname,cpu").out.splitlines()
    ]
    assert lines[0] == {"hostname": "db01", "cpu": 20.0}
    whole = json.loads(fleet("hosts", "list", "--format", "jsonl").out.splitlines()[0])
    assert whole == {key: document["hosts"][0][key] for key in whole}


def test_rows_are_chosen_sorted_and_filtered(fleet: Cli) -> None:
    def names(*arguments: str) -> list[str]:
        return fleet(
            "hosts", "list", "--format", "plain", "--no-headers", "--columns", "hostname", *arguments
        ).out.split()

    assert names() == ["db01", "web01"]
    assert names("--sort", "-hostname") == ["web01", "db01"]
    assert names("--tag", "role=database") == ["db01"]
    assert names("--filter", "tags=web") == ["web01"]
    assert names("--filter", "cpu>90") == []
    assert names("--status", "offline") == []
    wrong = fleet("hosts", "list", "--sort", "nope")
    assert wrong.code == 2
    assert "hostname" in wrong.err


def test_names_from_hosts_cannot_steer_terminal_or_spreadsheet(
    fleet: Cli, aggregator: RunningAggregator
) -> None:
    aggregator.push(
        "evil",
        [("cpu.total_usage", 1.0)],
        tags={"role": HOSTILE["role"]},
        facts={"os": "\x1b]0;pwned\x07 \x9b2J"},
    )
    shown = (
        fleet("hosts", "list").out
        + fleet("hosts", "show", "evil").out
        + fleet("hosts", "show", "evil", "--json").out
    )
    assert not any((ord(sign) < 32 and sign != "\n") or 0x7F <= ord(sign) < 0xA0 for sign in shown)
    rows = list(
        csv.DictReader(
            io.StringIO(fleet("hosts", "list", "--format", "csv", "--columns", "hostname,tags").out)
        )
    )
    assert rows[1]["hostname"] == "evil"
    assert not rows[1]["tags"].startswith("=")


def test_add_registers_a_host_with_this_users_admin_token(fleet: Cli) -> None:
    added = fleet("hosts", "add", "web02", "role=web-server", "--json")
    assert added.code == 0, added.err
    assert added.json["hostname"] == "web02"
    assert added.json["tags"] == {"role": "web-server"}
    assert "never" in fleet("hosts", "list").out
    again = fleet("hosts", "add", "web02")
    assert again.code == 2
    assert fleet("hosts", "add", "web03", "role").code == 2
    fleet.env["SYSMON_DATA_DIR"] = str(fleet.home / "elsewhere")
    refused = fleet("hosts", "add", "web03")
    assert refused.code == 4
    assert "SYSMON_ADMIN_TOKEN" in refused.err


def test_show_has_facts_meters_and_sparklines(fleet: Cli) -> None:
    result = fleet("hosts", "show", "db01")
    assert result.code == 0, result.err
    assert "Debian 12 · 6.8" in result.out
    assert "4 cores · 8.0 GiB · up 3 d" in result.out
    assert "█" in result.out
    assert any(line.startswith("/ ") and "82.5 %" in line for line in result.out.splitlines())
    (net,) = [line for line in result.out.splitlines() if line.startswith("net in")]
    assert "MiB/s" in net or "KiB/s" in net  # a counter, shown as a rate
    assert fleet("hosts", "show", "db01", "--json").json["series"] == 6


def test_a_mistyped_host_has_a_suggestion(cli: Cli, aggregator: RunningAggregator) -> None:
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    aggregator.push("web01", [("cpu.total_usage", 1.0)])
    for words in (["hosts", "show", "web1"], ["hosts", "compare", "web01", "wbe01"], ["top", "web10"]):
        result = cli(*words)
        assert (result.code, "did you mean 'web01'?" in result.err) == (6, True), result.err


def test_an_unknown_host_is_code_6(fleet: Cli) -> None:
    for command in (["hosts", "show", "nope"], ["hosts", "compare", "web01", "nope"]):
        result = fleet(*command)
        assert result.code == 6
        assert "nope" in result.err
        assert len(result.err.splitlines()) <= 3


def test_a_host_that_is_not_online_is_shown_with_code_7(fleet: Cli, aggregator: RunningAggregator) -> None:
    fleet("hosts", "add", "quiet")
    result = fleet("hosts", "show", "quiet")
    assert result.code == 7
    assert "never" in result.out


def test_compare_starts_with_what_differs(fleet: Cli) -> None:
    result = fleet("hosts", "compare", "web01", "db01")
    assert result.code == 0, result.err
    title, head, first, *rest = result.out.splitlines()
    assert title.startswith("What differs")
    assert head.split() == ["EFFECT", "METRIC", "TAGS", "web01", "db01"]
    assert "cpu.iowait_percent" in first
    assert "6.8" in "".join(rest)  # the kernels
    document = fleet("hosts", "compare", "web01", "db01", "--json").json
    assert document["differs"][0]["type"] == "cpu.iowait_percent"
    assert {"hosts", "start", "end", "differs", "facts", "missing"} <= set(document)


def test_compare_can_fail_a_script(fleet: Cli) -> None:
    effect = fleet("hosts", "compare", "web01", "db01", "--json").json["differs"][0]["effect"]
    assert fleet("hosts", "compare", "web01", "db01", "--fail-on", str(effect + 1)).code == 0
    assert fleet("hosts", "compare", "web01", "db01", "--fail-on", "1").code == 10
    assert fleet("hosts", "compare", "web01", "db01", "--fail-on", f"1,{int(effect)}").code == 11
    assert fleet("hosts", "compare", "web01", "db01", "--fail-on", "much").code == 2
    assert fleet("hosts", "compare", "web01").code == 2
    assert fleet("hosts", "compare", "web01", "web01").code == 2


def test_compare_of_a_host_without_data_is_partial(fleet: Cli) -> None:
    fleet("hosts", "add", "empty")
    assert fleet("hosts", "compare", "web01", "empty").code == 7


def test_an_empty_fleet_says_what_to_do(cli: Cli, aggregator: RunningAggregator) -> None:
    result = cli("hosts", "list", "--aggregator", aggregator.url)
    assert result.code == 0
    assert "sysmon config set mode distributed" in result.err


# ---- changing ----------------------------------------------------------------------------------------------


def test_tags_are_set_and_taken_away(fleet: Cli) -> None:
    result = fleet("hosts", "tag", "web01", "owner=ops", "role=proxy", "--json")
    assert result.code == 0, result.err
    assert result.json["tags"] == {"role": "proxy", "owner": "ops"}
    assert fleet("hosts", "tag", "web01", "owner=", "role=", "--json").json["tags"] == {"role": "web-server"}
    assert "role=web-server" in fleet("hosts", "tag", "web01", "x=").out


@pytest.mark.parametrize("tags", [["owner"], ["=ops"], []])
def test_a_word_that_is_no_tag_is_code_2(fleet: Cli, tags: list[str]) -> None:
    assert fleet("hosts", "tag", "web01", *tags).code == 2


def test_a_host_is_archived_and_taken_back(fleet: Cli) -> None:
    assert fleet("hosts", "archive", "web01", "--json").json["status"] == "archived"
    assert [
        h["hostname"] for h in fleet("hosts", "list", "--status", "archived", "--json").json["hosts"]
    ] == ["web01"]
    assert fleet("hosts", "archive", "web01", "--undo", "--json").json["status"] == "online"


def test_a_host_is_deleted_only_when_that_is_meant(fleet: Cli) -> None:
    refused = fleet("hosts", "rm", "web01")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    dry = fleet("hosts", "rm", "web01", "--dry-run")
    assert (dry.code, "would delete web01: 6 series" in dry.err) == (0, True)
    assert fleet("hosts", "show", "web01").code == 0
    done = fleet("hosts", "rm", "web01", "--yes")
    assert (done.code, "deleted web01" in done.err, done.out) == (0, True, "")
    assert fleet("hosts", "show", "web01").code == 6
    assert fleet("hosts", "rm", "web01", "--yes").code == 6


@pytest.mark.parametrize(("typed", "code"), [("web01", 0), ("web", 2), ("", 2)])
def test_its_name_must_be_typed(fleet: Cli, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    monkeypatch.setattr(
        "sysmon.cli.hosts_change.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    )
    result = fleet("hosts", "rm", "web01", input=f"{typed}\n")
    assert result.code == code
    assert fleet("hosts", "show", "web01").code == (6 if code == 0 else 0)


def test_without_the_admin_token_nothing_is_changed(fleet: Cli, tmp_path: Path) -> None:
    fleet.env["SYSMON_DATA_DIR"] = str(tmp_path / "empty")
    for command in (["tag", "web01", "a=b"], ["archive", "web01"], ["rm", "web01", "--yes"]):
        result = fleet("hosts", *command)
        assert (result.code, "SYSMON_ADMIN_TOKEN" in result.err) == (4, True)
