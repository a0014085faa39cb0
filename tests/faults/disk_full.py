"""F10: the disk below the database is full; on a file system of 16 MiB in a mount namespace of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from faults.hostile import WAIT_S, GoodHost, with_limits, within
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOISE: Final = 400  # metrics a push


@dataclass
class Tally:
    fills: int = 0
    refused: int = 0
    acked: int = 0
    heal_max_ms: int = 0


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "16m") -> Iterator[tuple[list[str], Path]]:
    """(what runs a command where `folder` is that disk, the same folder as everybody else sees it)."""
    folder.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size={size},mode=700 tmpfs {folder} && echo mounted && exec sleep infinity"
    holder = subprocess.Popen(["unshare", "-Urm", "sh", "-c", mount], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != "mounted\n":
            raise OSError("no file system of our own can be mounted here")
        enter = ["nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials"]
        yield enter, Path(f"/proc/{holder.pid}/root{folder}")
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout is not None:
            holder.stdout.close()


def fill_disk(seed: int, tries: int, folder: Path) -> Tally:
    """Fills it that often under a real aggregator; after each, pushes are taken again. Raises BrokenError."""
    tally = Tally()
    running = with_limits(folder, min_free_bytes=0, journal_bytes=4_000_000)
    with small_disk(running.data) as (enter, disk):
        running.wrapper = enter
        running.start()
        try:
            with GoodHost(running) as host:
                host.pushes(20)
                for number in range(tries):
                    _fill_once(host, disk / "filler", tally, every=seed + number)
                host.check()
            running.kill()
            running.start()
            host.check()
        finally:
            running.kill()
        check_file(disk, folder)
    tally.acked = len(host.values)
    return tally


def take_all(filler: Path, size: int = 4096) -> None:
    """Writes until the disk is full, so many bytes at once."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * size)


def _fill_once(host: GoodHost, filler: Path, tally: Tally, *, every: int) -> None:
    take_all(filler, 4096 * (1 + every % 16))
    # What is left of a page, and of the WAL, may hold a few more.
    within(WAIT_S, lambda: host.push(_NOISE)[0] == 503, "pushes are refused")
    status, answer = host.push()
    if status == 503:
        if not int(answer.headers["Retry-After"]) > 0:
            raise BrokenError("error", "503 without Retry-After")
        tally.refused += 1
    host.check()  # reads go on
    filler.unlink()
    healed_s = within(5, lambda: host.push(_NOISE)[0] == 200, "pushes are taken again")
    tally.heal_max_ms = max(tally.heal_max_ms, round(healed_s * 1000))
    tally.fills += 1


def check_file(disk: Path, folder: Path) -> None:
    """The database on it is sound. Raises BrokenError."""
    copy = folder / "copy"
    shutil.copytree(disk, copy)
    db = apsw.Connection(str(copy / "sysmon.db"))
    found = db.execute("PRAGMA integrity_check").fetchall()
    db.close()
    if found != [("ok",)]:
        raise BrokenError("corrupt", str(found[:3]))
