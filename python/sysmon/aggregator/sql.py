"""`sysmon sql`: a SELECT over a database file, beside whoever writes it.

The statement runs in a database of its own, in memory: `hosts` is a table there, `metrics` a virtual one over
the file (sql_tables.py). It cannot reach the file itself, and an authorizer refuses everything but reading.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import apsw
import apsw.ext
import msgspec

from sysmon.aggregator.database_file import DATABASE
from sysmon.aggregator.file_reader import FileReader
from sysmon.aggregator.hosts import HostDirectory
from sysmon.aggregator.sql_tables import Metrics, SqlArgumentError
from sysmon.errors import SysmonError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from sysmon.aggregator.settings import Settings

TABLES: Final = (
    "hosts(hostname, last_seen, tags, version, status)",
    "metrics(timestamp, type, host, tags, value)",
)
__all__ = ["TABLES", "SqlArgumentError", "SqlError", "SqlRefusedError", "SqlSession", "SqlTimeoutError"]

_HOSTS: Final = """
    CREATE TABLE hosts (
        hostname  TEXT PRIMARY KEY,
        last_seen REAL,                  -- Unix seconds
        tags      TEXT,                  -- JSON
        version   TEXT,                  -- of its agent
        status    TEXT                   -- online, stale, offline or archived
    ) STRICT, WITHOUT ROWID"""
_ALLOWED: Final = frozenset(
    {apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE}
)
_FORBIDDEN_FUNCTIONS: Final = frozenset({"load_extension"})
_LONGEST_VALUE: Final = 16 << 20
_LONGEST_STATEMENT: Final = 1 << 20
_CACHE_KIB: Final = 32 << 10  # what is sorted past it goes to a temporary file
_STEPS_BETWEEN_LOOKS: Final = 1_000


class SqlError(SysmonError):
    """The statement is not one that can be run; the message says where."""


class SqlRefusedError(SqlError):
    """It would do more than read."""


class SqlTimeoutError(SqlError):
    """It took too long."""


class SqlAnswer(NamedTuple):
    """columns: their names, as the statement has them; rows: read while they are taken."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


class SqlSession:
    """One state of the file, for statements after each other. One thread at a time."""

    def __init__(self, settings: Settings, now_ms: int) -> None:
        """
        Args:
            settings: where the data folder is, and after what silence a host is stale or offline.
            now_ms: the moment for which `hosts.status` is said.

        Raises:
            StorageError: the file cannot be opened, is damaged, or is of another version.
        """
        self._reader = FileReader(settings.data_dir / DATABASE)
        self._until = 0.0
        try:
            self._db = self._tables(settings, now_ms)
        except BaseException:
            self._reader.close()
            raise

    def _tables(self, settings: Settings, now_ms: int) -> apsw.Connection:
        db = apsw.Connection(":memory:")
        db.execute(_HOSTS)
        directory = HostDirectory(settings)
        db.executemany(
            "INSERT INTO hosts VALUES (?, ?, ?, ?, ?)",
            [
                (
                    host.hostname,
                    None if host.last_seen_ms is None else host.last_seen_ms / 1000,
                    msgspec.json.encode(host.all_tags).decode(),
                    host.version,
                    directory.status(host, now_ms),
                )
                for host in self._reader.hosts
            ],
        )
        table: Any = Metrics(self._reader, self._check_time)
        db.create_module(
            "metrics", table, use_bestindex_object=True, eponymous=True, eponymous_only=True, read_only=True
        )
        db.pragma("cache_size", -_CACHE_KIB)
        db.pragma("temp_store", 1)  # files: a large sort must not fill the memory
        db.pragma("query_only", True)
        db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        for limit, value in (
            (apsw.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE),
            (apsw.SQLITE_LIMIT_SQL_LENGTH, _LONGEST_STATEMENT),
            (apsw.SQLITE_LIMIT_ATTACHED, 0),
        ):
            db.limit(limit, value)
        db.authorizer = _authorize
        db.set_progress_handler(self._is_late, _STEPS_BETWEEN_LOOKS)
        return db

    def run(self, statement: str, timeout_s: float) -> SqlAnswer:
        """Begins one SELECT; it must be done, rows taken included, within `timeout_s`.

        Raises, as taking the rows does:
            SqlError: the statement is wrong, or none.
            SqlRefusedError: it does more than read.
            SqlTimeoutError: the time is over.
            SqlArgumentError: a column is compared with what it cannot be.
            StorageError: the file cannot be read, or is damaged.
        """
        self._until = time.monotonic() + timeout_s
        with _Understood(statement, timeout_s):
            details = apsw.ext.query_info(self._db, statement)
            if not details.has_vdbe:
                raise SqlError(f"there is no statement in {statement[:40]!r}; expected a SELECT")
            if details.query_remaining is not None and details.query_remaining.strip(" \t\r\n;"):
                raise SqlError(f"one statement at a time; there is another: {details.query_remaining[:40]!r}")
            columns = [name for name, _ in details.description]
        return SqlAnswer(columns, self._rows(statement, timeout_s))

    def _rows(self, statement: str, timeout_s: float) -> Iterator[tuple[Any, ...]]:
        with _Understood(statement, timeout_s):
            yield from self._db.execute(statement)

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    def _check_time(self) -> None:
        if self._is_late():
            raise apsw.InterruptError("interrupted")

    def close(self) -> None:
        self._db.close()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Understood:
    """Around a statement: what SQLite says of it, as ours."""

    def __init__(self, statement: str, timeout_s: float) -> None:
        self._statement = statement
        self._timeout_s = timeout_s

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, apsw.InterruptError):
            raise SqlTimeoutError(f"not answered within {self._timeout_s:g} s") from error
        if isinstance(error, apsw.AuthError | apsw.ReadOnlyError) or _is_refusal(str(error)):
            raise SqlRefusedError("only reading is allowed here: SELECT") from error
        if isinstance(error, apsw.Error):
            raise SqlError(f"{error}{_place(self._statement, error)}") from error


def _is_refusal(text: str) -> bool:
    """SQLite says these with its code for all kinds of errors."""
    return text.startswith("not authorized") or text.endswith("may not be modified")


def _place(statement: str, error: apsw.Error) -> str:
    """Where in the statement it is wrong, if SQLite knows."""
    offset: int = getattr(error, "error_offset", -1)
    if offset < 0:
        return ""
    rest = statement.encode()[offset : offset + 40].decode(errors="replace").split("\n")[0]
    return f", at: {rest}" if rest else ", at its end"


def _authorize(action: int, *names: str | None) -> int:
    if action not in _ALLOWED or (action == apsw.SQLITE_FUNCTION and names[1] in _FORBIDDEN_FUNCTIONS):
        return apsw.SQLITE_DENY
    return apsw.SQLITE_OK
