"""Properties of chunks: what was sent comes back bit by bit, in however many bites it came."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysmon import _core
from sysmon._core import KeySets, PushDecoder

HOUR_MS = 1_800_000_000_000
quick = settings(deadline=None, max_examples=80)

finite = st.floats(allow_nan=False, allow_infinity=False)
values = (
    finite
    | st.sampled_from([0.0, -0.0, 5e-324, 2.0**63, -(2.0**63)])
    | st.integers(-(10**6), 10**6).map(float)
)
offsets = st.integers(0, 3_599_999)
keys = st.sampled_from(
    ["cpu.total_usage", "memory.used_bytes", "own.metric", "disk.usage_percent", "network.errors"]
)
ticks = st.dictionaries(offsets, st.dictionaries(keys, values, min_size=1), max_size=40)


def rows_of(key_sets: KeySets, sent: dict[int, dict[str, float]]) -> list[tuple[int, bytes]]:
    decoder = PushDecoder(key_sets)
    rows = []
    for offset, metrics in sent.items():
        body = {
            "hostname": "web01",
            "timestamp": (HOUR_MS + offset) / 1000,
            "metrics": [{"type": name, "value": value} for name, value in metrics.items()],
        }
        (push,) = decoder.decode(json.dumps(body).encode(), gzip=False, now_ms=HOUR_MS + 3_600_000)
        rows += [(row.time_ms, row.payload) for row in push.rows]
    return rows


def chunk_of(
    key_sets: KeySets, old: list[tuple[int, bytes]], rows: list[tuple[int, bytes]]
) -> list[tuple[int, bytes]]:
    packed = _core.pack_hour(key_sets, (old, rows), HOUR_MS)
    return [(_core.chunk_key(0, HOUR_MS // 3_600_000, 1, part), payload) for part, payload in packed.parts]


def samples_of(key_sets: KeySets, parts: list[tuple[int, bytes]]) -> dict[tuple[str, int], bytes]:
    columns = _core.read_hosts(key_sets, [(parts, [])], start_ms=0, end_ms=1 << 60)
    return {
        (columns.key(i)[0], time_ms - HOUR_MS): struct.pack("<d", value)
        for i in range(len(columns))
        for time_ms, value in zip(columns.times(i), columns.values(i), strict=True)
    }


def expected(sent: dict[int, dict[str, float]]) -> dict[tuple[str, int], bytes]:
    return {(name, at): struct.pack("<d", value) for at, row in sent.items() for name, value in row.items()}


@quick
@given(ticks)
def test_what_was_sent_comes_back_bit_by_bit(sent: dict[int, dict[str, float]]) -> None:
    key_sets = KeySets()
    assert samples_of(key_sets, chunk_of(key_sets, [], rows_of(key_sets, sent))) == expected(sent)


@quick
@given(ticks, ticks)
def test_in_two_bites_it_is_the_same_and_the_first_wins(
    first: dict[int, dict[str, float]], second: dict[int, dict[str, float]]
) -> None:
    key_sets = KeySets()
    parts = chunk_of(key_sets, [], rows_of(key_sets, first))
    parts = chunk_of(key_sets, parts, rows_of(key_sets, second))
    assert samples_of(key_sets, parts) == expected(second) | expected(first)


@quick
@given(ticks.filter(bool), st.data())
def test_damage_is_an_error(sent: dict[int, dict[str, float]], data: st.DataObject) -> None:
    key_sets = KeySets()
    parts = chunk_of(key_sets, [], rows_of(key_sets, sent))
    which = data.draw(st.integers(0, len(parts) - 1))
    key, payload = parts[which]
    bit = data.draw(st.integers(0, len(payload) * 8 - 1))
    flipped = bytearray(payload)
    flipped[bit // 8] ^= 1 << (bit % 8)
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    for damaged in (bytes(flipped), cut):
        assert not _core.is_intact(damaged)
        with pytest.raises(ValueError, match="chunk"):
            samples_of(key_sets, [*parts[:which], (key, damaged), *parts[which + 1 :]])


@quick
@given(st.binary(max_size=200))
def test_no_bytes_crash_a_reader(junk: bytes) -> None:
    for part in range(8):
        with pytest.raises(ValueError, match=r"chunk|ticks"):
            samples_of(KeySets(), [(_core.chunk_key(0, 1, 1, part), junk)])


def test_parts_are_those_that_may_hold_the_types() -> None:
    assert _core.parts_of(None) == [0, 1, 2, 3, 4, 5, 6]
    assert _core.parts_of(["cpu.total_usage"]) == [0, 2]
    assert _core.parts_of(["network.*", "own.metric"]) == [0, 1, 5]
