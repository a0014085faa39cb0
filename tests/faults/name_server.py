"""A name server of a page (RFC 1035): one name, and every way of not answering."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

Mood = Literal["well", "unknown", "failing", "silent", "junk"]
_A: Final = 1
_AAAA: Final = 28
_IN: Final = 1
_ANSWER: Final = 0x8180  # a response, recursion desired and available
_CODES: Final = {"well": 0, "failing": 2, "unknown": 3}
_SAME_NAME: Final = 0xC00C  # as in the question, which begins at byte 12


class NameServer:
    """Answers on a socket, in a thread, while the context is open. All of it may be changed meanwhile."""

    def __init__(self, sock: socket.socket) -> None:
        self.mood: Mood = "well"
        self.addresses = ["127.0.0.1"]  # of whatever is asked for
        self.asked = 0
        self._socket = sock
        self._socket.settimeout(0.05)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):  # nothing came; or who asked is gone
                question, asker = self._socket.recvfrom(512)
                self.asked += 1
                if self.mood != "silent":
                    self._socket.sendto(self._answer(question), asker)

    def _answer(self, question: bytes) -> bytes:
        if self.mood == "junk":
            return question[:2] + b"\xff" * 40
        end = question.index(0, 12) + 5  # of the name, then type and class
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        found = [packed for packed in map(_packed, self.addresses) if _kind(packed) == kind]
        if self.mood != "well":
            found = []
        head = struct.pack("!2sHHHHH", question[:2], _ANSWER | _CODES[self.mood], 1, len(found), 0, 0)
        records = (
            struct.pack("!HHHIH", _SAME_NAME, kind, _IN, 0, len(packed)) + packed  # good for no second
            for packed in found
        )
        return head + question[12:end] + b"".join(records)


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def _kind(packed: bytes) -> int:
    return _A if len(packed) == 4 else _AAAA
