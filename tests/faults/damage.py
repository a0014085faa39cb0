"""Damage to a database that nobody has open: is it found, kept apart and told, or at least harmless?"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

from faults.oracle import BrokenError, Truth, observe, samples_of
from faults.workload import Driver, Workload
from service_kit import START_MS
from sysmon.aggregator.database_file import DATABASE, set_aside_before
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.settings import LimitSettings
from sysmon.aggregator.storage import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


STEPS = 60
SLICE_MS = 20_000
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


def open_storage(folder: Path) -> EmbeddedStorage:
    return EmbeddedStorage(folder, LimitSettings(queries=1), now_ms=lambda: START_MS)


@dataclass(frozen=True)
class Original:
    """A sound database, as found after a clean end (no WAL) or a kill (the newest commits in the WAL)."""

    files: Mapping[str, bytes]
    history: Sequence[Truth]  # after each step

    @property
    def truth(self) -> Truth:
        return self.history[-1]


def make_original(seed: int, folder: Path, killed: bool) -> Original:
    workload = Workload(Random(seed))
    history = []
    with closing(open_storage(folder)) as storage:
        storage._writer.run(lambda db: db.wal_autocheckpoint(40))
        driver = Driver(storage)
        for _ in range(STEPS):
            workload.step().do(driver)
            history.append(workload.truth)
        if killed:
            files = {name: (folder / name).read_bytes() for name in (DATABASE, WAL)}
    if not killed:
        files = {DATABASE: (folder / DATABASE).read_bytes()}
    return Original(files, history)


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
    with closing(open_storage(folder)) as storage:
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
    if right and found == original.truth.plain():
        return "harmless"
    return "older" if any(found == truth.plain() for truth in original.history) else "unnoticed"


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
    if observe(storage) != step.truth.plain():
        raise BrokenError("acked_lost", "in the fresh database")
    return "set_aside"


def _judge_samples(storage: EmbeddedStorage, truth: Truth) -> tuple[bool, bool]:
    """(every range that is answered is answered right, some range is refused as damaged)."""
    right, told = True, False
    for host, _ in list(storage.load()):
        expected = truth.hosts.get(host.hostname)
        if expected is None:
            return False, told
        times = [time_ms for values in expected.samples.values() for time_ms in values]
        for start_ms in range(min(times), max(times) + 1, SLICE_MS):
            try:
                found = samples_of(storage, host, start_ms, start_ms + SLICE_MS)
            except DamagedError:
                told = True
                continue
            right &= found == _slice(expected.samples, start_ms)
    return right, told


def _slice(samples: Mapping[object, Mapping[int, bytes]], start_ms: int) -> dict[object, dict[int, bytes]]:
    cut = {
        series: {t: value for t, value in values.items() if start_ms <= t < start_ms + SLICE_MS}
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
