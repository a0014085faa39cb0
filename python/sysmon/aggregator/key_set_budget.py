"""How many lists of metrics a host may bring within an hour: ever-new tags must not fill the store.

How many series a host may have is the decoder's to say (`series_limit`, sample by sample); but a host that
shows one new series at each push brings a new list each time, and every list is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon.aggregator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysmon._core import Row

_WINDOW_MS: Final = 3_600_000


class KeySetBudget:
    """The key sets one host used within the hour. Thread-safe: at worst a use of just now is forgotten."""

    __slots__ = ("_used",)

    def __init__(self) -> None:
        self._used: dict[int, int] = {}  # key set -> last used

    def admit(self, rows: Iterable[Row], limit: int, now_ms: int) -> None:
        """Returns if the rows may be stored, nearly always after one look-up a row.

        Raises:
            Refusal: 429, more than `limit` lists within the hour.
        """
        for row in rows:
            key_set = row.key_set
            if key_set not in self._used:
                self._used = {known: at for known, at in list(self._used.items()) if now_ms - at < _WINDOW_MS}
                if len(self._used) >= limit:
                    raise Refusal(
                        429,
                        "too_many_key_sets",
                        f"new series at more than {limit} pushes within an hour: no times or ids in tags",
                        retry_after_s=600,
                    )
            self._used[key_set] = now_ms
