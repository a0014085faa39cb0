"""What a push says of itself in its headers, checked before a byte of the body is looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sysmon.aggregator.refusal import Refusal
from sysmon.aggregator.storage import Drop

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_SEQ: Final = (1 << 63) - 1
_MAX_DROPS: Final = 64
_SEQ: Final = re.compile(rb"([0-9]{1,19})(?:-([0-9]{1,19}))?")
_DROP: Final = re.compile(
    rb"([0-9]{1,19})(?:-([0-9]{1,19}))?;samples=([0-9]{1,12});reason=(spool_full|too_old|corrupt|quarantined)"
)
_NOW: Final = re.compile(rb"([0-9]{1,16});([\x21-\x3a\x3c-\x7e]{1,64});([0-9]{1,16})")


@dataclass(slots=True)
class SenderClock:
    """The sender's clocks at the moment of sending."""

    wall_ms: int
    boot_id: str
    boottime_ms: int


@dataclass(slots=True)
class PushHead:
    """The headers of a push: how long it is, how it is packed, and its place in its stream."""

    length: int
    gzip: bool
    stream: bytes | None = None
    stream_text: str | None = None
    first: int = 0  # 0: no seq given
    last: int = 0
    drops: tuple[Drop, ...] = ()
    clock: SenderClock | None = None

    @property
    def is_bundle(self) -> bool:
        return self.last > self.first


def read_head(headers: Mapping[bytes, bytes], body_bytes: int) -> PushHead:
    """The head of a push.

    Args:
        headers: by lower-case name.
        body_bytes: the largest body that is taken.

    Raises:
        Refusal: 411 without a length, 413 too long, 415 for a type or encoding that is not ours, 400 for a
        header
            that is not as docs/formats/wire.md says.
    """
    length_text = headers.get(b"content-length")
    if length_text is None or b"transfer-encoding" in headers:
        raise Refusal(411, "length_required", "a push needs Content-Length; chunked bodies are not taken")
    length = int(length_text) if length_text.isdigit() else -1
    if length < 0:
        raise Refusal(400, "bad_header", "Content-Length is not a number")
    if length > body_bytes:
        raise Refusal(413, "body_too_large", f"{length} bytes; a push has at most {body_bytes}")
    kind = headers.get(b"content-type", b"application/json").split(b";", 1)[0].strip().lower()
    if kind != b"application/json":
        raise Refusal(415, "unsupported_type", "send Content-Type: application/json")
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"gzip", b"identity"):
        raise Refusal(415, "unsupported_encoding", "Content-Encoding is gzip or absent")
    head = PushHead(length, encoding == b"gzip")
    stream = headers.get(b"x-sysmon-stream")
    if stream is not None:
        _read_delivery(head, stream, headers)
    clock = headers.get(b"x-sysmon-now")
    if clock is not None:
        match = _NOW.fullmatch(clock)
        if match is None:
            raise _bad("X-SysMon-Now", "<wall_ms>;<boot_id>;<boottime_ms>")
        head.clock = SenderClock(int(match[1]), match[2].decode(), int(match[3]))
    return head


def _read_delivery(head: PushHead, stream: bytes, headers: Mapping[bytes, bytes]) -> None:
    try:
        head.stream_text = stream.decode("ascii")
        head.stream = bytes.fromhex(head.stream_text.replace("-", ""))
    except ValueError:
        head.stream = b""
    if len(head.stream or b"") != 16:
        raise _bad("X-SysMon-Stream", "128 bits in hex")
    seq = headers.get(b"x-sysmon-seq")
    if seq is not None:
        match = _SEQ.fullmatch(seq)
        if match is None:
            raise _bad("X-SysMon-Seq", "n or n-m")
        head.first, head.last = _range(match, "X-SysMon-Seq")
    drops = headers.get(b"x-sysmon-dropped")
    if drops is not None:
        parts = [part.strip() for part in drops.split(b",")]
        if len(parts) > _MAX_DROPS:
            raise _bad("X-SysMon-Dropped", f"at most {_MAX_DROPS} ranges")
        head.drops = tuple(_read_drop(part) for part in parts)


def _read_drop(text: bytes) -> Drop:
    match = _DROP.fullmatch(text)
    if match is None:
        raise _bad("X-SysMon-Dropped", "from-to;samples=n;reason=spool_full|too_old|corrupt|quarantined")
    first, last = _range(match, "X-SysMon-Dropped")
    return Drop(first, last, int(match[3]), match[4].decode())


def _range(match: re.Match[bytes], header: str) -> tuple[int, int]:
    first = int(match[1])
    last = int(match[2]) if match[2] is not None else first
    if not 1 <= first <= last <= _MAX_SEQ:
        raise _bad(header, "1 ≤ n ≤ m < 2^63")
    return first, last


def _bad(header: str, expected: str) -> Refusal:
    return Refusal(400, "bad_header", f"{header} is not as expected: {expected}")
