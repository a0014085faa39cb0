"""What is known to be damaged: noted where it is met, told in the log once, by the API from then on."""

from __future__ import annotations

import contextlib
import logging
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sysmon import _core
from sysmon.aggregator.database_file import is_damage, set_aside_before, suspect
from sysmon.aggregator.storage import DamagedError
from sysmon.aggregator.stored_parts import time_ms_of
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import apsw

    from sysmon._core import Row
    from sysmon.aggregator.stored_parts import Stored

log = logging.getLogger(__name__)

WAL_IS_MISSING: Final = (
    "it was in use when it was last written, and its -wal file is gone: unless another program merged it, the"
    " newest acknowledged samples went with it"
)
_TOLD: Final = 5


class DamageLog:
    """The damage of one database file, as met since the start. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._met: dict[str, None] = {}  # sentences, in the order of their coming

    def note(self, what: str) -> None:
        if what not in self._met:
            self._met[what] = None
            log.error("%s: %s", self._path, what)

    def forget(self) -> None:
        """The file is another one now."""
        self._met.clear()

    def error_of(self, error: apsw.Error) -> StorageError:
        """What SQLite said, as ours; if it says damage, the next start checks the whole file."""
        if not is_damage(error):
            return StorageError(f"{self._path}: {error}")
        suspect(self._path)
        self.note(f"{error}; the next start checks the whole file, and sets it aside if it is damaged")
        return DamagedError(f"{self._path}: {error}")

    def rows(self, host_id: int, rows: Sequence[tuple[int, bytes]]) -> tuple[list[Row], str]:
        """The (time_ms, payload) rows that are as they were written, and the times of the others as text."""
        good, damaged = [], []
        for time_ms, payload in rows:
            try:
                good.append(_core.Row(time_ms, payload))
            except (ValueError, TypeError):
                damaged.append(utc(time_ms))
                self.note(f"the row of host {host_id} at {damaged[-1]} is damaged")
        return good, ", ".join(damaged)

    def times_in(self, host_ids: Sequence[int], stored: Sequence[Stored]) -> list[str]:
        """The times, as text, of what is stored of these hosts and is not as it was written."""
        found = []
        for host_id, (parts, rows) in zip(host_ids, stored, strict=True):
            for name, times_and_payloads in (
                ("chunk", [(time_ms_of(key), payload) for key, payload in parts]),
                ("row", rows),
            ):
                for time_ms, payload in times_and_payloads:
                    if not _core.is_intact(payload):
                        found.append(utc(time_ms))
                        self.note(f"the {name} of host {host_id} at {found[-1]} is damaged")
        return found

    @property
    def warnings(self) -> list[str]:
        found = [
            f"a damaged database was set aside as {old}; what it holds is not shown. Delete it to end this"
            for old in set_aside_before(self._path)
        ]
        met = list(self._met)
        found += [f"{self._path}: {what}" for what in met[:_TOLD]]
        if len(met) > _TOLD:
            found.append(f"{self._path}: damage in {len(met) - _TOLD} more places; the log has them")
        return found


@contextlib.contextmanager
def understood(what: str) -> Iterator[None]:
    """Around conversions of what is stored, and nothing else: what cannot be converted is damage."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise DamagedError(f"{what}: {error}") from error


def utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")
