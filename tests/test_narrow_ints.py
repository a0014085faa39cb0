"""Narrow integers are a list of 64-bit ones, whatever lies between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysmon.aggregator.narrow_ints import NarrowInts

LEAST, MOST = -(1 << 63), (1 << 63) - 1
FIRST_MS = 1_738_858_800_000


@pytest.mark.parametrize("typecode", ["H", "I"])
@given(
    values=st.lists(
        st.one_of(st.integers(LEAST, MOST), st.integers(-(1 << 33), 1 << 33), st.integers(0, 99)), max_size=40
    ),
    looked_for=st.integers(LEAST, MOST),
)
@example(values=[FIRST_MS, FIRST_MS - (1 << 31), FIRST_MS + (1 << 31)], looked_for=FIRST_MS)
def test_they_are_a_sorted_list(typecode: Literal["H", "I"], values: list[int], looked_for: int) -> None:
    narrow, plain = NarrowInts(typecode), list[int]()
    for value in values:
        at = bisect_right(plain, value)
        assert narrow.bisect_right(value) == at
        narrow.insert(at, value)
        plain.insert(at, value)
    assert [narrow[at] for at in range(len(narrow))] == plain == list(narrow.part(0, len(narrow)))
    assert list(narrow.part(1, 3)) == plain[1:3]
    assert (narrow.bisect_left(looked_for), narrow.bisect_right(looked_for)) == (
        bisect_left(plain, looked_for),
        bisect_right(plain, looked_for),
    )


def test_times_of_a_month_take_four_bytes_each() -> None:
    narrow = NarrowInts("I")
    for day in range(25):
        narrow.insert(len(narrow), FIRST_MS + day * 86_400_000 - (day % 2) * 1_000_000_000)
    assert narrow._more.typecode == "I"
    narrow.insert(0, FIRST_MS - 30 * 86_400_000)
    assert (narrow._more.typecode, narrow[0]) == ("q", FIRST_MS - 30 * 86_400_000)


def test_what_has_more_than_64_bits_is_refused() -> None:
    narrow = NarrowInts("I")
    narrow.insert(0, 1)
    with pytest.raises(OverflowError):
        narrow.insert(1, 1 << 63)
    assert [narrow[at] for at in range(len(narrow))] == [1]
