"""A SQLite VFS that remembers every write, and what a disk may hold when the power fails after any of them.

The files themselves are ordinary ones, so locks and the shared memory of WAL are the system's own. Only syncs
are kept from the disk: they are what the record is about.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import apsw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

SECTOR: Final = 512  # what a disk writes whole or not at all
_vfs_names = itertools.count(1)


class Op(NamedTuple):
    """One thing that was done to a file; a name may be given to several files, one after the other."""

    kind: Literal["create", "write", "truncate", "sync", "delete"]
    file: int
    name: str = ""
    offset: int = 0  # of a write; the new length of a truncate
    data: bytes = b""


class CrashVfs(apsw.VFS):
    """Records; `vfs_name` is what connections are opened with. Lives until `unregister`."""

    def __init__(self) -> None:
        self.vfs_name = f"crash{next(_vfs_names)}"
        self.ops: list[Op] = []
        self._files: dict[str, int] = {}  # the files of now, by name
        self._numbers = itertools.count(1)
        super().__init__(self.vfs_name, "")

    def start(self, files: Mapping[str, bytes]) -> None:
        """Forgets everything; these files are on the disk."""
        self.ops = []
        self._files = {name: next(self._numbers) for name in files}

    def first_numbers(self) -> dict[str, int]:
        """The numbers of the files that were there at `start`. REQUIRES: called before any is opened."""
        return dict(self._files)

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:
            return apsw.VFSFile("", path, flags)  # a temporary file: nobody looks for it after a crash
        known = self._files.get(Path(path).name)
        if known is None:
            known = self._files[Path(path).name] = next(self._numbers)
            self.ops.append(Op("create", known, Path(path).name))
        return _File(self.ops, known, path, flags)

    def xDelete(self, path: str, sync_folder: bool) -> None:
        super().xDelete(path, False)
        name = Path(path).name
        self.ops.append(Op("delete", self._files.pop(name), name))


class _File(apsw.VFSFile):
    def __init__(self, ops: list[Op], number: int, path: str, flags: list[int]) -> None:
        self._ops = ops
        self._number = number
        super().__init__("", path, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._ops.append(Op("write", self._number, offset=offset, data=bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._ops.append(Op("truncate", self._number, offset=size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._ops.append(Op("sync", self._number))


@dataclass(slots=True)
class _Content:
    """A file as it is on the disk for certain, and what was done to it since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[Op] = field(default_factory=list)


Outcome = Literal["killed", "nothing", "prefix", "scattered"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("killed", "nothing", "prefix", "scattered", "scattered")


class Disk:
    """The disk after the first ops of a record: `apply` goes on, `crash` is one way it may end there."""

    def __init__(self, files: Mapping[str, bytes], numbers: Mapping[str, int]) -> None:
        self._contents = {numbers[name]: _Content(bytearray(data)) for name, data in files.items()}
        self._names = dict(numbers)  # the folder as it is for certain
        self._renames: list[Op] = []  # files made and deleted since

    def apply(self, op: Op) -> None:
        if op.kind in ("create", "delete"):
            self._renames.append(op)
            self._contents.setdefault(op.file, _Content())
            return
        content = self._contents[op.file]
        if op.kind != "sync":
            content.pending.append(op)
            return
        for earlier in content.pending:
            _do(content.synced, earlier)
        content.pending.clear()
        # The first sync of a file SQLite makes goes to its folder too (UNIXFILE_DIRSYNC of its unix VFS).
        if any(op.file == rename.file and rename.kind == "create" for rename in self._renames):
            _rename(self._names, self._renames)
            self._renames.clear()

    def crash(self, outcome: Outcome, chance: Random) -> dict[str, bytes]:
        """The files found afterwards. "killed" is the end of the process alone: the system keeps everything.

        Of what was not synced the others keep nothing; a prefix, its last write torn; or any part, so that
        later writes survive earlier ones. Torn is torn between sectors.
        """
        names = dict(self._names)
        share = chance.random()
        if outcome == "killed":
            _rename(names, self._renames)
        elif outcome != "nothing":
            _rename(names, self._renames[: chance.randint(0, len(self._renames))])
        found = {}
        for name, number in names.items():
            content = self._contents[number]
            image = bytearray(content.synced)
            if outcome == "killed":
                kept: Sequence[Op] = content.pending
            elif outcome == "prefix":
                whole = chance.randint(0, len(content.pending))
                kept = [*content.pending[:whole], *_torn(content.pending[whole : whole + 1], chance)]
            elif outcome == "scattered":
                kept = _scattered(content.pending, share, chance)
            else:
                kept = ()
            for op in kept:
                _do(image, op)
            found[name] = bytes(image)
        return found


def _rename(names: dict[str, int], ops: Sequence[Op]) -> None:
    for op in ops:
        if op.kind == "create":
            names[op.name] = op.file
        else:
            names.pop(op.name, None)


def _do(image: bytearray, op: Op) -> None:
    if op.kind == "truncate":
        del image[op.offset :]
        return
    if len(image) < op.offset:
        image.extend(bytes(op.offset - len(image)))  # a hole reads as zeros
    image[op.offset : op.offset + len(op.data)] = op.data


def _scattered(pending: Sequence[Op], share: float, chance: Random) -> list[Op]:
    kept = []
    for op in pending:
        if chance.random() < share:
            kept.append(op)
        elif op.kind == "write" and chance.random() < 0.5:
            kept += _torn([op], chance)
    return kept


def _torn(ops: Sequence[Op], chance: Random) -> list[Op]:
    """The pieces of writes, cut where sectors of the file end, about half of them."""
    pieces = []
    for op in ops:
        at = 0
        while op.kind == "write" and at < len(op.data):
            size = min(SECTOR - (op.offset + at) % SECTOR, len(op.data) - at)
            if chance.random() < 0.5:
                pieces.append(op._replace(offset=op.offset + at, data=op.data[at : at + size]))
            at += size
    return pieces
