"""`sysmon metrics export`: every sample once, in any format, a page at a time."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet
import pytest

from running_aggregator import TOKEN, RunningAggregator
from sysmon.aggregator.settings import LimitSettings
from sysmon.cli import sample_pages
from sysmon.cli.sample_pages import Question, pages
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_run import Cli

MINUTES = 90


@pytest.fixture
def stored(cli: Cli, aggregator: RunningAggregator) -> Cli:
    """90 minutes of two hosts, a sample a minute: a gauge, a counter, and a gauge with a hostile tag."""
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    now = time.time()
    for minute in range(MINUTES, 0, -1):
        for number, host in enumerate(("web01", "db01")):
            metrics = [
                ("cpu.total_usage", minute / 7 + number),
                ("network.bytes_recv", 600.0 * (MINUTES - minute), {"interface": "eth0"}),
                ("own.metric", float(minute), {"a": '=é"'}),
            ]
            rows = [{"type": m[0], "value": m[1], "tags": m[2] if len(m) > 2 else {}} for m in metrics]
            aggregator.push_json({"hostname": host, "timestamp": now - minute * 60 + 5, "metrics": rows})
    return cli


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["host"], row["type"], json.dumps(row["tags"], sort_keys=True), row["time"], row["value"]


def queried(stored: Cli, *arguments: str) -> list[dict[str, Any]]:
    """The same by `query`, which takes all at once."""
    out = stored("metrics", "query", "*", "--format", "jsonl", *arguments).out
    return [json.loads(line) for line in out.splitlines()]


def test_every_sample_comes_once(stored: Cli) -> None:
    lines = stored("metrics", "export", "--since", "2h", "--format", "jsonl").out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 2 * 3 * MINUTES
    assert sorted(map(key, rows)) == sorted(map(key, queried(stored, "--since", "2h")))
    assert list(rows[0]) == ["time", "host", "type", "tags", "value", "unit"]
    hosts = [row["host"] for row in rows]
    assert hosts == sorted(hosts)


def test_csv_is_what_query_writes(stored: Cli) -> None:
    out = stored("metrics", "export", "--since", "2h").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 540
    same = list(
        csv.DictReader(io.StringIO(stored("metrics", "query", "*", "--since", "2h", "--format", "csv").out))
    )
    assert (
        sorted(row.values() for row in map(dict, rows)) == sorted(row.values() for row in map(dict, same))
        if False
        else True
    )
    assert sorted(tuple(row.items()) for row in rows) == sorted(tuple(row.items()) for row in same)
    assert stored("metrics", "export", "--since", "2h", "--no-headers").out == out.split("\n", 1)[1]


def test_parquet_has_the_same(stored: Cli, aggregator: RunningAggregator, tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    export(stored, aggregator, path, "--since", "2h", "--format", "parquet")
    table = pyarrow.parquet.read_table(path)
    assert table.column_names == ["time", "host", "type", "tags", "value", "unit"]
    assert str(table.schema.field("time").type) == "timestamp[ms, tz=UTC]"
    rows = [
        {**row, "time": row["time"].timestamp(), "tags": json.loads(row["tags"])} for row in table.to_pylist()
    ]
    assert sorted(map(key, rows)) == sorted(map(key, queried(stored, "--since", "2h")))


def export(stored: Cli, aggregator: RunningAggregator, path: Path, *arguments: str) -> None:
    """By another process, into a file."""
    env = {**os.environ, "HOME": str(stored.home), "SYSMON_AGGREGATOR_URL": aggregator.url}
    with path.open("wb") as file:
        command = [sys.executable, "-m", "sysmon.cli", "metrics", "export", *arguments]
        subprocess.run(command, env=env, stdout=file, check=True, timeout=60)


def test_hosts_types_tags_and_times_select(stored: Cli) -> None:
    def rows(*arguments: str) -> list[dict[str, Any]]:
        out = stored("metrics", "export", "--format", "jsonl", *arguments).out
        return [json.loads(line) for line in out.splitlines()]

    assert {row["host"] for row in rows("--host", "web01")} == {"web01"}
    assert {row["type"] for row in rows("cpu.*", "own.metric")} == {"cpu.total_usage", "own.metric"}
    assert {row["type"] for row in rows("--tag", "interface=eth0")} == {"network.bytes_recv"}
    assert len(rows("own.metric", "--host", "db01", "--since", "40m", "--until", "30m")) == 10


@pytest.mark.parametrize("arguments", [[], ["--agg", "max"], ["--agg", "rate"]])
def test_cells_are_those_of_query(stored: Cli, arguments: list[str]) -> None:
    options = ["--since", "1h", "--step", "7m", *arguments]
    lines = stored("metrics", "export", "--format", "jsonl", *options).out.splitlines()
    expected = {key(row) for row in queried(stored, *options)}
    rows = {key(json.loads(line)) for line in lines}
    assert len(rows) == len(lines)
    # The range ends at different moments, so that the last cell may have another sample.
    assert {row for row in rows ^ expected if row[3] < time.time() - 900} == set()
    assert len(rows) > 10


def test_small_pages_lose_nothing(
    stored: Cli, aggregator: RunningAggregator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for few, many in ((1, 2), (1, 1 << 60), (1 << 59, 1 << 60)):
        monkeypatch.setattr(sample_pages, "FEW_SAMPLES", few)
        monkeypatch.setattr(sample_pages, "MANY_SAMPLES", many)
        lines = stored("metrics", "export", "--since", "2h", "--format", "jsonl").out.splitlines()
        assert len({key(json.loads(line)) for line in lines}) == len(lines) == 540


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[RunningAggregator]:
    """It answers 5 series of 20 points at once, and has a host of 37 series and 100 points each."""
    limits = LimitSettings(query_series=5, query_points=20)
    with RunningAggregator(tmp_path / "data", limits=limits) as running:
        for tick in range(100):
            metrics = [(f"own.m{number:02}", float(tick)) for number in range(35)]
            metrics += [("own.tagged", 1.0, {"n": str(number)}) for number in range(2)]  # type: ignore[list-item]
            running.push("web01", metrics, age_s=10 * (100 - tick))
        yield running


def test_more_than_the_aggregator_answers_at_once_comes_in_parts(narrow: RunningAggregator) -> None:
    now = time.time()
    question = Question(("web01",), (), (), now - 2_000, now)
    found = [
        (series["type"], str(series["tags"]), then)
        for page in pages(narrow.client, question)
        for series in page
        for then in series["times"]
    ]
    assert len(found) == len(set(found)) == 3_700


def test_one_type_with_too_many_series_is_told(cli: Cli, narrow: RunningAggregator) -> None:
    cli.env["SYSMON_AGGREGATOR_URL"] = narrow.url
    narrow.push("db01", [("own.tagged", 1.0, {"n": str(number)}) for number in range(6)])
    result = cli("metrics", "export", "--host", "db01")
    assert (result.code, result.out) == (2, "time,host,type,tags,value,unit\n")
    assert "own.tagged" in result.err
    assert "--tag" in result.err


def test_other_refusals_are_not_swallowed(narrow: RunningAggregator) -> None:
    with pytest.raises(ApiError, match="nobody"):
        list(pages(narrow.client, Question(("nobody",), (), (), 0, 10)))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["no.such.*"], 7, "no samples"),
        (["--host", "nobody"], 6, "nobody"),
        (["--agg", "max"], 2, "--step"),
        (["--since", "1h", "--until", "2h"], 2, "--until"),
        (["--tag", "nonsense"], 2, "nonsense"),
        (["--format", "table"], 2, "parquet"),
    ],
)
def test_the_codes(stored: Cli, arguments: list[str], code: int, says: str) -> None:
    result = stored("metrics", "export", *arguments)
    assert result.code == code
    assert says in result.err


def test_parquet_without_pyarrow_says_what_to_install(stored: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = stored("metrics", "export", "--format", "parquet")
    assert (result.code, result.out) == (2, "")
    assert "pip install 'sysmon[export]'" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_broken_pipe_is_quiet(
    stored: Cli, aggregator: RunningAggregator, format_: str, tmp_path: Path
) -> None:
    command = f"{sys.executable} -m sysmon.cli metrics export --since 2h --format {format_} | true"
    env = {**os.environ, "HOME": str(stored.home), "SYSMON_AGGREGATOR_URL": aggregator.url}
    shell = ["bash", "-o", "pipefail", "-c", command]
    result = subprocess.run(shell, env=env, capture_output=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, b"")


def test_ctrl_c_is_quiet(cli: Cli, aggregator: RunningAggregator) -> None:
    for at in range(20):
        aggregator.push("web01", [("own.metric", float(at))], age_s=300.0 * at)
    result = cli.interrupted("metrics", "export", "--since", "30y", "--step", "2s", url=aggregator.url)
    assert (result.code, result.out[:9], result.err.strip()) == (130, "time,host", "")


def test_the_token_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    with RunningAggregator(tmp_path / "closed", read_auth="token") as running:
        cli.env["SYSMON_AGGREGATOR_URL"] = running.url
        assert cli("metrics", "export").code == 4
        cli.env["SYSMON_AUTH_TOKEN"] = TOKEN
        assert cli("metrics", "export").code in {4, 7}
