"""A start that brings a database of each past version to today's, cut anywhere, and taken again.

    python -m faults.migrations FILE FOLDER

kills itself at each SQL statement of the start in turn, and says how many there were.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import apsw

from faults.oracle import BrokenError, Truth, compare, observe
from faults.power_loss import Lab, Record, states_at
from service_kit import START_MS
from sysmon.aggregator.database_file import DATABASE
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.schema import MIGRATIONS
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parent.parent / "data"


def past_databases() -> dict[str, bytes]:
    """A file of each version, the empty one of a first start included."""
    files = sorted(DATA.glob("database-v*.db"))
    return {"empty": b"", **{path.stem: path.read_bytes() for path in files}}


@dataclass(frozen=True)
class Known(Truth):
    """What an earlier look at the database found."""

    found: Mapping[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        return dict(self.found or {})


@dataclass
class Tally:
    """What was tried."""

    states: int = 0
    ops: int = 0


def cut_migrations(seed: int, states: int, folder: Path) -> Tally:
    """Loses power `states` times in all during the starts of all past databases, at each write at least once.

    Raises:
        BrokenError: with a note that says where.
    """
    tally = Tally()
    lab = Lab(folder)
    chance = Random(seed)
    databases = past_databases()
    try:
        for name, content in databases.items():
            record = _start(lab, content)
            tally.ops += len(record.ops)
            moments = list(range(len(record.ops) + 1))
            moments += chance.choices(moments, k=max(0, states // len(databases) - len(moments)))
            for state in states_at(record, moments, chance):
                try:
                    lab.judge(state, again=False)
                except BaseException as error:
                    error.add_note(f"seed {seed}: {name}, power loss {state.where}")
                    raise
                tally.states += 1
    finally:
        lab.close()
    return tally


def _start(lab: Lab, content: bytes) -> Record:
    """The record of one start and end, with what is in the database."""
    lab.lay({DATABASE: content})
    numbers = lab.vfs.first_numbers()
    with closing(lab.open()) as storage:
        truth = Known(found=observe(storage))
    return Record({DATABASE: content}, numbers, truth, lab.now_ms, lab.vfs.ops)


def kill_starts(name: str, folder: Path) -> int:
    """`kill_at_each_statement` for one of `past_databases`, in a process of its own.

    Raises:
        BrokenError
    """
    folder.mkdir()
    database = folder / "past.db"
    database.write_bytes(past_databases()[name])
    command = [sys.executable, "-m", "faults.migrations", str(database), str(folder / "killed")]
    path = os.pathsep.join([str(DATA.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    if done.returncode != 0:
        raise BrokenError("corrupt", f"{name}: {done.stderr}")
    return int(done.stdout)


def kill_all_starts(_seed: int, _tries: int, folder: Path) -> Tally:
    """Every past database, killed at every statement of its start. Raises BrokenError."""
    folder.mkdir()
    return Tally(sum(kill_starts(name, folder / name) for name in past_databases()))


def kill_at_each_statement(database: Path, folder: Path) -> int:
    """Starts on copies of a file, and is killed at the first statement, the second, … until one start ends.

    REQUIRES: this process has no other thread and no database open: it forks.

    Raises:
        BrokenError
    """
    statement = 0
    shutil.copyfile(database, _fresh(folder) / DATABASE)
    with closing(_open(folder)) as storage:
        expected = observe(storage)
    killed = True
    while killed:
        statement += 1
        shutil.copyfile(database, _fresh(folder) / DATABASE)
        child = os.fork()
        if child == 0:
            _die_at(statement)
            _open(folder).close()
            os._exit(0)
        killed = os.waitpid(child, 0)[1] == signal.SIGKILL
        with closing(_open(folder)) as storage:
            compare(observe(storage), Known(found=expected))
            version = storage._db.pragma("user_version")
            if version != len(MIGRATIONS) or storage._db.pragma("integrity_check") != "ok":
                raise BrokenError("corrupt", f"killed at statement {statement}: version {version}")
            if storage.warnings:
                raise BrokenError("corrupt", f"killed at statement {statement}: {storage.warnings}")
    return statement - 1


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _open(folder: Path) -> EmbeddedStorage:
    return EmbeddedStorage(folder, LimitSettings(queries=1), now_ms=lambda: START_MS)


def _die_at(statement: int) -> None:
    left = statement

    def count(cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def hook(db: apsw.Connection) -> None:
        db.exec_trace = count

    apsw.connection_hooks.append(hook)


if __name__ == "__main__":
    print(kill_at_each_statement(Path(sys.argv[1]), Path(sys.argv[2])))
