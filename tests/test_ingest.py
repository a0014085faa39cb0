"""Pushes through the whole application, without a server: what is stored, once, and what the reply says."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from service_kit import START_MS, STREAM, TOKEN, ServiceKit, push_body
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from pathlib import Path

CPU = ("cpu.total_usage", 4.2)


def values(kit: ServiceKit, host: str, metric: str = "cpu.total_usage") -> list[float]:
    series = kit.get(f"/api/metrics?host={host}&type={metric}")["series"]
    return series[0]["values"] if series else []


def kinds(kit: ServiceKit, host: str) -> list[str]:
    return [event["kind"] for event in kit.get(f"/api/hosts/{host}/events")["events"]]


def test_ten_lines_of_python_are_a_client(kit: ServiceKit) -> None:
    reply = kit.push("web01", CPU)
    assert reply["status"] == "ok"
    assert (reply["accepted"], reply["rejected"], reply["errors"]) == (1, 0, [])
    assert reply["acked"] is None
    assert reply["server_time"] == START_MS / 1000
    assert values(kit, "web01") == [4.2]


def test_a_batch_without_metrics_is_a_heartbeat(kit: ServiceKit) -> None:
    kit.push("web01")
    (host,) = kit.get("/api/hosts")["hosts"]
    assert (host["hostname"], host["status"], host["last_seen"]) == ("web01", "online", START_MS / 1000)


def test_gzip_and_bearer_are_taken(kit: ServiceKit) -> None:
    response = kit.post(
        push_body("web01", [CPU]), zipped=True, X_SysMon_Token="", Authorization=f"Bearer {TOKEN}"
    )
    assert response.status_code == 200
    assert values(kit, "web01") == [4.2]


def test_bad_samples_are_rejected_and_the_others_stored(kit: ServiceKit) -> None:
    body = push_body("web01", [CPU])
    body["metrics"].insert(0, {"type": "cpu.user_percent", "value": "high"})
    reply = kit.post(body).get_json()
    assert (reply["accepted"], reply["rejected"]) == (1, 1)
    assert reply["errors"][0]["index"] == 0
    assert values(kit, "web01") == [4.2]


def test_the_same_seq_is_stored_once(kit: ServiceKit) -> None:
    first = kit.push_seq("web01", "1", CPU).get_json()
    assert (first["acked"], first["duplicate"], first["stream"]) == ([1, 1], False, STREAM)
    again = kit.push_seq("web01", "1", CPU).get_json()
    assert (again["acked"], again["duplicate"]) == ([1, 1], True)
    kit.reopen()
    assert kit.push_seq("web01", "1", CPU).get_json()["duplicate"] is True
    assert values(kit, "web01") == [4.2]
    assert kit.get("/api/hosts/web01/ledger")["committed"] == 1


def test_other_bytes_under_a_used_seq_are_a_conflict(kit: ServiceKit) -> None:
    kit.push_seq("web01", "1", CPU)
    response = kit.push_seq("web01", "1", ("cpu.total_usage", 5.0))
    assert (response.status_code, response.get_json()["error"]["code"]) == (409, "seq_conflict")
    assert values(kit, "web01") == [4.2]


BUNDLE = {"X_SysMon_Stream": STREAM, "Content_Encoding": "gzip"}


def member(n: int, value: float | None = None) -> bytes:
    sample = ("cpu.total_usage", float(n) if value is None else value)
    body = push_body("web01", [sample], timestamp=START_MS / 1000 - 100 + n % 100)
    return gzip.compress(json.dumps(body).encode())


def test_other_bytes_within_a_bundle_are_a_conflict(kit: ServiceKit) -> None:
    """A machine resumed from a snapshot, whose twin has sent the same numbers meanwhile."""
    assert kit.post(b"".join(map(member, (1, 2, 3))), X_SysMon_Seq="1-3", **BUNDLE).status_code == 200
    assert kit.post(member(4), X_SysMon_Seq="4", **BUNDLE).status_code == 200
    for seqs, bodies in (
        ("2-3", [member(2), member(3, 33.0)]),
        ("2-5", [member(2), member(3), member(4, 44.0), member(5, 55.0)]),
        ("3-4", [member(3, 33.0), member(4)]),
    ):
        response = kit.post(b"".join(bodies), X_SysMon_Seq=seqs, **BUNDLE)
        assert (response.status_code, response.get_json()["error"]["code"]) == (409, "seq_conflict")
    assert values(kit, "web01") == [1, 2, 3, 4]
    assert kit.get("/api/hosts/web01/ledger")["committed"] == 4


def test_a_backlog_of_long_ago_does_not_change_what_is_known_of_newer_batches(kit: ServiceKit) -> None:
    assert kit.post(member(5000), X_SysMon_Seq="5000", **BUNDLE).status_code == 200
    backlog = b"".join(member(n) for n in range(900, 910))  # 904 lies 4,096 below
    assert kit.post(backlog, X_SysMon_Seq="900-909", **BUNDLE).status_code == 200
    assert kit.post(member(5000), X_SysMon_Seq="5000", **BUNDLE).get_json()["duplicate"] is True
    assert kit.post(member(5000, 1.0), X_SysMon_Seq="5000", **BUNDLE).status_code == 409


def test_a_batch_under_a_number_that_was_declared_dropped_is_another_ones(kit: ServiceKit) -> None:
    """Its twin has given that number up: were it called a duplicate, this machine's batch would be lost."""
    dropped = {"X_SysMon_Dropped": "1-5000;samples=5;reason=spool_full"}
    assert kit.post(member(5001), X_SysMon_Seq="5001", **BUNDLE, **dropped).status_code == 200
    assert kit.post(member(4000), X_SysMon_Seq="4000", **BUNDLE).status_code == 409
    assert kit.post(member(5000) + member(5001), X_SysMon_Seq="5000-5001", **BUNDLE).status_code == 409
    assert kit.post(member(7), X_SysMon_Seq="7", **BUNDLE).status_code == 200  # too long ago to be known
    assert values(kit, "web01") == [5001]


