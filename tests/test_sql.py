"""`sysmon sql`: what the tables say, what is read for it, what is refused, and who is kept waiting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from service_kit import START_MS, ServiceKit
from sysmon.aggregator import sql_tables
from sysmon.aggregator.file_reader import FileReader
from sysmon.aggregator.sql import (
    SqlArgumentError,
    SqlError,
    SqlRefusedError,
    SqlSession,
    SqlTimeoutError,
)
from sysmon.aggregator.storage import DamagedError, Query
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_run import Cli

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
START = START_MS / 1000
DAY_START_MS = START_MS // DAY_MS * DAY_MS


def fill(kit: ServiceKit, *, hosts: tuple[str, ...] = ("web01", "db01"), ticks: int = 200) -> None:
    """The last `ticks` minutes of each host: half of it in chunks, half in the journal."""
    for half in range(2):
        for tick in range(half * ticks // 2, (half + 1) * ticks // 2):
            for number, host in enumerate(hosts):
                kit.push(
                    host,
                    ("cpu.total_usage", tick + number / 7),
                    ("network.bytes_recv", tick * 1_000.0, {"interface": "eth0"}),
                    ("own.metric", -tick / 3, {"a": "x", "b": 'é"'}),
                    timestamp=START - 60 * (ticks - 1 - tick),
                    interval=60,
                )
        if half == 0:
            kit.service.storage.maintain("compact")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceKit]:
    """An aggregator with two hosts, for tests that only read."""
    made = ServiceKit(tmp_path_factory.mktemp("filled") / "data")
    fill(made)
    yield made
    made.service.close()


@pytest.fixture
def session(filled: ServiceKit) -> Iterator[SqlSession]:
    with SqlSession(filled.settings, filled.now_ms) as opened:
        yield opened


def ask(session: SqlSession, statement: str, timeout_s: float = 20) -> list[Any]:
    return list(session.run(statement, timeout_s).rows)


def samples_of(kit: ServiceKit, host: str, **more: Any) -> set[tuple[float, str, str, str, float]]:
    """What the store itself answers."""
    found = kit.service.directory.get(host)
    assert found is not None
    question = {"start_ms": 0, "end_ms": 1 << 60, **more}
    columns = kit.service.storage.query(Query(host_ids=[found.host_id], **question)).columns
    rows = set()
    for i in range(len(columns)):
        metric, tags = columns.key(i)
        for time_ms, value, present in zip(
            columns.times(i), columns.values(i), columns.present(i), strict=True
        ):
            if present:
                text = json.dumps(dict(tags), ensure_ascii=False, separators=(",", ":"))
                rows.add((time_ms / 1000, metric, host, text, value))
    return rows


def test_the_table_has_every_sample_bit_for_bit(filled: ServiceKit, session: SqlSession) -> None:
    rows = ask(session, "SELECT timestamp, type, host, tags, value FROM metrics")
    assert len(rows) == 2 * 3 * 200
    assert set(rows) == samples_of(filled, "web01") | samples_of(filled, "db01")


def test_the_question_of_the_manual(session: SqlSession) -> None:
    rows = ask(
        session,
        "SELECT host, avg(value) FROM metrics WHERE type='cpu.total_usage'"
        f" AND timestamp > {START} - 3600 GROUP BY host",
    )
    expected = {host: sum(range(140, 200)) / 60 + n / 7 for n, host in enumerate(("web01", "db01"))}
    assert dict(rows) == pytest.approx(expected)
    assert [host for host, _ in rows] == ["db01", "web01"]


@pytest.mark.parametrize(
    "where",
    [
        "host = 'web01'",
        "host IN ('web01', 'db01', 'nobody')",
        "host = 'WEB01' COLLATE NOCASE",
        "host <> 'web01'",
        "type = 'own.metric'",
        "type IN ('own.metric', 'cpu.total_usage', 'x')",
        "type LIKE 'CPU.%'",
        "type LIKE '%_usage'",
        "type LIKE 'own_metric'",
        "type NOT LIKE 'cpu%'",
        "type GLOB 'net*'",
        "type GLOB 'NET*'",
        "type GLOB '*'",
        "type LIKE 'cpu.%' AND type = 'own.metric'",
        f"timestamp > {START - 3600}",
        f"timestamp >= {START - 3600} AND timestamp < {START - 60}",
        f"timestamp = {START - 600}",
        f"timestamp IN ({START}, {START - 60}, 7)",
        f"timestamp BETWEEN {START - 7200} AND {START - 3600}",
        f"timestamp <= '{START - 3600}'",
        f"timestamp > {START - 60:.0f}.0001",
        "timestamp > 9e999",
        "timestamp < -9e999",
        "timestamp > NULL",
        "host = NULL",
        "host = 5",
        "host = x'00'",
        "host = 'web01' OR type = 'cpu.total_usage'",
        f"(host = 'db01' AND timestamp > {START - 99}) OR (type GLOB 'n*' AND host = 'web01')",
        "value > 100",
        "tags ->> 'interface' = 'eth0'",
        "host = (SELECT min(hostname) FROM hosts)",
        f"host = 'web01' AND type = 'cpu.total_usage' AND timestamp > {START - 240}",
    ],
)
def test_what_is_pushed_down_changes_no_answer(
    session: SqlSession, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = ask(session, f"SELECT * FROM metrics WHERE {where}")
    monkeypatch.setattr(sql_tables, "_use_of", lambda *_: None)
    everything = ask(session, f"SELECT * FROM (SELECT * FROM metrics) WHERE {where}")
    assert sorted(pushed) == sorted(everything)


def test_what_is_left_out_is_not_read(session: SqlSession, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    windows = FileReader.windows

    def remember(reader: FileReader, host: Any, **more: Any) -> Any:
        asked.append((host.hostname, more["types"], more["start_ms"], more["end_ms"]))
        return windows(reader, host, **more)

    monkeypatch.setattr(FileReader, "windows", remember)
    ask(session, "SELECT * FROM metrics WHERE host IN ('db01', 'x') AND type LIKE 'NET%' AND timestamp >= 5")
    assert asked == [("db01", ["network.bytes_recv"], 4_999, float("inf"))]
    asked.clear()
    ask(session, "SELECT count(*) FROM hosts JOIN metrics ON host = hostname WHERE hostname = 'web01'")
    assert [host for host, *_ in asked] == ["web01"]
    asked.clear()
    assert ask(session, "SELECT * FROM metrics WHERE type = 'no.such' OR host = 'nobody'") == []
    assert asked == []


def test_grouping_by_host_needs_no_sorting(session: SqlSession) -> None:
    plan = ask(session, "EXPLAIN QUERY PLAN SELECT host, max(value) FROM metrics GROUP BY host")
    assert not [line for line in plan if "TEMP B-TREE" in line[3]]
    hosts = [host for (host,) in ask(session, "SELECT host FROM metrics ORDER BY host DESC")]
    assert hosts == sorted(hosts, reverse=True)


def test_cells_are_those_of_the_api(kit: ServiceKit) -> None:
    kit.now_ms = DAY_START_MS + 3 * DAY_MS
    for n in range(900):
        kit.push("web01", ("cpu.total_usage", n / 7), timestamp=DAY_START_MS / 1000 + 200 * n, interval=200)
    kit.service.storage.maintain("compact")
    with SqlSession(kit.settings, kit.now_ms) as session:
        for agg in ("avg", "min", "max", "last", "sum", None):
            for step, spelled in (
                (300, "300"),
                (3_600, "'1h'"),
                (86_400, "'1d'"),
                (420, "420"),
                (60, "'1m'"),
            ):
                and_agg = "" if agg is None else f" AND agg = '{agg}'"
                rows = ask(session, f"SELECT timestamp, value FROM metrics WHERE step = {spelled}{and_agg}")
                step_ms = step * 1000
                start_ms = DAY_START_MS // step_ms * step_ms
                span = {"start_ms": start_ms, "end_ms": start_ms + 5 * DAY_MS // step_ms * step_ms}
                expected = samples_of(kit, "web01", **span, step_ms=step_ms, agg=agg)
                assert dict(rows) == pytest.approx({row[0]: row[4] for row in expected})
                assert len(rows) == len(expected) > 0


def test_cells_outlive_their_samples(kit: ServiceKit) -> None:
    kit.now_ms = DAY_START_MS + HOUR_MS
    kit.push("web01", ("cpu.total_usage", 4.0), timestamp=DAY_START_MS / 1000)
    kit.now_ms = DAY_START_MS + 2 * DAY_MS + HOUR_MS
    kit.service.storage.maintain("compact")
    kit.now_ms = DAY_START_MS + 40 * DAY_MS
    kit.push("web01", ("cpu.total_usage", 6.0), timestamp=kit.now_ms / 1000)
    kit.service.storage.maintain("compact")
    with SqlSession(kit.settings, kit.now_ms) as session:
        assert ask(session, "SELECT value FROM metrics") == [(6.0,)]
        assert ask(session, "SELECT value, step FROM metrics(3600) ORDER BY timestamp") == [
            (4.0, 3600),
            (6.0, 3600),
        ]


def test_hosts_are_as_the_api_has_them(kit: ServiceKit) -> None:
    fill(kit, ticks=2)
    kit.post(
        {
            "hostname": "old",
            "timestamp": START - 9_000,
            "tags": {"role": "db"},
            "version": "1.0",
            "metrics": [],
        }
    )
    kit.now_ms += 3_600_000
    with SqlSession(kit.settings, kit.now_ms) as later:
        rows = ask(later, "SELECT hostname, last_seen, tags, version, status FROM hosts ORDER BY hostname")
    listed = kit.get("/api/hosts")["hosts"]
    assert [
        [host["hostname"], host["last_seen"], host["tags"], host["version"], host["status"]]
        for host in listed
    ] == [[name, seen, json.loads(tags), version, status] for name, seen, tags, version, status in rows]


def test_one_session_sees_one_state(kit: ServiceKit) -> None:
    fill(kit, ticks=20)
    with SqlSession(kit.settings, kit.now_ms) as session:
        before = set(ask(session, "SELECT * FROM metrics"))
        kit.push("web01", ("cpu.total_usage", 1.0), timestamp=START + 1)
        kit.service.storage._compactor.everything()
        assert set(ask(session, "SELECT * FROM metrics")) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH '/etc/passwd' AS other",
        "PRAGMA query_only = 0",
        "PRAGMA table_info(hosts)",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('x')",
        "INSERT INTO hosts VALUES ('a', 1, '', '', '')",
        "UPDATE hosts SET hostname = 'x'",
        "DELETE FROM metrics",
        "DELETE FROM hosts",
        "DROP TABLE hosts",
        "CREATE TEMP TABLE t (x)",
        "CREATE VIRTUAL TABLE t USING metrics",
        "BEGIN",
        "SAVEPOINT a",
        "VACUUM INTO '/tmp/copy'",
        "DETACH main",
        "REINDEX",
        "ANALYZE",
    ],
)
def test_everything_but_reading_is_refused(session: SqlSession, statement: str) -> None:
    with pytest.raises(SqlRefusedError):
        ask(session, statement)
    assert len(ask(session, "SELECT * FROM hosts")) == 2


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("SELECT nonsense FROM metrics", "no such column: nonsense, at: nonsense FROM metrics"),
        ("SELECT * FROM samples", "no such table: samples"),
        ("SELEC 1", 'near "SELEC": syntax error, at: SELEC 1'),
        ("SELECT '", "unrecognized token"),
        ("", "no statement"),
        ("-- nothing", "no statement"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT zeroblob(100000000)", "too big"),
        ("SELECT ?", "bindings"),
    ],
)
def test_a_wrong_statement_is_told_where(session: SqlSession, statement: str, says: str) -> None:
    with pytest.raises(SqlError, match=says.replace("?", r"\?")):
        ask(session, statement)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("timestamp > '2026-01-01'", "unixepoch"),
        ("step = 'soon'", "is not a step"),
        ("step = 0.5", "is not a step"),
        ("step = 60 AND agg = 'median'", "is not one of avg"),
        ("agg = 'max'", "say step"),
    ],
)
def test_a_value_that_cannot_be_compared_is_an_error(session: SqlSession, where: str, says: str) -> None:
    with pytest.raises(SqlArgumentError, match=says):
        ask(session, f"SELECT * FROM metrics WHERE {where}")


def test_a_statement_ends_with_its_time(session: SqlSession) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    with pytest.raises(SqlTimeoutError, match=r"0\.05 s"):
        ask(session, endless, 0.05)
    with pytest.raises(SqlTimeoutError):
        ask(session, "SELECT count(*) FROM metrics a, metrics b, metrics c", 0.05)
    assert ask(session, "SELECT 1;") == [(1,)]


def test_damage_is_told_and_not_served(kit: ServiceKit) -> None:
    fill(kit)
    kit.service.storage._writer.run(
        lambda db: db.execute("UPDATE chunks SET payload = x'00112233445566' WHERE (key >> 3 & 16777215) = 1")
    )
    with SqlSession(kit.settings, kit.now_ms) as session:
        with pytest.raises(DamagedError, match="web01 is damaged"):
            ask(session, "SELECT * FROM metrics")
        assert len(ask(session, "SELECT * FROM metrics WHERE host = 'db01'")) == 600


def test_a_file_of_another_version_is_told(kit: ServiceKit) -> None:
    kit.service.storage._writer.run(lambda db: db.pragma("user_version", 99))
    with pytest.raises(StorageError, match="upgrade sysmon"):
        SqlSession(kit.settings, 0)
    kit.service.storage._writer.run(lambda db: db.pragma("user_version", 1))
    with pytest.raises(StorageError, match="start the aggregator once"):
        SqlSession(kit.settings, 0)


def test_a_long_statement_keeps_no_push_waiting(kit: ServiceKit) -> None:
    fill(kit)
    with SqlSession(kit.settings, kit.now_ms) as session:
        rows = session.run("SELECT a.value FROM metrics a, metrics b", 60).rows
        next(rows)  # it is under way, and holds its state of the file
        done = threading.Event()

        def write() -> None:
            for n in range(20):
                kit.push("web01", ("cpu.total_usage", 1.0), timestamp=START + 60 + n)
            done.set()

        threading.Thread(target=write, daemon=True).start()
        assert done.wait(30)
        assert next(rows)


def test_a_long_statement_stops_neither_maintenance_nor_a_start(kit: ServiceKit) -> None:
    fill(kit, ticks=20)
    with SqlSession(kit.settings, kit.now_ms) as session:
        rows = session.run("SELECT a.value FROM metrics a, metrics b", 60).rows
        next(rows)
        kit.push("web01", ("cpu.total_usage", 1.0), timestamp=START + 60)
        kit.service.storage.maintain("compact")
        assert kit.service.storage.stats()["rows"] == 0
        kit.reopen()
        kit.push("web01", ("cpu.total_usage", 2.0), timestamp=START + 120)
        assert next(rows)
    kit.reopen()
    assert kit.service.warnings == []
    question = f"/api/metrics?host=web01&type=cpu.total_usage&start={START}&end={START + 300}"
    (series,) = kit.get(question)["series"]
    assert series["values"] == [19.0, 1.0, 2.0]


def test_memory_is_that_of_a_window(kit: ServiceKit) -> None:
    """Windows grow while they hold little and shrink where they hold much; none holds all."""
    sizes: dict[str, list[int]] = defaultdict(list)
    fill(kit, hosts=("web01",), ticks=600)
    with FileReader(kit.service.storage.path) as reader:
        (host,) = reader.hosts
        for window in reader.windows(host, types=None, start_ms=float("-inf"), end_ms=float("inf")):
            sizes["samples"].append(sum(len(one.times_ms) for one in window))
    assert sum(sizes["samples"]) == 1_800
    assert max(sizes["samples"]) < 1_800


# ---- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(filled: ServiceKit, cli: Cli) -> Path:
    """A data folder that its aggregator holds, and that the command finds by itself."""
    cli.env["SYSMON_DATA_DIR"] = str(filled.settings.data_dir)
    return filled.settings.data_dir


def test_the_formats(cli: Cli, folder: Path) -> None:
    statement = "SELECT host, value, tags, NULL AS none, 9e999 AS much, x'0aff' AS bytes, value FROM metrics"
    statement += " WHERE type = 'own.metric' ORDER BY host, timestamp LIMIT 2"
    document = cli("sql", statement, "--json").json
    assert document["columns"] == ["host", "value", "tags", "none", "much", "bytes", "value_2"]
    assert document["rows"][1] == ["db01", -1 / 3, '{"a":"x","b":"é\\""}', None, None, "x'0aff'", -1 / 3]
    lines = [json.loads(line) for line in cli("sql", statement, "--format", "jsonl").out.splitlines()]
    assert lines[1] == dict(zip(document["columns"], document["rows"][1], strict=True))
    csv = cli("sql", statement, "--format", "csv").out.splitlines()
    assert csv[0] == "host,value,tags,none,much,bytes,value_2"
    assert csv[2].startswith("db01,-0.3333333333333333,")
    plain = cli("sql", statement, "--format", "plain", "--no-headers").out.splitlines()
    assert plain[0].startswith("db01\t0.0\t")
    table = cli("sql", statement).out.splitlines()
    assert table[0].split()[:2] == ["host", "value"]
    assert len(table) == 3
    assert cli("sql", "SELECT 1 AS a WHERE 0", "--json").json == {"columns": ["a"], "rows": []}


def test_a_table_that_would_be_endless_is_cut(cli: Cli, folder: Path) -> None:
    many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10001) SELECT x FROM c"
    cut = cli("sql", many)
    assert (cut.code, len(cut.out.splitlines())) == (7, 10_001)
    assert "--format csv" in cut.err
    assert cli("sql", many, "--format", "csv").out.count("\n") == 10_002


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["SELECT nonsense FROM metrics"], 2, "metrics(timestamp, type, host, tags, value)"),
        (["SELECT * FROM metrics WHERE timestamp > 'now'"], 2, "unixepoch"),
        (["DROP TABLE hosts"], 4, "only reading"),
        (["SELECT count(*) FROM metrics a, metrics b, metrics c", "--timeout", "0.1"], 5, "--timeout"),
        (["SELECT 1", "--data-dir", "/nonexistent"], 6, "--data-dir"),
        ([], 2, "STATEMENT"),
    ],
)
def test_the_codes(cli: Cli, folder: Path, arguments: list[str], code: int, says: str) -> None:
    result = cli("sql", *arguments)
    assert (result.code, result.out) == (code, "")
    assert says in result.err
    assert len(result.err.splitlines()) <= 3


def test_the_statement_may_come_from_stdin(cli: Cli, folder: Path) -> None:
    assert (
        cli("sql", "-", "--format", "csv", input="SELECT hostname\nFROM hosts\n").out
        == "hostname\ndb01\nweb01\n"
    )


def test_text_of_hosts_cannot_steer_the_terminal(cli: Cli, folder: Path) -> None:
    for format_ in ("table", "plain", "csv", "json", "jsonl"):
        assert "\x1b" not in cli("sql", "SELECT char(27) || '[2J' AS a", "--format", format_).out
    assert "'=1+1" in cli("sql", "SELECT '=1+1' AS a", "--format", "csv").out


def test_it_works_from_another_process_and_without_an_aggregator(kit: ServiceKit) -> None:
    fill(kit, ticks=20)
    statement = "SELECT count(*), sum(value) FROM metrics"
    command = [sys.executable, "-m", "sysmon.cli", "sql", statement, "--format", "csv"]
    env = {**os.environ, "SYSMON_DATA_DIR": str(kit.settings.data_dir)}

    def count() -> str:
        result = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        return result.stdout

    beside = count()
    assert beside.startswith("count(*),sum(value)\n120,")
    kit.service.close()
    assert count() == beside
    kit._open()
    assert kit.service.warnings == []


def test_a_broken_pipe_and_ctrl_c_are_quiet(folder: Path) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
    env = {**os.environ, "SYSMON_DATA_DIR": str(folder)}
    command = f'{sys.executable} -m sysmon.cli sql "{endless}" --format csv | head -2'
    piped = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=env, capture_output=True, timeout=60
    )
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, b"x\n1\n", b"")
    process = subprocess.Popen(
        [sys.executable, "-m", "sysmon.cli", "sql", f"{endless} LIMIT -1 OFFSET 1000000000",
         "--format", "csv", "--timeout", "60"],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "x\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, "")
