"""Journal rows through the extension: values come back bit-equal, damage is an error and never a crash."""

from __future__ import annotations

import itertools
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from columns_kit import fold_rows, read_rows
from sysmon._core import KeySets, LastValues, PushDecoder, Row, join_columns

NOW_MS = 1_738_858_800_000
quick = settings(deadline=None, max_examples=50)  # no timed tests: the machine may be busy
EDGES = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    2.0**53,
    2.0**53 + 2,
    2.0**63,
    2.0**64,
    1.7976931348623157e308,
    0.1,
    99.99,
    -273.15,
]

values = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(EDGES)
    | st.integers(0, 2**64 - 1).map(float)  # counters of any size
    | st.integers(-(10**9), 10**9).map(lambda n: n / 100)  # percents
    | st.integers(-(10**12), 10**12).map(lambda n: n / 1e6)  # seconds
)


def pack(
    sent: list[float | None], boot_id: str | None = None, key_sets: KeySets | None = None
) -> tuple[KeySets, Row]:
    """One row of the metrics m0, m1, …; None is left out."""
    sets = KeySets() if key_sets is None else key_sets
    decoder = PushDecoder(sets)
    everything = [{"type": f"m{i}", "value": 0} for i in range(len(sent))]
    some = [{"type": f"m{i}", "value": value} for i, value in enumerate(sent) if value is not None]
    row = None
    for metrics in (everything, some):  # the first one fixes the key set
        body = json.dumps(
            {"hostname": "a", "boot_id": boot_id, "timestamp": NOW_MS / 1000, "metrics": metrics}
        )
        (push,) = decoder.decode(body.encode(), gzip=False, now_ms=NOW_MS)
        if push.rows:
            (row,) = push.rows
    assert row is not None
    return sets, row


def unpack(key_sets: KeySets, row: Row) -> dict[str, float]:
    columns = read_rows(key_sets, [(row.time_ms, row.payload)], start_ms=0, end_ms=2**62)
    return {columns.key(i)[0]: columns.values(i)[0] for i in range(len(columns))}


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@quick
@given(
    st.lists(st.none() | values, min_size=1, max_size=300).filter(
        lambda sent: any(v is not None for v in sent)
    )
)
def test_values_come_back_bit_equal(sent: list[float | None]) -> None:
    key_sets, row = pack(sent)
    expected = {f"m{i}": bits(value) for i, value in enumerate(sent) if value is not None}
    assert {name: bits(value) for name, value in unpack(key_sets, row).items()} == expected
    assert row.samples == len(expected)
    again = Row(row.time_ms + 5, row.payload)
    assert (again.time_ms, again.key_set, again.samples) == (row.time_ms + 5, row.key_set, row.samples)
    last = LastValues(key_sets)
    last.update(again)
    assert {name: bits(value) for name, _, value, _, _ in last.find()} == expected


@quick
@given(st.binary(max_size=80))
def test_no_bytes_crash_a_reader(payload: bytes) -> None:
    with pytest.raises(ValueError, match="journal row"):
        Row(0, payload)
    with pytest.raises(ValueError, match="journal row"):
        read_rows(KeySets(), [(0, payload)], start_ms=0, end_ms=1)
    with pytest.raises(ValueError, match="key set 1"):
        KeySets().load(1, payload)


@quick
@given(st.lists(values, min_size=1, max_size=20), st.data())
def test_a_damaged_row_is_an_error(sent: list[float], data: st.DataObject) -> None:
    _, row = pack(list(sent))
    cut = data.draw(st.integers(0, len(row.payload) - 1))
    bit = data.draw(st.integers(0, len(row.payload) * 8 - 1))
    flipped = bytearray(row.payload)
    flipped[bit // 8] ^= 1 << (bit % 8)
    for damaged in (row.payload[:cut], bytes(flipped), row.payload + b"\0"):
        with pytest.raises(ValueError, match="journal row"):
            Row(0, damaged)


def rows_of(
    series: dict[int, float], boot_ids: dict[int, str] | None = None
) -> tuple[KeySets, list[tuple[int, bytes]]]:
    key_sets = KeySets()
    rows = []
    for time_ms, value in series.items():
        _, row = pack([value], (boot_ids or {}).get(time_ms), key_sets)
        rows.append((time_ms, row.payload))
    return key_sets, rows


@quick
@given(
    st.dictionaries(st.integers(0, 100_000), st.integers(0, 10**6).map(float), min_size=1, max_size=40),
    st.integers(2_000, 30_000),
)
def test_a_grid_is_what_a_loop_says(series: dict[int, float], step_ms: int) -> None:
    stored = rows_of(series)
    times = sorted(series)
    for agg, fold in (("min", min), ("max", max), ("sum", sum)):
        grid = fold_rows(*stored, 100_001, step_ms, agg)  # type: ignore[arg-type]
        for cell, start_ms in enumerate(grid.times(0)):
            inside = [series[t] for t in times if start_ms <= t < start_ms + step_ms]
            assert bool(grid.present(0)[cell]) == bool(inside)
            if inside:
                assert grid.values(0)[cell] == fold(inside)
    rates = fold_rows(*stored, 100_001, 200_000, "rate")
    grown = [(series[b] - series[a], b - a) for a, b in itertools.pairwise(times) if series[b] >= series[a]]
    assert bool(rates.present(0)[0]) == bool(grown)
    if grown:
        assert rates.values(0)[0] == pytest.approx(
            sum(g for g, _ in grown) * 1000 / sum(dt for _, dt in grown)
        )


def test_rate_never_crosses_a_boot() -> None:
    stored = rows_of({0: 100, 1000: 500, 2000: 501}, {0: "x", 1000: "y", 2000: "y"})
    grid = fold_rows(*stored, 3000, 1000, "rate")
    assert list(grid.present(0)) == [0, 0, 1]
    assert grid.values(0)[2] == 1.0


def test_memory_outlives_its_columns() -> None:
    columns = read_rows(*rows_of({1: 1.5, 2: 2.5}))
    times, found = columns.times(0), columns.values(0)
    del columns
    assert (list(times), list(found)) == ([1, 2], [1.5, 2.5])
    assert (times.format, found.format, found.readonly) == ("q", "d", True)


def test_hosts_fold_across() -> None:
    stored = [rows_of({0: 1, 1000: 2}), rows_of({500: 10})]
    both = join_columns([read_rows(*one) for one in stored])
    grid = join_columns([fold_rows(*one, 2000, 1000, "last") for one in stored])
    assert json.loads(grid.across("sum", [0, 0]).json([b'"n":1'])) == {
        "n": 1,
        "times": [0, 1],
        "values": [11, 2],
    }
    with pytest.raises(ValueError, match="grid"):
        both.across("sum", [0, 0])
    with pytest.raises(ValueError, match="agg"):
        grid.across("median", [0, 0])  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        both.key(2)


def test_unknown_key_sets_are_said_so() -> None:
    key_sets, row = pack([1.0])
    with pytest.raises(KeyError):
        key_sets.keys(99)
    with pytest.raises(KeyError):
        key_sets.blob(99)
    with pytest.raises(ValueError, match="key set"):
        read_rows(KeySets(), [(row.time_ms, row.payload)], start_ms=0, end_ms=2**62)