def test_a_bundle_stores_the_members_that_are_new(kit: ServiceKit) -> None:
    headers = BUNDLE
    assert kit.post(member(2), X_SysMon_Seq="2", **headers).status_code == 200
    bundle = b"".join(member(n) for n in range(1, 5))
    reply = kit.post(bundle, X_SysMon_Seq="1-4", **headers).get_json()
    assert (reply["acked"], reply["duplicate"]) == ([1, 4], False)
    assert values(kit, "web01") == [1, 2, 3, 4]
    assert kit.get("/api/hosts/web01/ledger")["committed"] == 4
    assert kit.post(bundle, X_SysMon_Seq="1-4", **headers).get_json()["duplicate"] is True
    response = kit.post(bundle, X_SysMon_Seq="5-7", **headers)
    assert (response.status_code, response.get_json()["error"]["code"]) == (400, "wrong_member_count")


def test_a_hole_is_a_gap_until_the_backlog_fills_it(kit: ServiceKit) -> None:
    kit.push_seq("web01", "1", CPU)
    kit.push_seq("web01", "5", CPU, timestamp=START_MS / 1000 - 1)
    (hole,) = kit.get("/api/hosts/web01/gaps")["missing"]
    assert (hole["from"], hole["to"], hole["reason"]) == (2, 4, "missing")
    assert kit.get("/api/hosts/web01/ledger")["gaps"] == 3
    kit.reopen()
    for seq in (2, 3, 4):
        kit.push_seq("web01", str(seq), CPU, timestamp=START_MS / 1000 - 10 + seq)
    assert kit.get("/api/hosts/web01/gaps")["missing"] == []
    assert kit.get("/api/hosts/web01/ledger")["gaps"] == 0


def test_declared_drops_are_events_once(kit: ServiceKit) -> None:
    kit.push_seq("web01", "1", CPU)
    drop = "2-4;samples=750;reason=spool_full"
    for _ in range(2):
        assert kit.push_seq("web01", "5", CPU, dropped=drop).status_code == 200
    (hole,) = kit.get("/api/hosts/web01/gaps")["missing"]
    assert (hole["from"], hole["to"], hole["reason"]) == (2, 4, "spool_full")
    ledger = kit.get("/api/hosts/web01/ledger")
    assert (ledger["dropped"], ledger["gaps"]) == (750, 0)


