"""`sysmon top`: readings of this machine and of a host, the screen they are drawn on, and its keys."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from rich.console import Console

from sysmon.cli import main, top
from sysmon.cli.top_fleet import FleetView
from sysmon.cli.top_screen import History, screen
from sysmon.cli.top_source import LocalSource, Reading, RemoteSource
from sysmon.client import Client
from sysmon.errors import ApiError
from terminal import Terminal

if TYPE_CHECKING:
    from cli_run import Cli
    from running_aggregator import RunningAggregator

FIXTURES = Path(__file__).parent / "fixtures" / "proc"


def drawn(
    reading: Reading, history: History, width: int = 100, *, now_s: float = 1_000.0, problem: str = ""
) -> str:
    out = Console(file=io.StringIO(), width=width, color_system=None)
    with click.Context(main):
        out.print(screen(reading, history, width, now_s, problem))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def reading(**values: float) -> Reading:
    named = {(name.replace("__", "."), ()): value for name, value in values.items()}
    return Reading("web01", "online", 1_000.0, dict(named), {"os": "Debian 12", "cores": 4})


@pytest.fixture
def remote(cli: Cli, aggregator: RunningAggregator) -> RemoteSource:
    """web01: two ticks, ten seconds apart, with a counter, facts and processes."""
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    now = time.time()
    for tick in range(2):
        metrics = [
            ("cpu.total_usage", 40.0 + tick),
            ("network.bytes_recv", 5_000.0 * tick, {"interface": "eth0"}),
            ("network.bytes_recv", 9e9 * tick, {"interface": "lo"}),
            ("disk.usage_percent", 85.0, {"mountpoint": "/"}),
        ]
        more = {"timestamp": now - 10 + 10 * tick, **({"facts": {"os": "Debian 12"}} if tick else {})}
        processes = [
            {"pid": 7, "command": "idle", "cpu_percent": 0.1},
            {"pid": 8, "command": "busy", "cpu_percent": 9.0},
        ]
        aggregator.push("web01", metrics, processes=processes, **more)  # type: ignore[arg-type]
    return RemoteSource(aggregator.client, "web01")


# ---- readings ----------------------------------------------------------------------------------------------


def test_this_machine_is_read_with_rates(tmp_path: Path) -> None:
    now = iter([100.0, 102.0, 104.0, 200.0])
    source = LocalSource(1.0, clock=lambda: next(now))
    first, second = source.read(), source.read()
    assert first.all("network.bytes_recv") == []
    assert second.get("memory.total_bytes") == first.get("memory.total_bytes")
    assert second.all("network.bytes_recv")
    assert all(value >= 0 for _, value in second.all("network.bytes_recv"))
    assert second.facts["cores"] == os.cpu_count()
    source._before = dict.fromkeys(source._before, (102.0, 1e18))
    kept = source.read().all("network.bytes_recv")  # all fell: nothing is known of this interval
    assert kept == second.all("network.bytes_recv")
    source._before = dict.fromkeys(source._before, (104.0, 1e18))
    assert source.read().all("network.bytes_recv") == []  # … and after a while the old ones are not shown


def test_a_host_is_read_with_rates_and_processes(remote: RemoteSource) -> None:
    found = remote.read()
    assert (found.hostname, found.state, found.facts) == ("web01", "online", {"os": "Debian 12"})
    assert found.get("cpu.total_usage") == 41
    assert found.get("network.bytes_recv", interface="eth0") == pytest.approx(500, rel=0.01)
    assert [one["command"] for one in found.processes] == ["busy", "idle"]


def test_what_is_stored_is_drawn_at_once(remote: RemoteSource, aggregator: RunningAggregator) -> None:
    history = History()
    history.fill(aggregator.client, "web01", 5.0, time.time() + 5)
    cpu = [value for value in history.lines["cpu"] if value is not None]
    assert cpu == [40.0, 41.0]
    net = [value for value in history.lines["net in"] if value is not None]
    assert net == pytest.approx([500], rel=0.01)  # without the loopback interface


# ---- the screen --------------------------------------------------------------------------------------------


def test_a_reading_is_drawn() -> None:
    one = reading(
        cpu__total_usage=42.0, memory__usage_percent=50.0, load__avg1=1.5, system__uptime_seconds=7_200
    )
    tags = (("device", "sda1"), ("mountpoint", "/data"))
    one.values["disk.usage_percent", tags] = 91.0
    one.values["disk.available_bytes", tags] = float(3 << 30)
    one.values["diskio.read_bytes", (("device", "sda"),)] = 2048.0
    one.values["pressure.io_some_percent", (("window", "10s"),)] = 12.5
    one.processes.append(
        {"pid": 7, "user": "www", "command": "nginx", "cpu_percent": 3.0, "rss_bytes": 1 << 20}
    )
    history = History()
    for value in (10.0, 100.0):
        history.add(reading(cpu__total_usage=value))
    text = drawn(one, history)
    for part in (
        "web01", "online", "Debian 12 · 4 cores · up 2 h", "42.0 %", "/data", "3.0 GiB free", "▁█  ",
        "max 100.0 %", "waiting for  io 12.5 %", "sda", "2.0 KiB/s", "nginx", "1.0 MiB",
    ):  # fmt: skip
        assert part in text, (part, text)


@pytest.mark.parametrize("width", [40, 60, 100, 300])
def test_it_fits_the_terminal(width: int) -> None:
    one = reading(cpu__total_usage=42.0, memory__usage_percent=50.0)
    one.values["network.bytes_recv", (("interface", "a-very-long-interface-name"),)] = 1e9
    one.processes.append({"pid": 7, "command": "c" * 300, "cpu_percent": 3.0})
    history = History()
    for value in range(300):
        history.add(reading(cpu__total_usage=value % 100))
    assert max(map(len, drawn(one, history, width).splitlines())) <= width


def test_missing_values_are_gaps_and_absent_lines() -> None:
    history = History()
    history.add(reading(cpu__total_usage=50.0))
    history.gap()
    history.add(reading(cpu__total_usage=50.0))
    text = drawn(reading(), history)
    assert "▅ ▅" in text
    assert "net in" not in text
    assert "swap" not in text


def test_a_quiet_host_looks_quiet() -> None:
    one = Reading("web01", "offline", 1_000.0, {})
    text = drawn(one, History(), now_s=1_600.0, problem="aggregator http://x cannot be reached")
    assert "offline" in text
    assert "last heard 10 min ago" in text
    assert "cannot be reached" in text


def test_text_of_hosts_cannot_steer_the_terminal() -> None:
    evil = "\x1b[2J\u202eevil"
    one = Reading(
        evil, "online", 1_000.0, {("disk.usage_percent", (("mountpoint", evil),)): 5.0}, {"os": evil}
    )
    one.processes.append({"pid": evil, "user": evil, "command": evil})
    text = drawn(one, History(), problem=evil)
    assert "\x1b" not in text
    assert "\u202e" not in text


# ---- the command -------------------------------------------------------------------------------------------


def test_without_a_terminal_it_is_drawn_once(cli: Cli, remote: RemoteSource) -> None:
    local = cli("top", "--interval", "50ms")
    assert (local.code, "memory" in local.out) == (0, True)
    there = cli("top", "web01")
    assert (there.code, "busy" in there.out, "85.0 %" in there.out) == (0, True, True)
    assert cli("top", "nobody").code == 6


def test_a_host_that_is_not_online_is_code_7(cli: Cli, aggregator: RunningAggregator) -> None:
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    aggregator.push("web01", [("cpu.total_usage", 1.0)])
    host = aggregator.aggregator.directory.get("web01")
    assert host is not None
    host.last_seen_ms = 1_000
    assert cli("top", "web01").code == 7


def test_it_goes_on_when_the_aggregator_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(
        [reading(cpu__total_usage=1.0), ApiError(None, "unreachable", "gone"), reading(cpu__total_usage=9.0)]
    )
    seen: list[tuple[float | None, str]] = []

    class Flaky:
        def read(self) -> Reading:
            answer = next(answers)
            if isinstance(answer, ApiError):
                raise answer
            return answer

    class Drawn(top.HostView):
        def draw(self, width: int, height: int, now_s: float, problem: str = "") -> str:
            seen.append((self.reading.get("cpu.total_usage"), problem))
            return ""

    @contextlib.contextmanager
    def keys() -> Any:
        left = iter(["", "", "q"])
        yield lambda _: next(left)

    monkeypatch.setattr(top, "_keys", keys)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    view = Drawn(Flaky())
    with click.Context(main):
        assert top._watch(view, 1.0) == 0
    assert seen == [(1.0, ""), (1.0, "gone"), (9.0, "")]
    assert list(view.history.lines["cpu"]) == [None, 9.0]


def in_a_terminal(cli: Cli, *arguments: str, columns: int = 100, rows: int = 40, **env: str) -> Terminal:
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("SYSMON_", "COLUMNS"))}
    given = {key: value for key, value in cli.env.items() if value is not None and key != "COLUMNS"}
    ours |= {**given, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env}
    command = [sys.executable, "-m", "sysmon.cli", "top", *arguments]
    return Terminal(command, ours, columns=columns, rows=rows)


@pytest.mark.parametrize(("press", "code"), [(b"q", 0), (signal.SIGINT, 130)])
def test_q_and_ctrl_c_end_it_and_the_terminal_is_as_it_was(
    cli: Cli, press: bytes | signal.Signals, code: int
) -> None:
    with in_a_terminal(cli, "--interval", "200ms") as terminal:
        terminal.until_text("cpu", "memory", "net in", "load", "● online")
        first = terminal.text
        terminal.until(lambda: terminal.text != first)  # it lives
        if isinstance(press, bytes):
            terminal.press(press)
        else:
            terminal.process.send_signal(press)
        assert terminal.end() == code, terminal.written[-2000:]
        assert terminal.is_as_it_was
        # The other screen, and back.
        assert terminal.written.count(b"\x1b[?1049h") == terminal.written.count(b"\x1b[?1049l") == 1
        assert b"Traceback" not in terminal.written


def test_a_host_of_the_fleet_lives_in_a_terminal(
    cli: Cli, remote: RemoteSource, aggregator: RunningAggregator
) -> None:
    with in_a_terminal(cli, "web01", "--interval", "200ms") as terminal:
        terminal.until_text("web01", "online", "41.0 %", "busy", "85.0 %")
        aggregator.push("web01", [("cpu.total_usage", 97.0)], tags={})
        terminal.until_text("97.0 %")
        terminal.press(b"q")
        assert terminal.end() == 0


# ---- the fleet ---------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(cli: Cli, aggregator: RunningAggregator) -> RunningAggregator:
    """Four hosts: one that is well, one with a full disk, one that is busy, and one that fell silent."""
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    for host, cpu, disk in (
        ("calm", 5.0, 20.0),
        ("full", 10.0, 95.0),
        ("busy", 85.0, 30.0),
        ("gone", 1.0, 1.0),
    ):
        for age_s in (20.0, 10.0, 0.0):
            metrics = [
                ("cpu.total_usage", cpu),
                ("memory.usage_percent", 40.0),
                ("disk.usage_percent", disk, {"mountpoint": "/"}),
                ("network.bytes_recv", 1e6 * (30 - age_s), {"interface": "eth0"}),
            ]
            aggregator.push(host, metrics, age_s=age_s, interval=600)  # type: ignore[arg-type]
    silent = aggregator.aggregator.directory.get("gone")
    assert silent is not None
    silent.last_seen_ms = 1_000
    return aggregator


def test_the_fleet_is_drawn_worst_first(cli: Cli, fleet: RunningAggregator) -> None:
    result = cli("top", "--fleet", "--once")
    assert result.code == 7  # one of them is not online
    (
        head,
        *_,
    ) = lines = result.out.splitlines()
    assert head.startswith("4 hosts")
    assert "online 3" in head
    assert "offline 1" in head
    order = [
        line.split()[0]
        for line in lines
        if line.split() and line.split()[0] in {"calm", "full", "busy", "gone"}
    ]
    assert order == ["gone", "full", "busy", "calm"]
    (full,) = [line for line in lines if line.startswith("full")]
    assert "95.0 %" in full
    assert "█" in full
    document = cli("top", "--fleet", "--json").json
    assert [host["hostname"] for host in document["hosts"]] == order


def test_a_host_and_the_fleet_at_once_is_code_2(cli: Cli) -> None:
    assert cli("top", "web01", "--fleet").code == 2


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_the_fleet_fits_the_terminal(cli: Cli, fleet: RunningAggregator, width: int) -> None:
    with Client(fleet.url) as client:
        view = FleetView(client, 1.0, time.time())
    out = Console(file=io.StringIO(), width=width, color_system=None)
    with click.Context(main):
        out.print(view.draw(width, 5, time.time(), problem="the aggregator is away"))
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 7  # one host has room, and it is said that there are more
    assert "gone" in out.file.getvalue()
    assert "3 better ones" in out.file.getvalue()


def test_what_the_fleet_did_before_has_no_holes_where_hosts_push_slower(fleet: RunningAggregator) -> None:
    with Client(fleet.url) as client:
        view = FleetView(client, 1.0, time.time() + 1)
    line = [value for value in view._cpu["busy"] if value is not None]
    assert line.count(85.0) >= 20  # three samples, ten seconds apart, in cells of one


def test_a_fleet_without_hosts_is_no_error(cli: Cli, aggregator: RunningAggregator) -> None:
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    result = cli("top", "--fleet", "--once")
    assert (result.code, result.out.startswith("0 hosts")) == (0, True)


def test_the_fleet_lives_in_a_terminal(cli: Cli, fleet: RunningAggregator) -> None:
    with in_a_terminal(cli, "--fleet", "--interval", "200ms", columns=120, rows=12) as terminal:
        terminal.until_text("4 hosts", "gone", "full", "busy", "calm", "CPU BEFORE", "█")
        assert max(map(len, terminal.lines)) <= 120
        full = [("cpu.total_usage", 99.0), ("disk.usage_percent", 99.0, {"mountpoint": "/"})]
        fleet.push("calm", full, interval=600)  # type: ignore[arg-type]
        fleet.push("gone", [("cpu.total_usage", 2.0)], interval=600)
        # The one that got worst climbs to the top, the one that came back is online again.
        terminal.until(
            lambda: any(line.startswith("calm") and "99.0 %" in line for line in terminal.lines[3:4])
        )
        terminal.until_text("online 4")
        terminal.resize(60, 8)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.until(lambda: "CPU BEFORE" not in terminal.text and "calm" in terminal.text)
        terminal.press(b"q")
        assert terminal.end() == 0
        assert terminal.is_as_it_was


@pytest.mark.parametrize(("env", "lives"), [({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False)])
def test_without_colour_it_lives_and_on_a_dumb_terminal_it_is_drawn_once(
    cli: Cli, env: dict[str, str], lives: bool
) -> None:
    with in_a_terminal(cli, "--interval", "100ms", **env) as terminal:
        terminal.until_text("cpu", "memory")
        if lives:
            terminal.press(b"q")
        assert terminal.end() == 0
        assert (b"\x1b[?1049h" in terminal.written) is lives
        assert b"\x1b[3" not in terminal.written
        assert (b"\x1b" in terminal.written) is lives
