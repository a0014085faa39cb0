"""Why a chart has a hole, from the events that came with the samples; and through the API, push by push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service_kit import START_MS, STREAM, push_body
from sysmon.aggregator.gaps import Gap, HostRecord, gaps_of
from sysmon.aggregator.storage import Event

if TYPE_CHECKING:
    from service_kit import ServiceKit

TICK = 10_000
HOUR = 3_600_000
CPU = ("cpu.total_usage", 4.0)
# Ten minutes of ticks, ten of nothing, ten of ticks.
BEFORE = list(range(0, 600_000, TICK))
AFTER = list(range(1_200_000, 1_800_000, TICK))
HOLE = (BEFORE[-1], AFTER[0])
DROP = {"from": 60, "to": 120, "samples": 12_000}


def gaps(events: list[Event], ticks: list[int] | None = None, now_ms: int = 1_795_000) -> list[Gap]:
    record = HostRecord(BEFORE + AFTER if ticks is None else ticks, TICK, 0, events)
    return gaps_of(record, 0, HOUR, now_ms)


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ([Event("boot", 1_190_000, detail={"boot_id": "b"})], "host_down"),
        ([Event("boot", 1_190_000, detail={}), Event("agent_started", 1_200_000, detail={})], "host_down"),
        ([Event("agent_started", 1_200_000, detail={"stream": "s"})], "agent_down"),
        ([Event("clock_set", 1_200_100, detail={"by_ms": 600_000})], "clock_set"),
        ([Event("clock_set", 1_200_100, detail={"by_ms": 2_000})], "unknown"),
        ([Event("dropped", 1_230_000, detail={**DROP, "reason": "spool_full"})], "queue_overflow"),
        ([Event("dropped", 1_230_000, detail={**DROP, "reason": "quarantined"})], "quarantined"),
        ([Event("dropped", 1_230_000, detail={**DROP, "to": 62, "reason": "too_old"})], "unknown"),
        ([Event("gap", 590_000, 1_200_000, detail={"from": 60, "to": 119})], "link_down"),
        ([Event("agent_started", 5_000, detail={"stream": "s"})], "unknown"),
    ],
)
def test_a_hole_has_the_cause_that_was_noted(events: list[Event], cause: str) -> None:
    (gap,) = gaps(events)
    assert (gap.start_ms, gap.end_ms, gap.cause, gap.late) == (*HOLE, cause, False)


def test_a_missed_tick_or_two_are_no_gap() -> None:
    assert gaps([], [0, 10_000, 30_000, 40_000], now_ms=60_000) == []


def test_what_lasts_has_no_end() -> None:
    (gap,) = gaps([], BEFORE, now_ms=700_000)
    assert (gap.start_ms, gap.end_ms, gap.cause) == (590_000, None, "silent")


def test_a_range_that_ended_is_cut_at_its_end() -> None:
    (gap,) = gaps_of(HostRecord(BEFORE, TICK, 0), 0, 700_000, HOUR)
    assert (gap.start_ms, gap.end_ms) == (590_000, 700_000)


def test_before_it_was_first_seen_a_host_misses_nothing() -> None:
    record = HostRecord(AFTER, TICK, 1_200_000)
    assert gaps_of(record, 0, 1_800_000, 1_800_000) == []


def test_a_host_without_any_tick_is_one_gap() -> None:
    (gap,) = gaps_of(HostRecord([], TICK, 0), 0, HOUR, 2 * HOUR)
    assert (gap.start_ms, gap.end_ms) == (0, HOUR)


def test_requests_with_late_samples_are_one_span() -> None:
    events = [Event("arrived_late", at, at + 50_000) for at in (1_400_000, 1_460_000, 1_300_000)]
    late = [gap for gap in gaps(events, list(range(0, 1_800_000, TICK))) if gap.late]
    assert [(gap.start_ms, gap.end_ms) for gap in late] == [(1_300_000, 1_350_000), (1_400_000, 1_510_000)]


class Agent:
    """Pushes as an agent does, on clocks of its own; the aggregator's runs with them."""

    def __init__(self, kit: ServiceKit) -> None:
        self.kit, self.stream, self.seq, self.boot_id = kit, STREAM, 0, "boot-a"
        self.booted_ms = START_MS - HOUR

    def run(self, ticks: int, *, waiting_ms: int = 0) -> None:
        """So many ticks; sent at once, or that much later."""
        for _ in range(ticks):
            self.seq += 1
            time_ms = self.kit.now_ms
            sent_ms = time_ms + waiting_ms
            self.kit.now_ms = sent_ms
            response = self.kit.post(
                push_body(
                    "web01",
                    [CPU],
                    timestamp=time_ms / 1000,
                    interval=10,
                    boot_id=self.boot_id,
                    boottime_ms=time_ms - self.booted_ms,
                ),
                X_SysMon_Stream=self.stream,
                X_SysMon_Seq=str(self.seq),
                X_SysMon_Now=f"{sent_ms};{self.boot_id};{sent_ms - self.booted_ms}",
            )
            assert response.status_code == 200, response.data
            self.kit.now_ms = time_ms + TICK

    def restart(self) -> None:
        self.stream, self.seq = self.stream[::-1], 0

    def gaps(self) -> list[dict[str, Any]]:
        return list(self.kit.get("/api/hosts/web01/gaps")["gaps"])