def test_a_push_may_carry_nothing_but_drops(kit: ServiceKit) -> None:
    response = kit.post(
        push_body("web01"), X_SysMon_Stream=STREAM, X_SysMon_Dropped="1-2;samples=9;reason=too_old"
    )
    assert response.get_json()["acked"] is None
    assert kit.get("/api/hosts/web01/ledger")["dropped"] == 9


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content_Type": "text/plain"}, 415, "unsupported_type"),
        ({"Content_Encoding": "br"}, 415, "unsupported_encoding"),
        ({"X_SysMon_Stream": "zz"}, 400, "bad_header"),
        ({"X_SysMon_Stream": STREAM, "X_SysMon_Seq": "0"}, 400, "bad_header"),
        ({"X_SysMon_Stream": STREAM, "X_SysMon_Seq": "3-2"}, 400, "bad_header"),
        ({"X_SysMon_Stream": STREAM, "X_SysMon_Seq": "9" * 19}, 400, "bad_header"),
        ({"X_SysMon_Stream": STREAM, "X_SysMon_Dropped": "1-2"}, 400, "bad_header"),
        ({"X_SysMon_Now": "now"}, 400, "bad_header"),
    ],
)
def test_headers_are_checked_before_the_body(
    kit: ServiceKit, headers: dict[str, str], status: int, code: str
) -> None:
    response = kit.post(b"not looked at", **headers)
    assert (response.status_code, response.get_json()["error"]["code"]) == (status, code)


def test_a_body_past_the_limit_is_not_read(kit: ServiceKit) -> None:
    response = kit.post(b"x" * (kit.settings.limits.body_bytes + 1))
    assert (response.status_code, response.get_json()["error"]["code"]) == (413, "body_too_large")


# ---- clocks ------------------------------------------------------------------------------------------------


def send_at(
    kit: ServiceKit, ahead_ms: int, *, boot: str = "b1", age_ms: int = 0, delay_ms: int = 0
) -> dict[str, Any]:
    """A push of a host whose clock is that far ahead, with a batch taken `age_ms` before sending."""
    sent = kit.now_ms - delay_ms
    wall, boottime = sent + ahead_ms, 5_000_000 + sent - START_MS
    body = push_body(
        "web01", [CPU], timestamp=(wall - age_ms) / 1000, boot_id="b1", boottime_ms=boottime - age_ms
    )
    response = kit.post(body, X_SysMon_Now=f"{wall};{boot};{boottime}")
    assert response.status_code == 200
    return dict(response.get_json())


def times(kit: ServiceKit) -> list[float]:
    return list(kit.get("/api/metrics?host=web01")["series"][0]["times"])


def test_a_clock_that_is_a_little_off_is_believed(kit: ServiceKit) -> None:
    assert send_at(kit, -4_000)["corrected"] is False
    assert times(kit) == [START_MS / 1000 - 4]
    assert kit.get("/api/hosts/web01")["clock_offset"] == 4.0


@pytest.mark.parametrize("ahead_ms", [3_600_000, -3_600_000])
def test_a_clock_that_is_far_off_is_corrected_and_said_so(kit: ServiceKit, ahead_ms: int) -> None:
    assert send_at(kit, ahead_ms, age_ms=2_000)["corrected"] is True
    assert times(kit) == [START_MS / 1000 - 2]
    host = kit.get("/api/hosts/web01")
    assert host["corrected"] is True
    assert host["clock_offset"] == -ahead_ms / 1000


