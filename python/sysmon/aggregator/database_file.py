"""The database file: how it is opened and copied, what is checked at start, how a damaged one is set aside.

At start all of a small file is checked (`PRAGMA integrity_check`), and of any size one in which damage was
met before. Of a large one it is what memory is rebuilt from; docs/formats/journal.md has the figures.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import apsw

from sysmon.aggregator.schema import prepare
from sysmon.aggregator.storage import DamagedError
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

DATABASE: Final = "sysmon.db"
CHECKED_BYTES: Final = 256 << 20
_BUSY_MS: Final = 5_000
# The commit that finds the WAL this long moves it into the file, and all others wait: with SQLite's own 1,000
# pages for 30 to 60 ms where the disk is busy.
_CHECKPOINT_PAGES: Final = 256
_SET_ASIDE: Final = ".damaged-"
_SUSPECT: Final = ".suspect"
_PARTIAL: Final = ".partial"
# PRAGMA application_id: closed by the aggregator; or open, and its newest commits may be in the WAL alone.
_CLOSED: Final = 0x73796D00
_IN_USE: Final = 0x73796D01


def is_damage(error: BaseException) -> bool:
    """SQLite says that the file is not what it wrote, not that it cannot be reached."""
    return isinstance(error, apsw.CorruptError | apsw.NotADBError)


def open_writer(path: Path, vfs: str | None) -> apsw.Connection:
    """The connection that writes, over a file that is checked; made, with mode 0600, if it is missing.

    Raises:
        DamagedError: the file must not be used.
        apsw.Error: it cannot be opened.
    """
    if not path.exists():
        path.touch(mode=0o600)
    db = _connect(path, apsw.SQLITE_OPEN_READWRITE, vfs)
    db.wal_autocheckpoint(_CHECKPOINT_PAGES)
    try:
        prepare(db)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")
        _check(db, path)
    except BaseException as error:
        close_unused(db)
        if is_damage(error):
            raise DamagedError(str(error)) from error
        raise
    return db


def close_unused(db: apsw.Connection) -> None:
    """Closes the writer and leaves file and WAL as they are: SQLite would merge them."""
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    db.close(True)


def open_reader(path: Path, vfs: str | None) -> apsw.Connection:
    """A connection that only reads. Raises apsw.Error."""
    db = _connect(path, apsw.SQLITE_OPEN_READONLY, vfs)
    db.pragma("query_only", True)
    db.wal_autocheckpoint(0)
    return db


def copy_database(path: Path, target: Path, vfs: str | None) -> int:
    """Writes one state of the database to a new file, beside its writer, and waits for the disk; its bytes.

    The copy has its name once all of it is on the disk; until then it is `target` with ".partial" behind it.

    Raises:
        StorageError: `target` exists or cannot be written; it is gone again then.
    """
    partial = target.with_name(target.name + _PARTIAL)
    if target.exists():
        raise StorageError(f"{target} exists; a backup never overwrites")
    try:
        partial.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise StorageError(
            f"{partial} exists: a backup to that name runs, or was broken off; remove it if none runs"
        ) from None
    except OSError as error:
        raise StorageError(f"{target}: {error.strerror}") from error
    try:
        db = _connect(path, apsw.SQLITE_OPEN_READONLY, vfs)
        try:
            db.execute("VACUUM INTO ?", (str(partial),))
        finally:
            db.close()
        _sync(partial, os.O_RDONLY)
        if target.exists():  # somebody's, made meanwhile
            raise StorageError(f"{target} exists; a backup never overwrites")
        partial.rename(target)  # not a link: a stick with FAT on it has none
        try:
            _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    except (apsw.Error, OSError) as error:
        raise StorageError(f"{target} could not be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def _sync(path: Path, flags: int) -> None:
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _connect(path: Path, flags: int, vfs: str | None) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX, vfs=vfs)
    db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    db.set_busy_timeout(_BUSY_MS)
    return db


def _check(db: apsw.Connection, path: Path) -> None:
    suspicion = path.with_name(path.name + _SUSPECT)
    suspected = suspicion.exists()
    if suspected:
        log.warning("%s: damage was met before; all of it is checked now, which takes a while", path)
    elif path.stat().st_size > CHECKED_BYTES:
        return
    try:
        found = db.pragma("integrity_check", 1)
    except apsw.SQLError as error:  # the statement is sound: so what the file says of its tables is not
        raise DamagedError(str(error)) from error
    if found != "ok":
        raise DamagedError(str(found).replace("\n", " "))
    if suspected:
        log.warning("%s: no damage found", path)
        suspicion.unlink()


def suspect(path: Path) -> None:
    """Damage was met while the file is in use: the next start checks all of it, however large."""
    with contextlib.suppress(OSError):  # a full or read-only disk; the next start finds it by itself, or not
        path.with_name(path.name + _SUSPECT).touch(mode=0o600)


def set_aside(path: Path, now_ms: int) -> Path:
    """Moves the file, with what SQLite keeps beside it, out of the way; where to.

    The connections to it are closed.
    """
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}{_SET_ASIDE}{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}{_SET_ASIDE}{stamp}-{number}")
    # The file itself first: a WAL without one is ignored by SQLite, a file without its WAL is not.
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(target.with_name(target.name + suffix))
    path.with_name(path.name + _SUSPECT).unlink(missing_ok=True)
    _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    return target


def set_aside_before(path: Path) -> list[Path]:
    """The damaged files that are still there, oldest first."""
    found = path.parent.glob(f"{path.name}{_SET_ASIDE}*")
    return sorted(old for old in found if not old.name.endswith(("-wal", "-shm")))


def checkpoint(db: apsw.Connection) -> None:
    """Brings the WAL into the file, as far as those let it who read an older state; waits for nobody."""
    db.set_busy_timeout(0)
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        log.debug("a reader holds an older state; the rest of the WAL follows later")
    finally:
        db.set_busy_timeout(_BUSY_MS)


def mark_in_use(db: apsw.Connection) -> None:
    """From now on the file needs its WAL, and says so: a copy of it alone is told from a whole database."""
    if db.pragma("application_id") != _IN_USE:
        db.pragma("application_id", _IN_USE)
        checkpoint(db)


def mark_closed(db: apsw.Connection) -> None:
    """The last commit: closing the connection puts everything into the file."""
    db.pragma("application_id", _CLOSED)


def lacks_its_wal(path: Path) -> bool:
    """The file was in use when it was last written, and its WAL with the newest commits is not beside it.

    REQUIRES: nobody has it open. SQLite itself takes such a file as it is.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:  # there is none yet; or opening it will say what is wrong
        return False
    if len(header) < 100 or header[18] != 2:  # not in WAL mode: an empty file, or a backup (VACUUM INTO)
        return False
    (application_id,) = struct.unpack_from(">I", header, 68)
    return application_id == _IN_USE and not path.with_name(path.name + "-wal").exists()
