"""Power losses under a store at work: states the disk may be in, opened by the real code and judged."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from faults.cells import check_cells
from faults.crash_vfs import OUTCOMES, CrashVfs, Disk, Op
from faults.oracle import BrokenError, Truth, agrees, compare, observe
from faults.workload import RETENTION, Driver, Step, Workload
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
    now_ms: int
    ops: list[Op] = field(default_factory=list)
    steps: list[Done] = field(default_factory=list)

    def state(self, where: str, count: int, files: Mapping[str, bytes]) -> State:
        """What must be in the files that are found after `count` ops."""
        truth, now_ms = self.truth, self.now_ms
        for done in self.steps:
            if done.acked > count:
                if done.begun < count:
                    # What the step takes away by age may be gone too.
                    raw_from_ms = done.step.truth.raw_from_ms
                    truth = replace(truth, goes=done.step.goes, raw_from_ms=raw_from_ms)
                    return State(where, files, truth, done.step.now_ms, done.step)
                break
            truth, now_ms = done.step.truth, done.step.now_ms
        return State(where, files, truth, now_ms, None)


class State(NamedTuple):
    """What a power loss left, and what must be in it."""

    where: str
    files: Mapping[str, bytes]
    truth: Truth
    now_ms: int
    under_way: Step | None  # all of it may be there too


class Lab:
    """One folder and one VFS in which records are made and crash states are opened."""

    def __init__(self, folder: Path, synchronous: str | None = None) -> None:
        """`synchronous` is for the store that is recorded, in place of its own."""
        self._folder = folder
        self._synchronous = synchronous
        folder.mkdir()
        self.vfs = CrashVfs()
        self.now_ms = START_MS

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
        return EmbeddedStorage(
            self._folder,
            LimitSettings(queries=1),
            RETENTION,
            now_ms=lambda: self.now_ms,
            vfs=self.vfs.vfs_name,
        )

    def _take(self, step: Step, driver: Driver) -> Done:
        begun = len(self.vfs.ops)
        self.now_ms = step.now_ms
        step.do(driver)
        return Done(step, begun, len(self.vfs.ops))

    def record(self, workload: Workload, steps: int, files: Mapping[str, bytes] = _EMPTY) -> Record:
        """A store over `files` that works for so many steps and is closed."""
        self.lay(files)
        self.now_ms = workload.now_ms
        record = Record(files, self.vfs.first_numbers(), workload.truth, workload.now_ms)
        with closing(self.open()) as storage:
            storage._writer.run(lambda db: db.wal_autocheckpoint(CHECKPOINT_PAGES))
            if self._synchronous is not None:
                storage._writer.run(lambda db: db.pragma("synchronous", self._synchronous))
            driver = Driver(storage, lambda: self.now_ms)
            record.steps += [self._take(workload.step(), driver) for _ in range(steps)]
        record.ops = self.vfs.ops
        return record

    def judge(self, state: State, again: bool) -> Record:
        """Opens a crash state with the real code and compares it with what must be there.

        Args:
            again: also does once more what was not acknowledged, as an agent does, and then what is due in
                the background; the cells of days that are rolled up must say what their samples say.

        Returns:
            The record of the recovery, for crashes within it.

        Raises:
            BrokenError: something is lost, twice, torn or damaged.
        """
        _, files, truth, now_ms, under_way = state
        self.lay(files)
        self.now_ms = now_ms
        record = Record(files, self.vfs.first_numbers(), truth, now_ms)
        with closing(self.open()) as storage:
            check = storage._db.pragma("integrity_check")
            if check != "ok":
                raise BrokenError("corrupt", check)
            if storage.warnings:
                raise BrokenError("corrupt", f"a false alarm: {storage.warnings}")
            found = observe(storage)
            driver = Driver(storage, lambda: self.now_ms)
            if under_way is not None and agrees(found, under_way.truth):
                record.truth = under_way.truth
            else:
                compare(found, truth)
                if under_way is not None and again:
                    record.steps.append(self._take(under_way, driver))
                    compare(observe(storage), under_way.truth)
            if again:
                last = record.steps[-1].step.truth if record.steps else record.truth
                record.steps.append(self._take(Step(Driver.maintain, last, now_ms), driver))
                compare(observe(storage), last)
                check_cells(storage, last, now_ms)
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
                recovery = lab.judge(state, again=chance.random() < 0.2)
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
        yield record.state(f"after {moment} of {len(record.ops)} ops, {outcome}", moment, files)
