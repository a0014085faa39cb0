"""A list of integers that lie near each other, in two or four bytes each instead of eight."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import Final, Literal

_SPANS: Final = {"H": 1 << 16, "I": 1 << 32}


class NarrowInts:
    """64-bit integers, kept as what they are more than a base; in eight bytes each once one does not fit.

    The base lies half a span below the first, so that later ones may be less.
    """

    __slots__ = ("_base", "_more")

    def __init__(self, typecode: Literal["H", "I"]) -> None:
        self._base = 0
        self._more = array(typecode)

    def __len__(self) -> int:
        return len(self._more)

    def __getitem__(self, index: int) -> int:
        return self._base + self._more[index]

    def insert(self, index: int, value: int) -> None:
        """Before the one at `index`. Raises OverflowError if the value has more than 64 bits."""
        if not self._more and self._more.typecode != "q":
            self._base = value - _SPANS[self._more.typecode] // 2
        try:
            self._more.insert(index, value - self._base)
        except OverflowError:
            wide = self.part(0, len(self))
            wide.insert(index, value)
            self._base, self._more = 0, wide

    def part(self, start: int, end: int) -> array[int]:
        """Those with start ≤ index < end."""
        base = self._base
        return array("q", [base + one for one in self._more[start:end]])

    def bisect_left(self, value: int) -> int:
        """Where the first that is not less lies. REQUIRES: they ascend."""
        return bisect_left(self._more, value - self._base)

    def bisect_right(self, value: int) -> int:
        """Where the first that is greater lies. REQUIRES: they ascend."""
        return bisect_right(self._more, value - self._base)
