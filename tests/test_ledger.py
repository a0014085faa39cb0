"""The books of a host: every sealed batch is stored, declared, held by its agent, or told to be missing."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from service_kit import START_MS, STREAM, push_body
from sysmon.aggregator.seqset import MAX_INTERVALS

if TYPE_CHECKING:
    from clinic import Clinic
    from running_aggregator import RunningAggregator
    from service_kit import Metric, ServiceKit

CPU = ("cpu.total_usage", 4.0)


def books(kit: ServiceKit) -> dict[str, Any]:
    return dict(kit.get("/api/hosts/web01/ledger"))


def send(kit: ServiceKit, seq: str, *metrics: Metric, dropped: str | None = None) -> None:
    first = int(seq.partition("-")[0])
    response = kit.push_seq(
        "web01", seq, *(metrics or (CPU,)), dropped=dropped, timestamp=START_MS / 1000 - 100 + first
    )
    assert response.status_code == 200, response.data


def said(**batches: float) -> list[Metric]:
    """What an agent says of itself."""
    told = dict.fromkeys(("sealed", "recovered", "acked", "spooled"), 0.0) | batches
    return [(f"agent.batches_{name}", value) for name, value in told.items()] + [
        ("agent.corrupt_records", 0.0)
    ]


def test_what_is_stored_declared_and_missing_adds_up(kit: ServiceKit) -> None:
    for seq in (1, 2, 5, 9):
        send(kit, str(seq))
    send(kit, "10", dropped="3-4;samples=20;reason=spool_full, 6-6;samples=10;reason=quarantined")
    ledger = books(kit)
    (stream,) = ledger["streams"]
    assert (stream["mark"], stream["highest"]) == (6, 10)
    assert (stream["stored"], stream["dropped"], stream["missing"]) == (5, 3, 2)
    assert stream["stored"] + stream["dropped"] + stream["missing"] == stream["highest"]
    assert (ledger["stored"], ledger["gaps"], ledger["dropped"]) == (5, 2, 30)
    assert ledger["declared"] == {"spool_full": 2, "quarantined": 1}
    before = ledger
    kit.reopen()
    assert {key: books(kit)[key] for key in ("stored", "gaps", "dropped", "declared", "streams")} == {
        key: before[key] for key in ("stored", "gaps", "dropped", "declared", "streams")
    }


def test_a_batch_that_is_stored_is_not_declared_lost_as_well(kit: ServiceKit) -> None:
    """Its reply was lost, and then the agent gave it up with its neighbours."""
    for seq in (1, 4, 6):
        send(kit, str(seq))
    send(kit, "9", dropped="2-8;samples=70;reason=too_old")
    ledger = books(kit)
    assert (ledger["stored"], ledger["declared"], ledger["gaps"]) == (4, {"too_old": 5}, 0)
    assert ledger["dropped"] == 70  # as the agent said: it does not say which batch held how many
    missing = kit.get("/api/hosts/web01/gaps")["missing"]
    assert sorted((hole["from"], hole["to"]) for hole in missing) == [(2, 3), (5, 5), (7, 8)]
    assert {hole["stream"] for hole in missing} == {STREAM}


def test_what_came_again_is_counted_and_stored_once(kit: ServiceKit) -> None:
    for _ in range(3):
        send(kit, "1")
    send(kit, "2")
    ledger = books(kit)
    assert (ledger["stored"], ledger["duplicates"], ledger["committed"]) == (2, 2, 2)
    assert ledger["streams"][0]["duplicates"] == 2
    assert ledger["since"] == START_MS / 1000
    kit.reopen()
    assert books(kit)["duplicates"] == 0  # counted since the start, as it says


def test_what_was_not_taken_is_counted_by_code(kit: ServiceKit) -> None:
    assert books_of_nobody(kit) == {}
    bad = [("no name", 1.0), ("also not", 2.0), CPU]
    kit.push("web01", *bad)
    old = push_body("web01", [CPU, ("load.avg1", 1.0)], timestamp=START_MS / 1000 - 100 * 86_400)
    assert kit.post(old).status_code == 200
    kit.push("web01", *[(f"bad name {n}", 1.0) for n in range(30)], timestamp=START_MS / 1000 + 1)
    rejected = books(kit)["rejected"]
    assert sum(rejected.values()) == 2 + 2 + 30
    assert rejected["too_old"] == 2
    assert rejected["others"] == 10  # the first twenty of a batch are named


def books_of_nobody(kit: ServiceKit) -> dict[str, int]:
    kit.push("web01", CPU, timestamp=START_MS / 1000 - 1)
    return dict(books(kit)["rejected"])


def test_what_an_agent_holds_is_explained(kit: ServiceKit) -> None:
    send(kit, "1", *said(sealed=0))
    assert books(kit)["agent"]["balance"] == 0
    send(kit, "5", *said(sealed=4, acked=1, spooled=3))
    ledger = books(kit)
    assert (ledger["gaps"], ledger["agent"]["spooled"], ledger["unexplained"]) == (3, 3, 0)
    send(kit, "6", *said(sealed=5, acked=5))  # nothing waits, and yet three did not come
    ledger = books(kit)
    assert (ledger["gaps"], ledger["unexplained"], ledger["agent"]["balance"]) == (3, 3, 0)


def test_what_a_run_that_ended_said_is_forgotten(kit: ServiceKit) -> None:
    lost = ("agent.batches_dropped", 2.0, {"reason": "spool_full"})
    send(kit, "1", *said(sealed=7, acked=5), lost)
    agent = books(kit)["agent"]
    assert (agent["dropped"], agent["balance"]) == ({"spool_full": 2}, 0)
    kit.push("web01", *said(recovered=3, spooled=3), timestamp=START_MS / 1000)
    agent = books(kit)["agent"]
    assert (agent["dropped"], agent["recovered"], agent["balance"]) == ({}, 3, 0)
    assert agent["time"] == START_MS / 1000


def test_who_numbers_nothing_has_books_too(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    ledger = books(kit)
    assert (ledger["committed"], ledger["streams"], ledger["agent"]) == (1, [], None)


# ---- sysmon doctor -----------------------------------------------------------------------------------------


def test_the_doctor_finds_the_books_in_order(member: Clinic, aggregator: RunningAggregator) -> None:
    assert member.check("ledger")[0] == "skip"  # never heard of
    push(aggregator, 1, *said())
    push(aggregator, 2, *said(sealed=1, acked=1))
    status, detail, _ = member.check("ledger")
    assert (status, detail) == (
        "ok",
        "2 batches stored, 0 wait, 0 given up and declared; all is accounted for",
    )


@pytest.mark.parametrize(
    ("told", "status", "part"),
    [
        (said(sealed=4, acked=1, spooled=3), "ok", "3 wait"),
        (said(sealed=4, acked=4), "warn", "web01: 3 batches are missing, and its agent does not hold them"),
        (said(sealed=4, acked=1), "fail", "3 of them are in no account"),
    ],
)
def test_the_doctor_sees_what_does_not_add_up(
    member: Clinic, aggregator: RunningAggregator, told: list[Metric], status: str, part: str
) -> None:
    push(aggregator, 1, *said())
    push(aggregator, 5, *told)
    found, detail, _ = member.check("ledger")
    assert (found, part in detail) == (status, True), detail


def test_the_doctor_looks_at_all_hosts_where_the_aggregator_is(
    member: Clinic, aggregator: RunningAggregator
) -> None:
    member.environment["SYSMON_DATA_DIR"] = str(aggregator.aggregator.storage.folder)
    push(aggregator, 1, *said())
    push(aggregator, 1, *said(sealed=2), host="db01", stream="ab" * 16)
    status, detail, _ = member.check("ledger")
    assert (status, detail.startswith("db01: ")) == ("fail", True)


def push(
    aggregator: RunningAggregator, seq: int, *metrics: Metric, host: str = "web01", stream: str = STREAM
) -> None:
    body = push_body(host, metrics, timestamp=time.time() - 100 + seq, interval=10)
    headers = {"X-SysMon-Stream": stream, "X-SysMon-Seq": str(seq)}
    aggregator.client.push(json.dumps(body).encode(), headers)


# ---- a stream in pieces ------------------------------------------------------------------------------------


def test_no_hole_is_forgotten_however_many_there_are(kit: ServiceKit) -> None:
    """A hole that counts as settled would swallow what comes for it: acknowledged, and nowhere."""
    for number in range(1, MAX_INTERVALS + 1):
        send(kit, str(2 * number))
    refused = kit.push_seq("web01", str(2 * MAX_INTERVALS + 2), CPU)
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert books(kit)["gaps"] == MAX_INTERVALS
    send(kit, str(2 * MAX_INTERVALS + 1))  # opens none
    for number in range(MAX_INTERVALS):
        send(kit, str(2 * number + 1))
    send(kit, str(2 * MAX_INTERVALS + 2))
    ledger = books(kit)
    assert (ledger["gaps"], ledger["stored"]) == (0, 2 * MAX_INTERVALS + 2)
    assert ledger["committed"] == 2 * MAX_INTERVALS + 2


def test_a_stream_in_pieces_may_declare_them_lost(kit: ServiceKit) -> None:
    for number in range(1, MAX_INTERVALS + 1):
        send(kit, str(2 * number))
    send(kit, str(2 * MAX_INTERVALS + 2), dropped="1-9;samples=20;reason=too_old")
    assert books(kit)["declared"] == {"too_old": 5}
