"""The agent's spool, read and written by docs/formats/spool.md alone: with no line of the agent's code."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAGIC: Final = b"\xf5SP\xfa"
_CURSOR_MAGIC: Final = b"\xf5SC\xfa"
_SLOT_SPACING: Final = 4096
_SEGMENT_BYTES: Final = 1 << 20
# length, crc32c, version, kind, 0, stream, seq, ts_first, boot_id, boottime_ms, samples, 0
_HEADER: Final = struct.Struct("<IIBBH16sQQ16sQII")
_HEADER_BYTES: Final = 4 + _HEADER.size
_SLOT: Final = struct.Struct("<4sIQQQ16sQ")
_REASONS: Final = {1: "spool_full", 2: "too_old", 3: "quarantined", 5: "corrupt"}
GZIP_BATCH, PLAIN_BATCH, DROP = 1, 2, 3
_RESEALED: Final = {5: GZIP_BATCH, 6: PLAIN_BATCH}
_NUMBER: Final = struct.Struct("<16sQ")  # stream, seq


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC: Final = _crc_table()


def crc32c(data: bytes) -> int:
    """CRC-32C, RFC 3720."""
    value = 0xFFFFFFFF
    table = _CRC
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


@dataclass(frozen=True)
class Record:
    kind: int
    stream: str  # 32 hexadecimal digits
    seq: int
    ts_first_ms: int
    payload: bytes
    samples: int = 0
    boot_id: bytes = bytes(16)
    boottime_ms: int = 0
    before: tuple[str, int] | None = None  # the stream and seq it had

    def encode(self) -> bytes:
        def header(crc: int) -> bytes:
            stream = bytes.fromhex(self.stream)
            return _HEADER.pack(
                len(self.payload), crc, 1, self.kind, 0, stream, self.seq, self.ts_first_ms,
                self.boot_id, self.boottime_ms, self.samples, 0,
            )  # fmt: skip

        bare = header(0)
        return MAGIC + header(crc32c(bare[:4] + bare[8:] + self.payload)) + self.payload


@dataclass
class SpoolContent:
    """What a spool still holds: behind its cursor, whole, each once."""

    batches: dict[tuple[str, int], Record] = field(default_factory=dict)
    drops: dict[tuple[str, int], str] = field(default_factory=dict)  # reason
    resealed: set[tuple[str, int]] = field(default_factory=set)
    quarantined: dict[tuple[str, int], Record] = field(default_factory=dict)
    damaged: int = 0  # places that are no record


def read_spool(folder: Path) -> SpoolContent:
    """What is in `folder` now; the agent that writes it may be alive, then its last record may be cut."""
    found = SpoolContent()
    segment, offset = _cursor(folder)
    for path in sorted(folder.glob("segment-*")):
        number = int(path.name.removeprefix("segment-"))
        if number < segment:
            continue
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # done with while we looked
        for record in _records(data, offset if number == segment else 0, found):
            _take(found, record)
    quarantine = folder / "quarantine"
    if quarantine.exists():
        for record in _records(quarantine.read_bytes(), 0, SpoolContent()):
            found.quarantined[record.stream, record.seq] = record
    for key in [*found.drops, *found.resealed]:
        found.batches.pop(key, None)
    return found


def write_spool(folder: Path, records: Iterable[Record]) -> int:
    """A spool that an agent left behind with these records; how many bytes they take."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, data, total = 0, bytearray(), 0

    def close() -> None:
        path = folder / f"segment-{number:012}"
        path.write_bytes(data)
        path.chmod(0o600)

    for record in records:
        data += record.encode()
        if len(data) >= _SEGMENT_BYTES:
            number, total = number + 1, total + len(data)
            close()
            data = bytearray()
    if data:
        number, total = number + 1, total + len(data)
        close()
    return total


def _cursor(folder: Path) -> tuple[int, int]:
    try:
        data = (folder / "cursor").read_bytes()
    except FileNotFoundError:
        return 0, 0
    best = (-1, 0, 0)
    for at in (0, _SLOT_SPACING):
        slot = data[at : at + _SLOT.size]
        if len(slot) == _SLOT.size and slot[:4] == _CURSOR_MAGIC:
            _, crc, generation, segment, offset, _, _ = _SLOT.unpack(slot)
            if crc == crc32c(slot[8:]):
                best = max(best, (generation, segment, offset))
    return best[1], best[2]


def _records(data: bytes, at: int, found: SpoolContent) -> Iterator[Record]:
    while 0 <= at < len(data):
        record, end = _record_at(data, at)
        if record is not None:
            yield record
            at = end
            continue
        found.damaged += 1
        at = data.find(MAGIC, at + 1)


def _record_at(data: bytes, at: int) -> tuple[Record | None, int]:
    """The record that begins there, and where it ends."""
    if data[at : at + 4] != MAGIC or len(data) < at + _HEADER_BYTES:
        return None, at
    length, crc, version, kind, _, stream, seq, ts_first, boot, boottime, samples, _ = _HEADER.unpack_from(
        data, at + 4
    )
    end = at + _HEADER_BYTES + length
    if version != 1 or end > len(data) or crc32c(data[at + 4 : at + 8] + data[at + 12 : end]) != crc:
        return None, at
    payload, before = data[at + _HEADER_BYTES : end], None
    if kind in _RESEALED:
        old_stream, old_seq = _NUMBER.unpack_from(payload)
        kind, payload, before = _RESEALED[kind], payload[_NUMBER.size :], (old_stream.hex(), old_seq)
    return Record(kind, stream.hex(), seq, ts_first, payload, samples, boot, boottime, before), end


def _take(found: SpoolContent, record: Record) -> None:
    if record.kind in (GZIP_BATCH, PLAIN_BATCH):
        found.batches.setdefault((record.stream, record.seq), record)
        if record.before is not None:
            found.resealed.add(record.before)
        return
    last, _, reason = struct.unpack_from("<QQB", record.payload)
    for seq in range(record.seq, last + 1):
        found.drops[record.stream, seq] = _REASONS.get(reason, "?")