def test_an_agent_that_was_stopped(kit: ServiceKit) -> None:
    agent = Agent(kit)
    agent.run(5)
    kit.now_ms += 300_000
    agent.restart()
    agent.run(5)
    (gap,) = agent.gaps()
    assert (gap["cause"], gap["start"], gap["end"]) == (
        "agent_down",
        START_MS / 1000 + 40,
        START_MS / 1000 + 350,
    )


def test_a_host_that_was_down(kit: ServiceKit) -> None:
    agent = Agent(kit)
    agent.run(5)
    kit.now_ms += 300_000
    agent.restart()
    agent.boot_id, agent.booted_ms = "boot-b", kit.now_ms - 20_000
    agent.run(5)
    assert [gap["cause"] for gap in agent.gaps()] == ["host_down"]


def test_late_samples_leave_no_hole_and_are_told(kit: ServiceKit) -> None:
    agent = Agent(kit)
    agent.run(5)
    agent.run(6, waiting_ms=60_000)
    agent.run(3)
    (gap,) = agent.gaps()
    assert (gap["cause"], gap["late"]) == ("link_down", True)
    assert (gap["start"], gap["end"]) == (START_MS / 1000 + 50, START_MS / 1000 + 100)


def test_a_clock_that_was_set_forward(kit: ServiceKit) -> None:
    agent = Agent(kit)
    agent.run(5)
    kit.now_ms += 600_000  # both clocks jump; what counts since the boot does not
    agent.booted_ms += 600_000
    agent.run(5)
    assert [gap["cause"] for gap in agent.gaps()] == ["clock_set"]
    assert [event["kind"] for event in kit.get("/api/hosts/web01/events")["events"]] == [
        "clock_set",
        "agent_started",
    ]


def test_a_backlog_of_the_boot_before_is_no_boot(kit: ServiceKit) -> None:
    agent = Agent(kit)
    agent.run(3)
    old = (agent.stream, agent.seq, agent.boot_id, agent.booted_ms)
    backlog_ms = kit.now_ms
    kit.now_ms += 300_000
    agent.restart()
    agent.boot_id, agent.booted_ms = "boot-b", kit.now_ms - 20_000
    agent.run(2)
    new = (agent.stream, agent.seq, agent.boot_id, agent.booted_ms)
    now_ms = kit.now_ms
    agent.stream, agent.seq, agent.boot_id, agent.booted_ms = old
    kit.now_ms = backlog_ms
    agent.run(3)
    agent.stream, agent.seq, agent.boot_id, agent.booted_ms = new
    kit.now_ms = now_ms
    agent.run(2)
    events = kit.get("/api/hosts/web01/events?kind=boot")["events"]
    assert [event["detail"]["boot_id"] for event in events] == ["boot-b"]
