"""`sysmon metrics` and `sysmon now`: the registry, stored samples, and one reading of this machine."""

from __future__ import annotations

import csv
import io
import json
import time
from typing import TYPE_CHECKING

import pytest

from sysmon._core import registry

if TYPE_CHECKING:
    from cli_run import Cli
    from running_aggregator import RunningAggregator


@pytest.fixture
def stored(cli: Cli, aggregator: RunningAggregator) -> Cli:
    """Ten minutes of web01: a gauge that rises by one a minute, and a counter of 600 bytes a minute."""
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    for minute in range(10, 0, -1):
        counter = ("network.bytes_recv", 600.0 * (11 - minute), {"interface": "eth0"})
        aggregator.push("web01", [("cpu.total_usage", 11.0 - minute), counter], age_s=minute * 60.0)
    return cli


def test_list_is_the_whole_registry(cli: Cli) -> None:
    document = cli("metrics", "list", "--json").json
    assert document["count"] == len(document["types"]) == len(registry())
    assert {
        "type",
        "unit",
        "kind",
        "tags",
        "help",
        "source",
        "formula",
        "since",
        "default_on",
        "interval",
    } == set(document["types"][0])


def test_list_takes_a_family_or_a_pattern(cli: Cli) -> None:
    def names(pattern: str) -> list[str]:
        return [row["type"] for row in cli("metrics", "list", pattern, "--json").json["types"]]

    assert {name.split(".")[0] for name in names("load")} == {"load"}
    assert all(name.endswith("_bytes") for name in names("*_bytes"))
    assert cli("metrics", "list", "nothing.*").code == 6


def test_every_metric_is_explained(cli: Cli) -> None:
    for info in registry():
        result = cli("metrics", "explain", info.name)
        assert result.code == 0
        assert result.out.splitlines()[0] == info.name
        for text in (info.kind, info.source.split()[0]):
            assert text in result.out


def test_an_unknown_metric_has_a_suggestion(cli: Cli) -> None:
    result = cli("metrics", "explain", "cpu.total_usge")
    assert result.code == 6
    assert "Did you mean 'cpu.total_usage'?" in result.err


def test_query_draws_one_line_a_series(stored: Cli) -> None:
    result = stored("metrics", "query", "cpu.total_usage", "network.*", "--since", "15m")
    assert result.code == 0, result.err
    head, *lines = result.out.splitlines()
    assert head.split() == ["HOST", "TYPE", "TAGS", "TREND", "MIN", "AVG", "MAX", "LAST"]
    assert "1.0 %" in lines[0]
    assert "10.0 %" in lines[0]
    assert "10 B/s" in lines[1]  # 600 bytes a minute


def test_query_as_csv_has_every_stored_sample(stored: Cli) -> None:
    text = stored("metrics", "query", "cpu.total_usage", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["value"]) for row in rows] == [float(value) for value in range(1, 11)]
    assert abs(float(rows[-1]["time"]) - (time.time() - 60)) < 30
    assert {row["host"] for row in rows} == {"web01"}


def test_query_as_jsonl_and_json_keep_the_apis_keys(stored: Cli) -> None:
    line = json.loads(stored("metrics", "query", "cpu.total_usage", "--format", "jsonl").out.splitlines()[0])
    assert line == {
        **line,
        "host": "web01",
        "type": "cpu.total_usage",
        "tags": {},
        "value": 1.0,
        "unit": "percent",
    }
    document = stored("metrics", "query", "cpu.total_usage", "--step", "5m", "--agg", "max", "--json").json
    assert document["step"] == 300
    assert max(value for value in document["series"][0]["values"] if value is not None) == 10.0


def test_query_narrows_by_host_and_tag(stored: Cli) -> None:
    assert stored("metrics", "query", "network.*", "--tag", "interface=eth0", "--json").json["series"]
    assert not stored("metrics", "query", "network.*", "--tag", "interface=eth1", "--json").json["series"]
    assert stored("metrics", "query", "cpu.total_usage", "--host", "nope").code == 6


def test_query_without_samples_is_partial(stored: Cli) -> None:
    result = stored("metrics", "query", "memory.used_bytes")
    assert result.code == 7
    assert "no samples of memory.used_bytes" in result.err
    assert stored("metrics", "query", "cpu.total_usage", "--since", "1h", "--until", "2h").code == 2


def test_now_reads_this_machine(cli: Cli) -> None:
    document = cli("now", "cpu", "network", "--for", "100ms", "--json").json
    rows = {(row["type"], *row["tags"].values()): row for row in document["metrics"]}
    assert 0 <= rows["cpu.total_usage",]["value"] <= 100
    assert all(
        key[0].split(".")[0]
        in {"cpu", "load", "pressure", "network", "tcp", "udp", "sockets", "conntrack", "softnet"}
        for key in rows
    )
    assert rows["network.bytes_recv", "lo"]["rate"] >= 0 if ("network.bytes_recv", "lo") in rows else True
    assert cli("now", "--for", "100ms").out.splitlines()[0].startswith("cpu ")


def test_now_of_an_unknown_family_has_a_suggestion(cli: Cli) -> None:
    result = cli("now", "memry")
    assert result.code == 2
    assert "Did you mean 'memory'?" in result.err


def test_since_and_until_both_count_from_now(stored: Cli) -> None:
    out = stored("metrics", "query", "cpu.*", "--since", "8m", "--until", "5m", "--format", "jsonl").out
    values = [json.loads(line)["value"] for line in out.splitlines()]
    assert values == [4.0, 5.0, 6.0]
