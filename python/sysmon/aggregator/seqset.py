"""The seqs of one stream that are settled (stored or declared dropped): a mark, and intervals above it."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from typing import Final, NamedTuple

MAX_INTERVALS: Final = 256  # of what a stream may have above its mark; streams.py refuses more
_DIGESTS: Final = 4_096
DECLARED: Final = -1  # the digest of a seq that was declared dropped: no batch has it


class SeqSet(NamedTuple):
    """Immutable: `add` gives a new one, so that a failed commit has nothing to undo.

    mark: every seq ≤ mark is in. intervals: (first, last) pairs above it, ascending, neither touching nor
    overlapping.
    """

    mark: int = 0
    intervals: tuple[tuple[int, int], ...] = ()

    def __contains__(self, seq: object) -> bool:
        return isinstance(seq, int) and self.has(seq, seq)

    def has(self, first: int, last: int) -> bool:
        """All of first … last are in."""
        if last <= self.mark:
            return True
        at = bisect_right(self.intervals, (max(first, self.mark + 1), 1 << 64)) - 1
        return at >= 0 and last <= self.intervals[at][1]

    @property
    def highest(self) -> int:
        return self.intervals[-1][1] if self.intervals else self.mark

    def add(self, first: int, last: int) -> SeqSet:
        """The set with first … last in it."""
        if last == self.mark + 1 and first <= last and not self.intervals:
            return SeqSet(last)  # the usual case: the next one
        merged: list[tuple[int, int]] = []
        for low, high in sorted([(1, self.mark), *self.intervals, (first, last)]):
            if high < low:
                continue
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        mark = self.mark
        if merged and merged[0][0] == 1:
            mark = merged.pop(0)[1]
        return SeqSet(mark, tuple(merged))

    def holes(self) -> list[tuple[int, int]]:
        """The (first, last) ranges below the highest seq that are not in."""
        found = []
        above = self.mark
        for low, high in self.intervals:
            found.append((above + 1, low - 1))
            above = high
        return found

    def absent(self, first: int, last: int) -> list[tuple[int, int]]:
        """The (first, last) ranges of first … last that are not in."""
        found = []
        at = max(first, self.mark + 1)
        for low, high in self.intervals[max(0, bisect_right(self.intervals, (at, 1 << 64)) - 1) :]:
            if low > last:
                break
            if at < low:
                found.append((at, low - 1))
            at = max(at, high + 1)
        return [*found, (at, last)] if at <= last else found

    def missing(self) -> int:
        return sum(last - first + 1 for first, last in self.holes())

    def encode(self) -> bytes:
        """u64 mark, then u64 pairs, little-endian."""
        numbers = [self.mark, *(number for pair in self.intervals for number in pair)]
        return struct.pack(f"<{len(numbers)}Q", *numbers)

    @classmethod
    def decode(cls, blob: bytes) -> SeqSet:
        """REQUIRES: `blob` is what `encode` gave."""
        mark, *rest = struct.unpack(f"<{len(blob) // 8}Q", blob)
        return cls(mark, tuple(zip(rest[::2], rest[1::2], strict=True)))


def newest(first: int, last: int) -> range:
    """Those of first … last whose digests may be kept."""
    return range(max(first, last - _DIGESTS + 1), last + 1)


class Digests:
    """16 bits of the CRC-32 of each of the newest 4,096 batches: another one under a used seq is told (409).

    A machine that was resumed from a snapshot goes on with its twin's stream and numbers; it differs at the
    first seq both use with all but 2^-16 certainty, and at the next one otherwise. Kept in memory only:
    unknown after a restart, which accepts.
    """

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots = array("H")

    def put(self, seq: int, highest: int, digest: int | None) -> None:
        """Notes the digest of a settled seq; None where it is not known.

        One of an old backlog, too far below the highest, is not noted: its place is a newer one's.
        """
        if highest - seq >= _DIGESTS:
            return
        at = seq % _DIGESTS
        if at >= len(self._slots):
            self._slots.extend([0] * (at + 1 - len(self._slots)))
        self._slots[at] = 0 if digest is None else _slot(digest)

    def differs(self, seq: int, highest: int, digest: int) -> bool:
        """The seq was stored for another batch, as far as is known."""
        at = seq % _DIGESTS
        if highest - seq >= _DIGESTS or at >= len(self._slots) or self._slots[at] == 0:
            return False
        return self._slots[at] != _slot(digest)


def _slot(digest: int) -> int:
    return 1 if digest == DECLARED else max(digest & 0xFFFF, 2)  # 0 is: not known
