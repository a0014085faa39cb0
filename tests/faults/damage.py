"""Damage to a database that nobody has open: is it found, kept apart and told, or at least harmless?"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Literal

from faults.oracle import BrokenError, Truth, agrees, compare, observe, samples_of
from faults.workload import HOUR_MS, Driver, Workload
from service_kit import START_MS
from sysmon.aggregator.database_file import DATABASE, set_aside_before
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.settings import LimitSettings
from sysmon.aggregator.storage import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from faults.oracle import Series


STEPS = 60
WAL, SHM = DATABASE + "-wal", DATABASE + "-shm"
Verdict = Literal["set_aside", "told", "older", "harmless", "unnoticed"]


def _flip(data: bytes, chance: Random) -> bytes:
    """One bit."""
    damaged = bytearray(data)
    damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _page_size(data: bytes) -> int:
    return int.from_bytes(data[16:18], "big")


def _overwrite(data: bytes, chance: Random) -> bytes:
    """A page is zeros or noise."""
    size = _page_size(data)
    at = chance.randrange(len(data) // size) * size
    return data[:at] + chance.choice((bytes(size), chance.randbytes(size))) + data[at + size :]


def _misplace(data: bytes, chance: Random) -> bytes:
    """A page was written to the place of another one."""
    size = _page_size(data)
    at, other = (page * size for page in chance.sample(range(len(data) // size), 2))
    return data[:at] + data[other : other + size] + data[at + size :]


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _without_wal(files: dict[str, bytes], chance: Random) -> None:
    files.pop(WAL, None)


MUTATIONS: Mapping[str, Callable[[dict[str, bytes], Random], object]] = {
    "bit of the file": lambda f, c: f.update({DATABASE: _flip(f[DATABASE], c)}),
    "page of the file": lambda f, c: f.update({DATABASE: _overwrite(f[DATABASE], c)}),
    "page misplaced": lambda f, c: f.update({DATABASE: _misplace(f[DATABASE], c)}),
    "file cut short": lambda f, c: f.update({DATABASE: _cut(f[DATABASE], c)}),
    "file of noise": lambda f, c: f.update({DATABASE: c.randbytes(8_192)}),
    "no WAL": _without_wal,
    "bit of the WAL": lambda f, c: WAL in f and f.update({WAL: _flip(f[WAL], c)}),
    "WAL cut short": lambda f, c: WAL in f and f.update({WAL: _cut(f[WAL], c)}),
    "noise for shm": lambda f, c: f.update({SHM: c.randbytes(32_768)}),
}


def open_storage(folder: Path, now_ms: Callable[[], int] = lambda: START_MS) -> EmbeddedStorage:
    return EmbeddedStorage(folder, LimitSettings(queries=1), now_ms=now_ms)


@dataclass(frozen=True)
class Original:
    """A sound database, as found after a clean end (no WAL) or a kill (the newest commits in the WAL)."""

    files: Mapping[str, bytes]
    history: Sequence[Truth]  # after each step
    now_ms: int

    @property
    def truth(self) -> Truth:
        return self.history[-1]


def make_original(seed: int, folder: Path, killed: bool) -> Original:
    workload = Workload(Random(seed))
    history = []
    with closing(open_storage(folder, lambda: workload.now_ms)) as storage:
        storage._writer.run(lambda db: db.wal_autocheckpoint(40))
        driver = Driver(storage, lambda: workload.now_ms)
        for _ in range(STEPS):
            workload.step().do(driver)
            history.append(replace(workload.truth, raw_from_ms=0))  # nothing is old enough to go
        if killed:
            files = {name: (folder / name).read_bytes() for name in (DATABASE, WAL)}
    if not killed:
        files = {DATABASE: (folder / DATABASE).read_bytes()}
    return Original(files, history, workload.now_ms)


def judge(original: Original, mutation: str, chance: Random, folder: Path) -> Verdict:
    """What the real code makes of a damaged copy.

    Returns:
        "older": the commits from some time on are gone, whole, as if the file were a backup; the gaps in the
        streams tell it when their agents send on. "unnoticed": it answers wrong, and nothing tells.

    Raises:
        BrokenError: it noticed, and did not do what it must.
    """
    files = dict(original.files)
    MUTATIONS[mutation](files, chance)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with closing(open_storage(folder, lambda: original.now_ms)) as storage:
        aside = set_aside_before(folder / DATABASE)
        if aside:
            return _judge_fresh(storage, aside[0], files)
        right, told = _judge_samples(storage, original.truth)
        if told or storage.warnings:
            return "told"
        try:
            found = observe(storage)
        except DamagedError:
            return "told"
        except BrokenError:
            return "unnoticed"
    if right and agrees(found, original.truth):
        return "harmless"
    return "older" if any(agrees(found, truth) for truth in original.history) else "unnoticed"


def _judge_fresh(storage: EmbeddedStorage, aside: Path, files: Mapping[str, bytes]) -> Verdict:
    """The damaged file is kept as it was found, said to be so, and a fresh one works."""
    if aside.read_bytes() != files[DATABASE]:
        raise BrokenError("corrupt", "the damaged file was changed")
    if not any(aside.name in text for text in storage.warnings):
        raise BrokenError("corrupt", "nobody is told")
    if observe(storage):
        raise BrokenError("corrupt", "a fresh database that is not empty")
    workload = Workload(Random(1))
    step = workload.step()
    step.do(Driver(storage))
    compare(observe(storage), step.truth)
    return "set_aside"


def _judge_samples(storage: EmbeddedStorage, truth: Truth) -> tuple[bool, bool]:
    """(every range that is answered is answered right, some range is refused as damaged)."""
    right, told = True, False
    for host, _ in list(storage.load()):
        expected = truth.hosts.get(host.hostname)
        if expected is None:
            return False, told
        hours = {time_ms // HOUR_MS for values in expected.samples.values() for time_ms in values}
        for hour in hours:
            try:
                found = samples_of(storage, host, hour * HOUR_MS, (hour + 1) * HOUR_MS)
            except DamagedError:
                told = True
                continue
            right &= found == _in_hour(expected.samples, hour)
    return right, told


def _in_hour(samples: Mapping[Series, Mapping[int, bytes]], hour: int) -> dict[Series, dict[int, bytes]]:
    cut = {
        series: {time_ms: value for time_ms, value in values.items() if time_ms // HOUR_MS == hour}
        for series, values in samples.items()
    }
    return {series: values for series, values in cut.items() if values}


@dataclass
class Tally:
    """What was tried, and how it went."""

    mutations: int = 0
    set_aside: int = 0
    told: int = 0
    older: int = 0
    harmless: int = 0
    unnoticed: int = 0


def damage(seed: int, mutations: int, folder: Path) -> dict[str, Tally]:
    """Judges so many mutations, in turn of each kind, of a database closed and of one killed."""
    folder.mkdir()
    originals = [make_original(seed, folder / name, name == "killed") for name in ("closed", "killed")]
    chance = Random(seed)
    tallies = {name: Tally() for name in MUTATIONS}
    for number in range(mutations):
        name = list(MUTATIONS)[number % len(MUTATIONS)]
        state = chance.getrandbits(32)
        try:
            verdict = judge(chance.choice(originals), name, Random(state), folder / "damaged")
        except BaseException as error:
            error.add_note(f"seed {seed}: mutation {number}, {name}")
            raise
        tally = tallies[name]
        tally.mutations += 1
        setattr(tally, verdict, getattr(tally, verdict) + 1)
    return tallies


@dataclass
class Total(Tally):
    """All kinds of mutation together."""

    noticed: int = 0  # or harmless


def damage_all(seed: int, mutations: int, folder: Path) -> Total:
    """`damage`, summed up."""
    total = Total()
    for tally in damage(seed, mutations, folder).values():
        for name, count in asdict(tally).items():
            setattr(total, name, getattr(total, name) + count)
    total.noticed = total.mutations - total.unnoticed
    return total
