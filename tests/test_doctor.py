"""`sysmon doctor`: every check, with what it checks whole and broken."""

from __future__ import annotations

import json
import os
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from clinic import HOSTNAME
from running_aggregator import TOKEN
from scripted_server import ScriptedServer
from service_kit import ServiceKit
from sysmon import __version__
from sysmon.aggregator import file_stats
from sysmon.doctor import CHECKS, examine, host, store
from sysmon.doctor.subject import MARK, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from cli_run import Cli
    from clinic import Clinic
    from running_aggregator import RunningAggregator
    from scripted_server import Reply, Request


def answering(clinic: Clinic, answer: Any) -> ScriptedServer:
    """A server that says `answer(path)` to everything, configured as the aggregator."""

    def reply(request: Request) -> Reply:
        return 200, {"Content-Type": "application/json"}, json.dumps(answer(request.path)).encode()

    server = ScriptedServer(reply)
    clinic.agent(mode="distributed", aggregator_url=server.url, auth_token=TOKEN)
    return server


# ---- 1 configuration ---------------------------------------------------------------------------------------


def test_no_file_is_fine_and_so_is_a_good_one(clinic: Clinic) -> None:
    assert clinic.check("configuration")[0] == "ok"
    clinic.agent(mode="local")
    assert clinic.check("configuration") == ("ok", f"{clinic.home}/.sysmon/agent.yaml: mode local", "")


def test_a_configuration_that_cannot_be_used_fails(clinic: Clinic) -> None:
    clinic.agent(push_interval="soon")
    status, detail, fix = clinic.check("configuration")
    assert (status, "push_interval" in detail) == ("fail", True)
    assert "sysmon config validate" in fix
    clinic.agent(mode="distributed")
    assert clinic.check("configuration")[0] == "fail"  # where to?
    clinic.agent()
    clinic.aggregator("port: many\n")
    status, detail, _ = clinic.check("configuration")
    assert (status, "port" in detail) == ("fail", True)


def test_an_unknown_key_is_odd(clinic: Clinic) -> None:
    clinic.agent(push_intervall="10s")
    status, detail, _ = clinic.check("configuration")
    assert status in {"warn", "fail"}
    assert "push_intervall" in detail


@pytest.mark.parametrize("key", ["auth_token", "auth_token_file"])
def test_a_token_that_others_may_read_fails(clinic: Clinic, key: str) -> None:
    token = clinic.home / "token"
    token.write_text(TOKEN)
    clinic.agent(**{key: TOKEN if key == "auth_token" else str(token)})
    (clinic.home / ".sysmon" / "agent.yaml" if key == "auth_token" else token).chmod(0o644)
    status, _, fix = clinic.check("configuration")
    assert (status, "chmod 600" in fix) == ("fail", True)


def test_without_a_configuration_what_needs_it_is_skipped(clinic: Clinic) -> None:
    clinic.agent(push_interval="soon")
    found = {check.id: check.status for check in examine(Subject(clinic.environment))}
    assert found.pop("configuration") == "fail"
    assert set(found.values()) <= {"skip", "ok"}
    assert found["reach"] == "skip"


# ---- 2–6 the aggregator ------------------------------------------------------------------------------------


def test_the_way_to_an_aggregator_that_is_well(member: Clinic, aggregator: RunningAggregator) -> None:
    for name in ("versions", "reach", "token", "clock", "round-trip"):
        status, detail, _ = member.check(name)
        assert status == "ok", (name, detail)
    assert "read back" in member.check("round-trip")[1]
    (series,) = aggregator.client.metrics(host=HOSTNAME)["series"]
    assert series["type"] == MARK


def test_without_an_aggregator_there_is_no_way_to_it(clinic: Clinic) -> None:
    for name in ("reach", "token", "clock", "round-trip", "queue"):
        assert clinic.check(name)[0] == "skip"


