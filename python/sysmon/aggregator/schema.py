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


MIGRATIONS: Final[tuple[Callable[[apsw.Connection], None], ...]] = (_version_1,)


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
