"""Properties of the push decoder: any bytes give batches or a PushError, and what is accepted comes back."""

from __future__ import annotations

import gzip
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from columns_kit import read_rows
from sysmon import PushError
from sysmon._core import KeySets, Limits, PushDecoder

NOW_MS = 1_738_858_800_000
quick = settings(deadline=None, max_examples=50)  # no timed tests: the machine may be busy

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.:-]{0,20}", fullmatch=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = finite | st.integers(-(2**63), 2**64 - 1)
tag_values = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=40)
times = st.none() | st.integers(0, NOW_MS).map(lambda ms: ms / 1000)
samples = st.tuples(names, st.dictionaries(names, tag_values, max_size=3), numbers, times)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def push(metrics: list[Any], **envelope: Any) -> bytes:
    return json.dumps({"hostname": "web01", "metrics": metrics, **envelope}).encode()


def metric(name: str, tags: dict[str, str], value: float, time: float | None) -> dict[str, Any]:
    out: dict[str, Any] = {"type": name, "value": value}
    if tags:
        out["tags"] = tags
    if time is not None:
        out["timestamp"] = time
    return out


@quick
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_push_or_an_error(body: bytes, is_gzip: bool) -> None:
    decoder = PushDecoder(KeySets())
    try:
        decoder.decode(body, gzip=is_gzip, now_ms=NOW_MS)
    except PushError as error:
        assert error.status in (400, 413, 422)
        assert error.code.replace("_", "").isalnum()
        assert str(error)


json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
members = st.sampled_from(
    [
        "hostname",
        "version",
        "agent_id",
        "boot_id",
        "boottime_ms",
        "interval",
        "timestamp",
        "tags",
        "facts",
        "processes",
    ]
)


@quick
@given(
    st.dictionaries(members, json_values, max_size=4),
    st.lists(
        st.dictionaries(st.sampled_from(["type", "value", "tags", "timestamp", "x"]), json_values), max_size=4
    )
    | json_values,
)
def test_any_json_is_a_push_or_an_error(envelope: dict[str, Any], metrics: Any) -> None:
    decoder = PushDecoder(KeySets())
    body = json.dumps({"hostname": "web01", "metrics": metrics, **envelope}).encode("utf-8", "surrogatepass")
    try:
        (decoded,) = decoder.decode(body, gzip=False, now_ms=NOW_MS)
    except PushError as error:
        assert error.status in (400, 422)
    else:
        assert decoded.accepted + decoded.rejected == len(metrics)
        assert sum(row.samples for row in decoded.rows) == decoded.accepted


@quick
@given(st.lists(st.lists(samples, max_size=12), min_size=1, max_size=4), st.booleans())
def test_what_is_accepted_comes_back(
    pushes: list[list[tuple[str, dict[str, str], float, float | None]]], zipped: bool
) -> None:
    """Several pushes of one host, whatever keys each has: a (type, tags, time) gives its first value back."""
    key_sets = KeySets()
    decoder = PushDecoder(key_sets)
    expected: dict[tuple[str, tuple[tuple[str, str], ...], int], float] = {}
    rows = []
    for sent in pushes:
        body = push([metric(*sample) for sample in sent], timestamp=NOW_MS / 1000)
        (decoded,) = decoder.decode(gzip.compress(body) if zipped else body, gzip=zipped, now_ms=NOW_MS)
        rows += [(row.time_ms, row.payload) for row in decoded.rows]
        for name, tags, value, time in sent:
            time_ms = NOW_MS if time is None else round(time * 1000)
            expected.setdefault((name, tuple(sorted(tags.items())), time_ms), float(value))
        assert [row.time_ms for row in decoded.rows] == sorted({row.time_ms for row in decoded.rows})
    columns = read_rows(key_sets, rows, start_ms=0, end_ms=2**62)
    found = {
        (*columns.key(column), time_ms): value
        for column in range(len(columns))
        for time_ms, value in zip(columns.times(column), columns.values(column), strict=True)
    }
    assert {key: bits(value) for key, value in found.items()} == {
        key: bits(value) for key, value in expected.items()
    }


@quick
@given(st.lists(names, unique=True, min_size=1, max_size=8), st.data())
def test_stored_key_sets_read_the_rows_in_another_process(keys: list[str], data: st.DataObject) -> None:
    key_sets = KeySets()
    decoder = PushDecoder(key_sets)
    rows = []
    for _ in range(3):
        some = data.draw(st.lists(st.sampled_from(keys), unique=True))
        (decoded,) = decoder.decode(
            push([metric(key, {}, 1.5, None) for key in some]), gzip=False, now_ms=NOW_MS
        )
        rows += [(row.time_ms + len(rows), row.payload) for row in decoded.rows]
    again = KeySets()
    for key_set in range(1, key_sets.max_id + 1):
        again.load(key_set, key_sets.blob(key_set))
        assert again.keys(key_set) == key_sets.keys(key_set)
    assert len(again) == len(key_sets)
    one = read_rows(key_sets, rows, start_ms=0, end_ms=2**62)
    other = read_rows(again, rows, start_ms=0, end_ms=2**62)
    assert one.json([b""] * len(one)) == other.json([b""] * len(other))


def test_limits_are_the_callers() -> None:
    decoder = PushDecoder(KeySets(), Limits(metrics_per_batch=1))
    body = push([metric("a", {}, 1, None), metric("b", {}, 1, None)])
    with pytest.raises(PushError) as refused:
        decoder.decode(body, gzip=False, now_ms=NOW_MS)
    assert (refused.value.status, refused.value.code) == (413, "too_many_metrics")


def test_body_may_be_any_contiguous_buffer() -> None:
    decoder = PushDecoder(KeySets())
    body = push([metric("a", {}, 1, None)])
    for view in (body, bytearray(body), memoryview(b"x" + body)[1:]):
        assert decoder.decode(view, gzip=False, now_ms=NOW_MS)[0].accepted == 1
    with pytest.raises(BufferError):
        decoder.decode(memoryview(body)[::2], gzip=False, now_ms=NOW_MS)


def test_integers_past_53_bits_become_the_nearest_double() -> None:
    key_sets = KeySets()
    (decoded,) = PushDecoder(key_sets).decode(
        push([metric("a", {}, 2**63 + 1025, None)]), gzip=False, now_ms=NOW_MS
    )
    (row,) = decoded.rows
    columns = read_rows(key_sets, [(row.time_ms, row.payload)], start_ms=0, end_ms=2**62)
    assert list(columns.values(0)) == [float(2**63 + 1025)]
    assert not math.isinf(columns.values(0)[0])
