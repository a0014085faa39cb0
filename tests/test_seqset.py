"""The set of settled seqs, against a plain set of numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sysmon.aggregator.seqset import DECLARED, Digests, SeqSet

RANGES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
)


@given(RANGES)
def test_behaves_like_a_set_of_numbers(ranges: list[tuple[int, int]]) -> None:
    ours, plain = SeqSet(), set[int]()
    for first, last in ranges:
        ours = ours.add(first, last)
        plain.update(range(first, last + 1))
    for seq in range(1, 70):
        assert (seq in ours) == (seq in plain)
        assert ours.has(seq, seq + 2) == (plain >= {seq, seq + 1, seq + 2})
    assert ours.highest == max(plain, default=0)
    for first in range(1, 70, 3):
        absent = [seq for low, high in ours.absent(first, first + 9) for seq in range(low, high + 1)]
        assert absent == [seq for seq in range(first, first + 10) if seq not in plain]
    missing = {seq for first, last in ours.holes() for seq in range(first, last + 1)}
    assert missing == set(range(1, ours.highest)) - plain
    assert ours.missing() == len(missing)


@given(RANGES)
def test_stored_and_read_back_it_is_the_same(ranges: list[tuple[int, int]]) -> None:
    ours = SeqSet()
    for first, last in ranges:
        ours = ours.add(first, last)
    assert SeqSet.decode(ours.encode()) == ours


def test_the_usual_case_is_one_number() -> None:
    ours = SeqSet()
    for seq in range(1, 1000):
        ours = ours.add(seq, seq)
    assert ours == SeqSet(999)
    assert len(ours.encode()) == 8


def test_digests_tell_other_bytes_of_recent_seqs_only() -> None:
    digests = Digests()
    digests.put(1, 1, 0)
    digests.put(2, 2, 77)
    assert not digests.differs(1, 2, 0)
    assert digests.differs(2, 2, 78)
    assert not digests.differs(3, 3, 5)  # never noted
    digests.put(3, 3, DECLARED)
    assert all(digests.differs(3, 3, digest) for digest in range(4))
    digests.put(5000 - 4096, 5000, 6)  # too long ago: its place is a newer one's
    digests.put(5000, 5000, 7)
    digests.put(5000 - 4096, 5000, 6)
    assert digests.differs(5000, 5000, 6)
    digests.put(2 + 4096, 5000, None)
    assert not digests.differs(2 + 4096, 2 + 4096, 1)
    assert not digests.differs(2, 2 + 4096, 78)
