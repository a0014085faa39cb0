"""What the peers' agents speak: a receiver of Prometheus remote-write, which is protobuf in snappy."""

from __future__ import annotations

import struct
from math import isfinite
from typing import TYPE_CHECKING

from loopback_server import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator


def unsnappy(data: bytes) -> bytes:
    """The block format of https://github.com/google/snappy/blob/main/format_description.txt."""
    _, at = _varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                size = length - 59
                length = int.from_bytes(data[at : at + size], "little")
                at += size
            out += data[at : at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | data[at]
            at += 1
        else:
            size = 2 if tag & 3 == 2 else 4
            length, offset = 1 + (tag >> 2), int.from_bytes(data[at : at + size], "little")
            at += size
        for _ in range(length):
            out.append(out[-offset])
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
        elif key & 7 == 1:
            yield key >> 3, data[at : at + 8]
            at += 8
        elif key & 7 == 5:
            yield key >> 3, data[at : at + 4]
            at += 4
        else:
            length, at = _varint(data, at)
            yield key >> 3, data[at : at + length]
            at += length


def samples_of(write_request: bytes) -> Iterator[tuple[str, float, int]]:
    """(name of the metric, value, time in ms) of each sample of a WriteRequest."""
    for number, series in _fields(write_request):
        if number != 1 or not isinstance(series, bytes):
            continue
        name, samples = "", []
        for field, content in _fields(series):
            assert isinstance(content, bytes)
            parts = dict(_fields(content))
            if field == 1 and parts.get(1) == b"__name__":
                name = bytes(parts[2]).decode()  # type: ignore[arg-type]
            elif field == 2:
                samples.append((struct.unpack("<d", parts.get(1, bytes(8)))[0], int(parts.get(2, 0))))  # type: ignore[arg-type]
        yield from ((name, value, time_ms) for value, time_ms in samples)


class Receiver(LoopbackServer):
    """Keeps the values of one metric; `away`: answers 503. A GET shows it, with a higher number each time."""

    def __init__(self, metric: str) -> None:
        self.received: list[int] = []
        self.scraped: list[int] = []
        self.away = False
        outer = self

        class Handler(LoopbackHandler):
            def do_POST(self) -> None:
                body = self.body()
                if not outer.away:
                    outer.received += [
                        int(value)
                        for name, value, _ in samples_of(unsnappy(body))
                        if name == metric and isfinite(value)
                    ]
                self.answer(503 if outer.away else 204, b"")

            def do_GET(self) -> None:
                outer.scraped.append(len(outer.scraped) + 1)
                text = f"# TYPE {metric} gauge\n{metric} {outer.scraped[-1]}\n"
                self.answer(200, text.encode(), {"Content-Type": "text/plain; version=0.0.4"})

        super().__init__(Handler)
