"""Power losses under a store at work: states the disk may be in, opened by the real code and judged."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from faults.crash_vfs import OUTCOMES, CrashVfs, Disk, Op
from faults.oracle import BrokenError, Truth, compare, observe
from faults.workload import Driver, Step, Workload
from service_kit import START_MS
from sysmon.aggregator.database_file import DATABASE
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

STEPS = 60
CHECKPOINT_PAGES = 12  # instead of 1,000: many checkpoints in a short record
_EMPTY: Mapping[str, bytes] = {DATABASE: b""}


@dataclass
class Done:
    """A step, and when it began and was acknowledged: counts of ops."""

    step: Step
    begun: int
    acked: int


@dataclass
class Record:
    """What was on the disk, what was done to it, and for which steps."""

    files: Mapping[str, bytes]
    numbers: Mapping[str, int]
    truth: Truth  # before the first step
    ops: list[Op] = field(default_factory=list)
    steps: list[Done] = field(default_factory=list)

    def allowed(self, count: int) -> tuple[Truth, Step | None]:
        """What must be there after `count` ops, and the step under way: all of it or nothing may be."""
        truth = self.truth
        for done in self.steps:
            if done.acked > count:
                return truth, done.step if done.begun < count else None
            truth = done.step.truth
        return truth, None


class State(NamedTuple):
    """What a power loss left, and what must be in it."""

    where: str
    files: Mapping[str, bytes]
    truth: Truth
    under_way: Step | None  # all of it may be there too


class Lab:
    """One folder and one VFS in which records are made and crash states are opened."""

    def __init__(self, folder: Path, synchronous: str | None = None) -> None:
        """`synchronous` is for the store that is recorded, in place of its own."""
        self._folder = folder
        self._synchronous = synchronous
        folder.mkdir()
        self.vfs = CrashVfs()

    def close(self) -> None:
        self.vfs.unregister()

    def lay(self, files: Mapping[str, bytes]) -> None:
        """Puts the folder into the state of a disk."""
        for path in self._folder.iterdir():
            path.unlink()
        for name, data in files.items():
            (self._folder / name).write_bytes(data)
        self.vfs.start(files)

    def open(self) -> EmbeddedStorage:
        limits = LimitSettings(queries=1)
        return EmbeddedStorage(self._folder, limits, now_ms=lambda: START_MS, vfs=self.vfs.vfs_name)

    def record(self, workload: Workload, steps: int, files: Mapping[str, bytes] = _EMPTY) -> Record:
        """A store over `files` that works for so many steps and is closed."""
        self.lay(files)
        record = Record(files, self.vfs.first_numbers(), workload.truth)
        with closing(self.open()) as storage:
            storage._writer.run(lambda db: db.wal_autocheckpoint(CHECKPOINT_PAGES))
            if self._synchronous is not None:
                storage._writer.run(lambda db: db.pragma("synchronous", self._synchronous))
            driver = Driver(storage)
            for _ in range(steps):
                begun = len(self.vfs.ops)
                step = workload.step()
                step.do(driver)
                record.steps.append(Done(step, begun, len(self.vfs.ops)))
        record.ops = self.vfs.ops
        return record

    def judge(self, state: State, again: bool) -> Record:
        """Opens a crash state with the real code and compares it with what must be there.

        Args:
            again: also sends what was not acknowledged once more, as its agent does.

        Returns:
            The record of the recovery, for crashes within it.

        Raises:
            BrokenError: something is lost, twice, torn or damaged.
        """
        _, files, truth, under_way = state
        self.lay(files)
        record = Record(files, self.vfs.first_numbers(), truth)
        with closing(self.open()) as storage:
            check = storage._db.pragma("integrity_check")
            if check != "ok":
                raise BrokenError("corrupt", check)
            if storage.warnings:
                raise BrokenError("corrupt", f"a false alarm: {storage.warnings}")
            found = observe(storage)
            if under_way is not None and found == under_way.truth.plain():
                record.truth = under_way.truth
            else:
                compare(found, truth.plain())
                if under_way is not None and again:
                    begun = len(self.vfs.ops)
                    under_way.do(Driver(storage))
                    record.steps.append(Done(under_way, begun, len(self.vfs.ops)))
                    compare(observe(storage), under_way.truth.plain())
        record.ops = self.vfs.ops
        return record


@dataclass
class Tally:
    """What was tried."""

    states: int = 0
    in_recovery: int = 0
    ops: int = 0
    checkpoints: int = 0


def power_losses(seed: int, states: int, folder: Path, synchronous: str | None = None) -> Tally:
    """Judges `states` crash states of one record; every fifth is a second crash, within the recovery of one.

    Raises:
        BrokenError: with a note that says which state it was.
    """
    chance = Random(seed)
    lab = Lab(folder, synchronous)
    tally = Tally()
    try:
        record = lab.record(Workload(chance), STEPS)
        tally.ops = len(record.ops)
        database = record.numbers[DATABASE]
        tally.checkpoints = sum(op.kind == "sync" and op.file == database for op in record.ops)
        for state in _states(record, states - states // 5, chance):
            tried = state.where
            try:
                recovery = lab.judge(state, again=chance.random() < 0.3)
                tally.states += 1
                if tally.states % 4 == 0:  # the power fails again, while what it left is being recovered
                    (second,) = _states(recovery, 1, chance)
                    tried += f", then {second.where} of the recovery"
                    lab.judge(second, again=False)
                    tally.in_recovery += 1
            except BaseException as error:
                error.add_note(f"seed {seed}: power loss {tried}")
                raise
    finally:
        lab.close()
    tally.states += tally.in_recovery
    return tally


def _states(record: Record, count: int, chance: Random) -> Iterator[State]:
    """Ways the disk may be found, at `count` random moments of a record."""
    return states_at(record, chance.choices(range(len(record.ops) + 1), k=count), chance)


def states_at(record: Record, moments: Sequence[int], chance: Random) -> Iterator[State]:
    """A way the disk may be found for each of these counts of ops."""
    disk = Disk(record.files, record.numbers)
    done = 0
    for moment in sorted(moments):
        while done < moment:
            disk.apply(record.ops[done])
            done += 1
        outcome = chance.choice(OUTCOMES)
        files = {DATABASE: b"", **disk.crash(outcome, chance)}
        if outcome != "killed" and chance.random() < 0.3:
            files[DATABASE + "-shm"] = chance.randbytes(32_768)  # never synced: it may hold anything
        truth, under_way = record.allowed(moment)
        yield State(f"after {moment} of {len(record.ops)} ops, {outcome}", files, truth, under_way)
