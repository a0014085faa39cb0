"""The data that all stores of a comparison are given, made by the harness that lies beside this checkout.

The harness (`gen.cpp`, `loadgen.cpp`) is compiled into build/bench, where its data are kept too.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from bench.process import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HARNESS = ROOT.parent / "shared" / "peers"
CACHE = ROOT / "build" / "bench"
TICK_S = 10
_LIBRARIES = {"gen": ["-lsnappy", "-lz"], "loadgen": ["-pthread"]}
_KEPT_S = 12 * 3600  # the same values under times that are still recent; later they are made again


class HarnessMissingError(Exception):
    """The peers' harness is not beside this checkout, so there is nothing to compare on."""


@dataclass(frozen=True)
class Dataset:
    """Hosts × ticks of generated samples in several encodings: one body a host and tick, tick by tick.

    Host h's sample of series s at tick t is raw[(t × hosts + h) × series + s]; tick t is at start_s + 10 t.
    """

    folder: Path
    hosts: int
    ticks: int
    series: int
    start_s: int
    names: tuple[
        tuple[str, str, str, str], ...
    ]  # of a host's series: family, name, tag's key ("" for none), its value

    @property
    def end_s(self) -> int:
        """The first second after the last tick's."""
        return self.start_s + self.ticks * TICK_S

    @property
    def samples(self) -> int:
        return self.hosts * self.ticks * self.series

    def bodies(self, encoding: str) -> Path:
        """Records of a length (uint32) and a request's body."""
        return self.folder / f"{encoding}.bodies"

    def bundles(self, members: int) -> Path:
        """The same with so many gzipped bodies of "sysmon" joined in each record, in their order."""
        path = self.bodies(f"sysmon-{members}")
        if not path.exists():
            with self.bodies("sysmon").open("rb") as bodies, path.open("wb") as out:
                while bundle := [body for body in (_next_record(bodies) for _ in range(members)) if body]:
                    joined = b"".join(bundle)
                    out.write(struct.pack("<I", len(joined)) + joined)
        return path

    @property
    def raw(self) -> Path:
        """float64, little-endian."""
        return self.folder / "raw.f64"


def _next_record(bodies: BinaryIO) -> bytes:
    head = bodies.read(4)
    return bodies.read(*struct.unpack("<I", head)) if head else b""


def hostname(number: int) -> str:
    """The generator's name of a host."""
    return f"web-{number:04d}.example.net"


def tool(name: str) -> Path:
    """The harness's `gen` or `loadgen`, compiled if its source is newer. Raises HarnessMissingError."""
    source, program = HARNESS / f"{name}.cpp", CACHE / name
    if not source.exists():
        raise HarnessMissingError(f"{source} is not there")
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["c++", "-O2", "-std=c++17", source, "-o", program, *_LIBRARIES[name]], check=True)
    return program


def dataset(hosts: int, ticks: int, end_s: int, encodings: tuple[str, ...]) -> Dataset:
    """The data that end before `end_s`, or up to twelve hours earlier where such are kept from a former run.

    Args:
        encodings: of "sysmon", "prom" (snappy, for remote-write) and "raw".
    """
    generator = tool("gen")
    folder = CACHE / f"{hosts}x{ticks}"
    if folder.exists():
        kept = _load(folder)
        if end_s - kept.end_s < _KEPT_S:
            return kept
        shutil.rmtree(folder)
    half = folder.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    arguments = [str(hosts), str(ticks), str(end_s - TICK_S), *encodings]
    subprocess.run([generator, half, *arguments], check=True, stderr=subprocess.DEVNULL)
    half.rename(folder)
    return _load(folder)


def last_whole_hour() -> int:
    """Where generated data end: stores pack by the hour, and at rest nearly all hours are whole."""
    now = int(time.time())
    return now - now % 3600


def _load(folder: Path) -> Dataset:
    meta = json.loads((folder / "meta.json").read_text())
    names = tuple(tuple(name) for name in meta["names"])
    return Dataset(folder, meta["hosts"], meta["ticks"], meta["series"], meta["t0"], names)