def test_another_version_is_odd(clinic: Clinic) -> None:
    with answering(clinic, lambda _: {"status": "ok", "version": "9.9.9"}):
        status, detail, _ = clinic.check("versions")
    assert (status, "9.9.9" in detail, __version__ in detail) == ("warn", True, True)


def test_a_name_that_does_not_resolve_fails(clinic: Clinic) -> None:
    clinic.agent(mode="distributed", aggregator_url="http://no-such-host.invalid:9000", auth_token=TOKEN)
    status, detail, fix = clinic.check("reach")
    assert (status, "does not resolve" in detail, "DNS" in fix) == ("fail", True, True)


def test_a_port_where_nobody_listens_fails(clinic: Clinic) -> None:
    clinic.agent(mode="distributed", aggregator_url="http://127.0.0.1:1", auth_token=TOKEN)
    status, detail, fix = clinic.check("reach")
    assert (status, "refused" in detail, "running there" in fix) == ("fail", True, True)
    assert clinic.check("token")[0] == "fail"
    assert clinic.check("round-trip")[0] == "fail"


def test_tls_where_there_is_none_fails(clinic: Clinic) -> None:
    with answering(clinic, lambda _: {}) as server:
        clinic.agent(
            mode="distributed", aggregator_url=server.url.replace("http:", "https:"), auth_token=TOKEN
        )
        status, detail, fix = clinic.check("reach")
    assert (status, "TLS" in detail, "certificate" in fix) == ("fail", True, True)


def test_something_else_than_an_aggregator_fails(clinic: Clinic) -> None:
    with ScriptedServer(lambda _: (200, {}, b"<html>Sign in</html>")) as portal:
        clinic.agent(mode="distributed", aggregator_url=portal.url, auth_token=TOKEN)
        status, detail, _ = clinic.check("reach")
    assert (status, "not as a sysmon aggregator" in detail) == ("fail", True)


def test_a_proxy_of_the_environment_is_told_to_be_ignored(member: Clinic) -> None:
    member.environment["http_proxy"] = "http://proxy:3128"
    status, detail, fix = member.check("reach")
    assert (status, "http_proxy" in detail, "config set proxy" in fix) == ("warn", True, True)


def test_a_wrong_token_fails(member: Clinic, aggregator: RunningAggregator) -> None:
    member.agent(mode="distributed", aggregator_url=aggregator.url, auth_token="w" * 40)
    status, detail, fix = member.check("token")
    assert (status, "refuses" in detail, "config set auth_token" in fix) == ("fail", True, True)
    assert member.check("round-trip")[0] == "fail"


def test_no_token_fails_where_one_is_needed(member: Clinic, aggregator: RunningAggregator) -> None:
    member.agent(mode="distributed", aggregator_url=aggregator.url)
    assert member.check("token")[0] == "fail"
    assert member.check("round-trip")[0] == "skip"


@pytest.mark.parametrize(("offset", "expected"), [(0, "ok"), (-30, "warn"), (30, "warn"), (3_600, "fail")])
def test_a_clock_that_is_off(clinic: Clinic, offset: float, expected: str) -> None:
    def answer(path: str) -> Any:
        return {"server_time": time.time() + offset, "series": []}

    with answering(clinic, answer):
        subject = Subject(clinic.environment)
        subject._read_back = lambda *_: 0.001  # type: ignore[method-assign]
        status, detail, fix = dict(CHECKS)["clock"](subject)
    assert status == expected
    assert ("ahead" if offset > 0 else "behind") in detail or offset == 0
    assert ("timedatectl" in fix) is (expected != "ok")


def test_a_sample_that_is_not_there_fails(clinic: Clinic) -> None:
    with answering(clinic, lambda _: {"server_time": time.time(), "series": []}):
        status, detail, _ = clinic.check("round-trip")
    assert (status, "is not there" in detail) == ("fail", True)


# ---- 7 queue -----------------------------------------------------------------------------------------------


