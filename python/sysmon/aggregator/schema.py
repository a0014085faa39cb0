"""The tables of the embedded store, as numbered steps: `PRAGMA user_version` says how many were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apsw

from sysmon.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable


def _version_1(db: apsw.Connection) -> None:
    """The first schema.

    Facts have a table of their own: `hosts` is written at every push, and a row of it must stay small.
    """
    db.execute("""
        CREATE TABLE hosts (
            host_id         INTEGER PRIMARY KEY,
            hostname        TEXT NOT NULL UNIQUE,
            agent_id        TEXT,
            boot_id         TEXT,
            version         TEXT,
            tags            TEXT NOT NULL DEFAULT '{}',   -- JSON, as the agent sends them
            own_tags        TEXT NOT NULL DEFAULT '{}',   -- JSON, set by hand; they win
            interval_ms     INTEGER,
            first_seen_ms   INTEGER,
            last_seen_ms    INTEGER,
            clock_offset_ms INTEGER,
            corrected       INTEGER NOT NULL DEFAULT 0,
            status          TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived'))
        ) STRICT;
        CREATE UNIQUE INDEX hosts_agent ON hosts (agent_id) WHERE agent_id IS NOT NULL;
        CREATE TABLE host_facts (
            host_id INTEGER PRIMARY KEY,
            time_ms INTEGER NOT NULL,
            facts   TEXT NOT NULL                         -- JSON
        ) STRICT;
        CREATE TABLE key_sets (
            key_set_id INTEGER PRIMARY KEY,
            keys       BLOB NOT NULL                      -- docs/formats/journal.md
        ) STRICT;
        CREATE TABLE streams (
            stream     BLOB PRIMARY KEY,
            host_id    INTEGER NOT NULL,
            seqs       BLOB NOT NULL,                     -- docs/formats/journal.md
            seen_ms    INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE journal (
            id      INTEGER PRIMARY KEY,
            host_id INTEGER NOT NULL,
            time_ms INTEGER NOT NULL,
            payload BLOB NOT NULL                         -- docs/formats/journal.md
        ) STRICT;
        CREATE TABLE snapshots (
            host_id INTEGER NOT NULL,
            time_ms INTEGER NOT NULL,
            payload TEXT NOT NULL,                        -- JSON, the wire's `processes`
            PRIMARY KEY (host_id, time_ms)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE events (
            id       INTEGER PRIMARY KEY,
            host_id  INTEGER NOT NULL,
            start_ms INTEGER NOT NULL,
            end_ms   INTEGER,
            kind     TEXT NOT NULL,
            detail   TEXT NOT NULL DEFAULT '{}'           -- JSON
        ) STRICT;
        CREATE INDEX events_host ON events (host_id, start_ms);
    """)


def _version_2(db: apsw.Connection) -> None:
    """Chunks beside the journal.

    A host's journal rows up to `compacted.journal_id` are in chunks: they left the journal in that very
    transaction, even where they still lie there (rows are deleted in runs, when those of all hosts before
    them have left).
    """
    db.execute("""
        CREATE TABLE chunks (
            key     INTEGER PRIMARY KEY,                  -- tier, hour, host, part: docs/formats/chunk.md
            payload BLOB NOT NULL
        ) STRICT;
        CREATE TABLE compacted (
            host_id    INTEGER PRIMARY KEY,
            journal_id INTEGER NOT NULL,                  -- rows up to here are in chunks
            rows       INTEGER NOT NULL,                  -- how many were, ever
            first_hour INTEGER NOT NULL,                  -- hours since 1970 that may have raw chunks: from
            last_hour  INTEGER NOT NULL,                  -- … to, included
            rolled_day INTEGER NOT NULL                   -- days since 1970 before this one have their cells
        ) STRICT;
        CREATE TABLE dirty_days (                         -- rolled up before all of their samples had come
            host_id INTEGER NOT NULL,
            day     INTEGER NOT NULL,
            PRIMARY KEY (host_id, day)
        ) STRICT, WITHOUT ROWID;
    """)


MIGRATIONS: Final[tuple[Callable[[apsw.Connection], None], ...]] = (_version_1, _version_2)

# Chunk parts are some kilobytes: in pages of 4 KiB a fifth of the file would be left empty.
_PAGE_BYTES: Final = 2048
_AUTO_VACUUM_INCREMENTAL: Final = 2


def prepare(db: apsw.Connection) -> None:
    """What a file must be told before its first table: small pages, and that deleted ones are given back."""
    if not db.execute("SELECT 1 FROM sqlite_schema").fetchall():
        db.pragma("page_size", _PAGE_BYTES)
        db.pragma("auto_vacuum", _AUTO_VACUUM_INCREMENTAL)


def migrate(db: apsw.Connection) -> None:
    """Brings the file to the newest version, each step in its own transaction; a killed step is taken again.

    Raises:
        StorageError: the file was written by a newer sysmon.
    """
    version = int(db.pragma("user_version"))
    if version > len(MIGRATIONS):
        raise StorageError(
            f"the database has version {version}, this sysmon knows {len(MIGRATIONS)}: upgrade sysmon"
        )
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            step(db)
            db.pragma("user_version", number)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
    if db.pragma("auto_vacuum") != _AUTO_VACUUM_INCREMENTAL:  # a file of version 1
        db.pragma("auto_vacuum", _AUTO_VACUUM_INCREMENTAL)
        db.execute("VACUUM")


def is_as_migrated(db: apsw.Connection) -> bool:
    """Whether tables and columns are those the migrations make; a damaged name passes SQLite's own checks."""
    fresh = apsw.Connection(":memory:")
    migrate(fresh)
    columns = (
        "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid"
    )
    same = db.execute(columns).fetchall() == fresh.execute(columns).fetchall()
    fresh.close()
    return same