@pytest.mark.parametrize("ahead_ms", [86_400_000, 3_600_000, -3_600_000])
def test_what_was_taken_before_the_clock_was_put_right_is_corrected(kit: ServiceKit, ahead_ms: int) -> None:
    taken = kit.now_ms
    body = push_body("web01", [CPU], timestamp=(taken + ahead_ms) / 1000, boot_id="b1", boottime_ms=5_000_000)
    kit.now_ms += 60_000
    reply = kit.post(body, X_SysMon_Now=f"{kit.now_ms};b1;5060000").get_json()
    assert (reply["accepted"], reply["corrected"]) == (1, True)
    assert times(kit) == [taken / 1000]
    assert kit.get("/api/hosts/web01")["clock_offset"] == 0


@pytest.mark.parametrize("ahead_ms", [86_400_000, -3_600_000, 3_000])
def test_a_clock_that_is_set_is_not_believed_from_then_on(kit: ServiceKit, ahead_ms: int) -> None:
    send_at(kit, 0)
    assert send_at(kit, ahead_ms, age_ms=2_000)["corrected"] is True
    assert times(kit) == [START_MS / 1000 - 2, START_MS / 1000]
    assert kit.get("/api/hosts/web01")["clock_offset"] == -ahead_ms / 1000


def test_what_was_taken_before_a_reboot_is_not_corrected(kit: ServiceKit) -> None:
    reply = send_at(kit, 3_600_000, boot="b2")
    assert (reply["accepted"], reply["rejected"], reply["corrected"]) == (0, 1, False)
    assert reply["errors"][0]["code"] == "too_far_future"


def test_the_offset_is_the_least_of_a_window(kit: ServiceKit) -> None:
    for delay in (900, 200, 700):
        send_at(kit, 0, delay_ms=delay)
    assert kit.get("/api/hosts/web01")["clock_offset"] == 0.2
    kit.now_ms += 1_300_000
    send_at(kit, 0, delay_ms=500)
    kit.now_ms += 700_000
    send_at(kit, 0, delay_ms=600)
    assert kit.get("/api/hosts/web01")["clock_offset"] == 0.5


def test_samples_older_than_the_store_keeps_are_rejected(kit: ServiceKit) -> None:
    reply = kit.push("web01", CPU, timestamp=START_MS / 1000 - 31 * 86_400)
    assert (reply["accepted"], reply["rejected"]) == (0, 1)
    assert reply["errors"][0]["code"] == "too_old"


# ---- limits ------------------------------------------------------------------------------------------------


def small(tmp_path: Path, **limits: Any) -> ServiceKit:
    return ServiceKit(tmp_path / "small", LimitSettings(**limits))


def refused(kit: ServiceKit, host: str, *metrics: Any) -> tuple[int, str]:
    response = kit.post(push_body(host, metrics))
    assert response.status_code >= 400
    return response.status_code, response.get_json()["error"]["code"]


def test_a_host_has_so_many_series(tmp_path: Path) -> None:
    kit = small(tmp_path, series_per_host=3)
    kit.push("web01", *[("a.b", 1.0, {"n": str(n)}) for n in range(3)])
    reply = kit.push("web01", ("c.d", 1.0), ("a.b", 2.0, {"n": "0"}), timestamp=START_MS / 1000 + 1)
    assert (reply["accepted"], reply["errors"][0]["code"]) == (1, "series_limit")
    assert kit.push("web02", ("c.d", 1.0))["accepted"] == 1
    kit.service.close()


def test_ever_new_tags_are_stopped(tmp_path: Path) -> None:
    kit = small(tmp_path, new_key_sets_per_hour=3)
    for n in range(3):
        kit.push("web01", ("a.b", 1.0, {"time": str(n)}))
    assert refused(kit, "web01", ("a.b", 1.0, {"time": "3"})) == (429, "too_many_key_sets")
    kit.push("web02", ("a.b", 1.0, {"time": "4"}))
    kit.now_ms += 3_700_000
    kit.push("web01", ("a.b", 1.0, {"time": "5"}))
    kit.service.close()


def test_hosts_are_limited(tmp_path: Path) -> None:
    kit = small(tmp_path, hosts=1)
    kit.push("web01", CPU)
    assert refused(kit, "web02", CPU) == (429, "too_many_hosts")
    kit.service.close()


