"""What each tier takes of a store's file."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import apsw

from sysmon.aggregator.stored_parts import TIERS

if TYPE_CHECKING:
    from pathlib import Path

_TIER_SHIFT = 48  # of a chunk's key


def tier_bytes(database: Path) -> dict[str, float]:
    """The file's bytes by tier, rows' and pages' overhead in proportion.

    REQUIRES: all is compacted and rolled up, so that nothing else of size is in the file.
    """
    with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        sql = "SELECT key >> ?, sum(length(payload)) FROM chunks GROUP BY 1"
        payload = dict(db.execute(sql, (_TIER_SHIFT,)))
        file_bytes = db.pragma("page_count") * db.pragma("page_size")
    share = file_bytes / sum(payload.values())
    return {tier: payload.get(number, 0) * share for tier, number in TIERS.items()}
