"""Which bundles are taken, and when the others are to come back."""

from __future__ import annotations

from sysmon.aggregator.bundle_gate import BundleGate


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_so_many_are_inside_and_no_more() -> None:
    gate = BundleGate(2, Clock())
    first = gate.enter()
    assert not gate.is_full
    gate.enter()
    assert gate.is_full
    gate.leave(first)
    assert not gate.is_full


def test_everybody_gets_another_turn_as_fast_as_bundles_are_done() -> None:
    clock = Clock()
    gate = BundleGate(2, clock)
    for _ in range(100):  # two at once, each two fifths of a second: five a second
        inside = [gate.enter(), gate.enter()]
        clock.now_s += 0.4
        for entered_s in inside:
            gate.leave(entered_s)
    gate.enter()
    waits = [gate.refusal().retry_after_s or 0 for _ in range(40)]
    assert waits == sorted(waits)
    assert waits[0] == 1
    assert 8 <= waits[-1] <= 16
    clock.now_s += 60  # those turns are over
    assert gate.refusal().retry_after_s == 1


def test_nobody_is_sent_away_for_longer_than_half_a_minute() -> None:
    gate = BundleGate(0, Clock())
    for _ in range(10_000):
        refusal = gate.refusal()
        assert refusal.retry_after_s is not None
        assert 1 <= refusal.retry_after_s <= 30
    assert (refusal.status, refusal.code) == (503, "too_many_bundles")