def test_a_full_disk_is_503_and_passes(kit: ServiceKit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.push("web01", CPU)
    usage = type("Usage", (), {"free": 1000, "total": 1 << 40, "used": 0})
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: usage)
        kit.now_ms += 10_000
        response = kit.push_seq("web01", "1", ("cpu.user_percent", 1.0))
        assert (response.status_code, response.get_json()["error"]["code"]) == (503, "storage_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert values(kit, "web01") == [4.2]
    kit.now_ms += 10_000
    assert kit.push_seq("web01", "1", ("cpu.user_percent", 1.0)).get_json()["duplicate"] is False
    kit.reopen()  # the key set of the failed push came with the good one
    assert values(kit, "web01", "cpu.user_percent") == [1.0]


def test_a_commit_that_fails_leaves_nothing(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    writer = kit.service.storage._writer
    db = writer._db
    db.set_authorizer(lambda op, *_: apsw.SQLITE_DENY if op == apsw.SQLITE_INSERT else apsw.SQLITE_OK)
    response = kit.push_seq("db01", "1", ("a.b", 1.0))
    assert response.status_code == 503
    db.set_authorizer(None)
    assert [host["hostname"] for host in kit.get("/api/hosts")["hosts"]] == ["web01"]
    assert kit.push_seq("db01", "1", ("a.b", 2.0)).get_json()["duplicate"] is False
    kit.reopen()
    assert values(kit, "db01", "a.b") == [2.0]


def test_a_full_queue_is_503(tmp_path: Path) -> None:
    kit = small(tmp_path, queue_bytes=10)
    assert refused(kit, "web01", CPU) == (503, "storage_unavailable")
    kit.service.close()


def test_a_push_of_a_host_that_is_deleted_meanwhile_comes_again(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    service = kit.service
    data = json.dumps(push_body("web01", [CPU])).encode()
    begun = service.ingest.begin(service.ingest.head({b"content-length": b"%d" % len(data)}), data)
    assert not isinstance(begun, bytes)
    assert kit.client.delete("/api/hosts/web01", headers=kit.admin).status_code == 204
    ticket = service.storage.submit(begun.write)
    with pytest.raises(Exception, match="deleted"):
        ticket.wait()
    kit.push("web01", CPU)
    assert values(kit, "web01") == [4.2]


def test_facts_and_processes_are_kept(kit: ServiceKit) -> None:
    facts = {"os": "Debian 12", "mounts": {"/": "ext4"}}
    processes = [{"pid": 812, "user": "www", "command": "nginx", "cpu_percent": 3.1}]
    kit.push("web01", CPU, facts=facts, processes=processes)
    kit.now_ms += 60_000
    kit.push("web01", CPU, processes=[])
    assert kit.get("/api/hosts/web01")["facts"] == facts
    assert kit.get("/api/hosts/web01/processes") == {"time": START_MS / 1000 + 60, "processes": []}
    then = kit.get(f"/api/hosts/web01/processes?at={START_MS / 1000 + 1}")
    assert then == {"time": START_MS / 1000, "processes": processes}


def test_who_is_watched_is_asked_to_tick_faster(kit: ServiceKit) -> None:
    assert kit.push("web01", CPU)["watch_s"] == 0
    host = kit.service.directory.get("web01")
    assert host is not None
    kit.service.live.watch(host)
    assert kit.push("web01", CPU, timestamp=START_MS / 1000 + 1)["watch_s"] > 0
    kit.service.live.unwatch(host)
    assert kit.push("web01", CPU, timestamp=START_MS / 1000 + 2)["watch_s"] == 0


def test_a_host_that_hurries_waits_only_when_the_others_do(
    kit: ServiceKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hurry() -> set[int]:
        kit.now_ms += 1_000
        return {kit.post(push_body("web01")).status_code for _ in range(20)}

    assert hurry() == {200}
    monkeypatch.setattr(type(kit.service.storage), "busy", 0.6)
    assert hurry() == {200, 429}
    assert kit.post(push_body("web02")).status_code == 200
    kit.now_ms += 1_000
    assert kit.post(push_body("web01")).status_code == 200