def beat(aggregator: RunningAggregator, *, age_s: float = 0.0, **values: float) -> None:
    metrics: list[Any] = [(f"agent.{key}", value) for key, value in values.items()]
    aggregator.push(HOSTNAME, metrics, age_s=age_s)


def test_a_queue_that_is_short_is_fine(member: Clinic, aggregator: RunningAggregator) -> None:
    beat(aggregator, queue_bytes=2_048, queue_oldest_seconds=4)
    status, detail, _ = member.check("queue")
    assert (status, "2.0 KiB wait" in detail) == ("ok", True)


def test_an_agent_that_was_never_heard_fails(member: Clinic) -> None:
    status, detail, fix = member.check("queue")
    assert (status, "never heard" in detail, "start it" in fix) == ("fail", True, True)


def test_a_silent_agent_fails(member: Clinic, aggregator: RunningAggregator) -> None:
    beat(aggregator, age_s=600, queue_bytes=0)
    status, detail, _ = member.check("queue")
    assert (status, "10 min ago" in detail) == ("fail", True)


def test_what_waits_for_long_and_what_was_given_up_is_odd(
    member: Clinic, aggregator: RunningAggregator
) -> None:
    beat(aggregator, queue_bytes=1 << 20, queue_oldest_seconds=1_000)
    assert member.check("queue")[0] == "warn"
    time.sleep(0.002)  # a newer sample of the same series
    beat(aggregator, queue_bytes=0, queue_oldest_seconds=0, samples_dropped=12)
    status, detail, fix = member.check("queue")
    assert (status, "12 samples" in detail, "spool.max_bytes" in fix) == ("warn", True, True)


def test_a_full_disk_fails(member: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20, total=1 << 40))
    status, detail, _ = member.check("queue")
    assert (status, "1.0 MiB free" in detail) == ("fail", True)


# ---- 8–11 this host ----------------------------------------------------------------------------------------


def fake_collectors(monkeypatch: pytest.MonkeyPatch, *status: SimpleNamespace) -> None:
    fake = SimpleNamespace(sample=lambda: None, status=lambda: list(status))
    monkeypatch.setattr(host, "MetricsCollector", lambda *_, **__: fake)
    monkeypatch.setattr(host, "_BETWEEN_READINGS_S", 0)


def collector(name: str, *, up: bool = True, seconds: float = 0.001, error: str = "") -> SimpleNamespace:
    return SimpleNamespace(name=name, up=up, last_seconds=seconds, last_error=error, errors=0 if up else 1)


def test_the_collectors_of_this_machine_work(clinic: Clinic) -> None:
    status, detail, _ = clinic.check("collectors")
    assert (status, "slowest" in detail) == ("ok", True)


