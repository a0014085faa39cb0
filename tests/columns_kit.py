"""Journal rows of one host as columns, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sysmon._core import fold_hosts, read_hosts

if TYPE_CHECKING:
    from sysmon._core import Agg, Columns, KeySets


def read_rows(key_sets: KeySets, rows: Any, *, start_ms: int = -(2**60), end_ms: int = 2**62) -> Columns:
    return read_hosts(key_sets, [((), rows)], start_ms=start_ms, end_ms=end_ms)


def fold_rows(key_sets: KeySets, rows: Any, end_ms: int, step_ms: int, agg: Agg) -> Columns:
    """On cells from 0 on."""
    return fold_hosts(key_sets, [((), rows)], start_ms=0, end_ms=end_ms, step_ms=step_ms, agg=agg)
