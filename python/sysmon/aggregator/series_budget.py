"""How many series a host may have: a client with ever-new tags must not fill the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon.aggregator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sysmon._core import KeySets, Row
    from sysmon.aggregator.settings import LimitSettings

_WINDOW_MS: Final = 3_600_000
_MAX_KEY_SETS: Final = 200  # a host has about ten: one for each combination of families read at the same tick


class SeriesBudget:
    """The key sets one host used within the hour. Not thread-safe: ingest holds a lock when a set is new."""

    __slots__ = ("_known", "_used")

    def __init__(self) -> None:
        self._used: dict[int, int] = {}  # key set -> last used
        self._known = False

    def seen(self, rows: Iterable[Row], now_ms: int) -> None:
        """Rows that were admitted, now or before a restart."""
        for row in rows:
            self._used[row.key_set] = now_ms
        self._known = True

    def admit(self, rows: Iterable[Row], key_sets: KeySets, limits: LimitSettings, now_ms: int) -> None:
        """Returns if the rows may be stored; nearly always after one look-up a row.

        Raises:
            Refusal: 422 for more series than a host may have, 429 for too many new ones within the hour.
        """
        used = self._used
        new = {row.key_set for row in rows if row.key_set not in used}
        if new:
            self._admit_new(new, key_sets, limits, now_ms)
        for row in rows:
            used[row.key_set] = now_ms
        self._known = True

    def _admit_new(self, new: set[int], key_sets: KeySets, limits: LimitSettings, now_ms: int) -> None:
        self._used = {key_set: at for key_set, at in self._used.items() if now_ms - at < _WINDOW_MS}
        if len(self._used) + len(new) > _MAX_KEY_SETS:
            raise Refusal(
                429,
                "too_many_key_sets",
                f"more than {_MAX_KEY_SETS} different lists of metrics within an hour; keep them in order",
                retry_after_s=600,
            )
        have = {key for key_set in self._used for key in key_sets.keys(key_set)}
        fresh = {key for key_set in new for key in key_sets.keys(key_set)} - have
        if len(have) + len(fresh) > limits.series_per_host:
            raise Refusal(
                422,
                "too_many_series",
                f"{len(have) + len(fresh)} series; a host has at most {limits.series_per_host}",
            )
        if self._known and len(fresh) > limits.new_series_per_hour:
            raise Refusal(
                429,
                "too_many_new_series",
                f"{len(fresh)} new series; at most {limits.new_series_per_hour} an hour after first contact",
                retry_after_s=600,
            )