def test_a_source_that_may_not_be_read_is_odd(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = collector("battery", up=False, error="/sys/class/power_supply: no battery")
    fake_collectors(monkeypatch, collector("cpu"), absent)
    assert clinic.check("collectors")[1].endswith("not on this machine: battery")
    denied = collector("disk", up=False, error="/proc/x: open failed (Permission denied)")
    fake_collectors(monkeypatch, collector("cpu"), absent, denied)
    status, detail, fix = clinic.check("collectors")
    assert (status, detail) == ("warn", "disk: /proc/x: open failed (Permission denied)")
    assert "collectors.disable disk" in fix


def test_a_slow_collector_is_odd(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_collectors(monkeypatch, collector("cpu"), collector("process", seconds=2.0))
    status, detail, fix = clinic.check("collectors")
    assert (status, "process took 2 s" in detail, "disable process" in fix) == ("warn", True, True)


def test_nothing_to_read_fails(clinic: Clinic) -> None:
    clinic.root = clinic.home / "empty"
    clinic.root.mkdir()
    status, _, fix = clinic.check("collectors")
    assert (status, "mounted?" in fix) == ("fail", True)


def tree(clinic: Clinic, **files: str) -> Path:
    """A root with these files below proc."""
    clinic.root = clinic.home / "root"
    for name, text in files.items():
        path = clinic.root / "proc" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return clinic.root


def test_a_hung_mount_fails(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/home /home\\040dir nfs4 rw 0 0\n"
    tree(clinic, self__mounts=mounts)
    assert clinic.check("mounts") == ("ok", "1 remote file systems, all of them answer", "")
    gate = threading.Event()
    monkeypatch.setattr(host, "_STATVFS_S", 0.05)
    monkeypatch.setattr(host.os, "statvfs", lambda _: gate.wait(30))
    status, detail, fix = clinic.check("mounts")
    gate.set()
    assert (status, "/home dir" in detail, "umount -l" in fix) == ("fail", True, True)
    tree(clinic, self__mounts="/dev/sda1 / ext4 rw 0 0\n")
    assert clinic.check("mounts")[0] == "ok"


def process(*, rss_pages: int, ticks: int) -> dict[str, str]:
    fields = ["S"] + ["0"] * 10 + [str(ticks), "0"] + ["0"] * 6 + ["0", "0", str(rss_pages)]
    return {
        "7__stat": f"7 (sysmon-agent) {' '.join(fields)}",
        "7__cmdline": "/usr/bin/sysmon-agent\0",
        "uptime": "1000.0 1",
    }


def test_a_large_or_busy_agent_is_odd(clinic: Clinic) -> None:
    tree(clinic)
    (clinic.home / "root" / "proc").mkdir(parents=True)
    assert clinic.check("footprint")[0] == "skip"
    hertz, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    tree(clinic, **process(rss_pages=(8 << 20) // page, ticks=hertz))
    assert clinic.check("footprint") == ("ok", "sysmon-agent 8.0 MiB, 0.1 % of a core", "")
    tree(clinic, **process(rss_pages=(80 << 20) // page, ticks=hertz))
    assert clinic.check("footprint")[0] == "warn"
    tree(clinic, **process(rss_pages=1, ticks=100 * hertz))
    status, detail, _ = clinic.check("footprint")
    assert (status, "10.0 % of a core" in detail) == ("warn", True)


@pytest.mark.parametrize(
    ("enabled", "active", "expected"),
    [
        ("enabled", "active", "ok"),
        ("disabled", "active", "warn"),
        ("", "", "warn"),
        ("enabled", "failed", "fail"),
    ],
)
def test_the_service(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, enabled: str, active: str, expected: str
) -> None:
    words = {"is-enabled": enabled, "is-active": active}
    monkeypatch.setattr(host, "_systemctl", lambda verb, _: words[verb])
    clinic.root = clinic.home
    assert clinic.check("service")[0] == "skip"
    (clinic.home / "run" / "systemd" / "system").mkdir(parents=True)
    status, _, fix = clinic.check("service")
    assert status == expected
    assert {"ok": "", "warn": "service install", "fail": "systemctl start"}[expected] in fix


# ---- 12 database -------------------------------------------------------------------------------------------


@pytest.fixture
def stored(clinic: Clinic) -> Any:
    kit = ServiceKit(clinic.home / "data")
    for hour in range(5):
        kit.push(HOSTNAME, ("own.m", float(hour)), timestamp=kit.now_ms / 1000 + hour * 3_600)
    kit.service.storage.maintain("compact")
    yield kit
    kit.service.close()


def test_a_database_that_is_well(clinic: Clinic, stored: ServiceKit) -> None:
    status, detail, _ = clinic.check("database")
    assert (status, "whole" in detail, "no forecast" in detail) == ("ok", True, True)


def test_a_damaged_database_fails(clinic: Clinic, stored: ServiceKit) -> None:
    stored.service.storage._writer.run(lambda db: db.execute("UPDATE chunks SET payload = x'00112233445566'"))
    status, detail, fix = clinic.check("database")
    assert (status, "rows are damaged" in detail, "backup" in fix) == ("fail", True, True)


def test_a_database_that_was_set_aside_is_odd(clinic: Clinic, stored: ServiceKit) -> None:
    (clinic.home / "data" / "sysmon.db.damaged-20260101T000000Z").touch()
    status, detail, _ = clinic.check("database")
    assert (status, "set aside" in detail) == ("warn", True)


def test_a_large_wal_is_odd(clinic: Clinic, stored: ServiceKit, monkeypatch: pytest.MonkeyPatch) -> None:
    stored.push(HOSTNAME, ("own.m", 1.0))
    monkeypatch.setattr(store, "_LARGE_WAL", 1_000)
    assert clinic.check("database")[0] == "warn"


@pytest.mark.parametrize(("days", "expected"), [(1_000, "ok"), (8, "warn"), (1, "fail")])
def test_a_disk_that_fills_up(
    clinic: Clinic, stored: ServiceKit, monkeypatch: pytest.MonkeyPatch, days: int, expected: str
) -> None:
    monkeypatch.setattr(file_stats, "_hours", lambda tier: 24 if tier.tier == "raw" else 0)
    raw = file_stats.read_stats(stored.settings, stored.now_ms).tiers[0]
    assert raw.day_bytes == raw.bytes  # as if it were what a day adds
    monkeypatch.setattr(file_stats, "_room", lambda _, file_bytes: file_bytes + days * raw.bytes)
    status, detail, fix = clinic.check("database")
    assert status == expected, detail
    assert ("max_db_bytes" in fix) is (expected != "ok")


# ---- 13 exposure -------------------------------------------------------------------------------------------


def test_long_tokens_and_closed_reads_are_fine(member: Clinic) -> None:
    assert member.check("exposure")[0] == "ok"


def test_a_short_token_is_odd(member: Clinic, aggregator: RunningAggregator) -> None:
    member.agent(mode="distributed", aggregator_url=aggregator.url, auth_token="secret123")
    status, _, fix = member.check("exposure")
    assert (status, "sysmon token new" in fix) == ("warn", True)


def test_a_token_in_the_clear_is_odd(clinic: Clinic) -> None:
    clinic.agent(mode="distributed", aggregator_url="http://central.example:9000", auth_token=TOKEN)
    status, detail, fix = clinic.check("exposure")
    assert (status, "in the clear" in detail, "TLS" in fix) == ("warn", True, True)


def test_reads_that_are_open_to_all_are_odd(clinic: Clinic, stored: ServiceKit) -> None:
    clinic.aggregator("host: 0.0.0.0\nread_auth: open\n")
    status, detail, fix = clinic.check("exposure")
    assert (status, "read_auth: open" in detail, "read_auth: token" in fix) == ("warn", True, True)


# ---- the command -------------------------------------------------------------------------------------------


def test_the_command_says_all_of_it(cli: Cli, aggregator: RunningAggregator) -> None:
    fine = cli("doctor")
    assert fine.code == 0, fine.out
    for name, _ in CHECKS:
        assert name in fine.out
    cli.env["SYSMON_AGGREGATOR_URL"] = "http://127.0.0.1:1"
    broken = cli("doctor", "--json")
    assert broken.code == 11
    document = broken.json
    assert [check["id"] for check in document["checks"]] == [name for name, _ in CHECKS]
    assert document["fail"] == 1
    assert all(check["fix"] for check in document["checks"] if check["status"] in {"warn", "fail"})
    cli.env["SYSMON_AGGREGATOR_URL"] = aggregator.url
    cli.env["http_proxy"] = "http://proxy:3128"
    odd = cli("doctor")
    assert odd.code == 10
    assert "fix: if a proxy is needed" in odd.out


def test_what_fails_unexpectedly_stops_nothing(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "processes", lambda _: (_ for _ in ()).throw(OSError("broken")))
    found = {check.id: check for check in examine(Subject(clinic.environment))}
    assert found["footprint"].status == "fail"
    assert found["exposure"].status == "skip"
