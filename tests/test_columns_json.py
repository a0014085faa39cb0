"""Columns as JSON text: what any reader of JSON makes of it are the very doubles that were stored."""

from __future__ import annotations

import json
import struct

from hypothesis import example, given
from hypothesis import strategies as st

from columns_kit import read_rows
from sysmon._core import KeySets, PushDecoder

# Whole numbers, fractions of few decimals, and everything else that a double can be.
_VALUES = st.one_of(
    st.integers(-(2**53), 2**53).map(float),
    st.builds(
        lambda whole, decimals: whole / 10**decimals, st.integers(-(10**10), 10**10), st.integers(0, 7)
    ),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.lists(_VALUES, min_size=1, max_size=40))
@example([0.05, -0.05, 0.5, -0.0, 0.0, 5.0, 1e9, 999_999_999.999_999, 1e15, 1e22, 0.1 + 0.2, 5e-324, 1e-7])
def test_every_double_comes_back(values: list[float]) -> None:
    body = {
        "hostname": "web01",
        "metrics": [
            {"type": "any.value", "value": value, "timestamp": 1_800_000_000 + i}
            for i, value in enumerate(values)
        ],
    }
    key_sets = KeySets()
    (push,) = PushDecoder(key_sets).decode(json.dumps(body).encode(), gzip=False, now_ms=1_800_000_000_000)
    columns = read_rows(key_sets, [(row.time_ms, row.payload) for row in push.rows])
    (read,) = json.loads(b"[" + columns.json([b""]) + b"]", parse_int=float)  # "-0" is a double too
    assert [struct.pack("<d", value) for value in read["values"]] == [struct.pack("<d", v) for v in values]
    assert read["times"] == [1_800_000_000 + i for i in range(len(values))]


def test_columns_with_the_same_times_say_them_each() -> None:
    metrics = [{"type": f"any.value{i}", "value": i} for i in range(3)]
    body = json.dumps({"hostname": "web01", "timestamp": 1_800_000_000.25, "metrics": metrics}).encode()
    key_sets = KeySets()
    (push,) = PushDecoder(key_sets).decode(body, gzip=False, now_ms=1_800_000_000_000)
    columns = read_rows(key_sets, [(row.time_ms, row.payload) for row in push.rows])
    read = json.loads(b"[" + columns.json([b""] * 3) + b"]")
    assert [one["times"] for one in read] == [[1_800_000_000.25]] * 3
    assert [one["values"] for one in read] == [[0], [1], [2]]
