"""A real terminal for a real program: a pty, and a screen that obeys what is written to it, as xterm does."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

WAIT_S = 60.0


class Terminal:
    """Runs one program while the context is open.

    Attributes:
        written: everything the program wrote, escapes included.
        screen: what stands on it now.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], *, columns: int = 100, rows: int = 40
    ) -> None:
        self._command = command
        self._env = env
        self._columns, self._rows = columns, rows
        self.written = b""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)

    def __enter__(self) -> Self:
        self._ours, self._theirs = pty.openpty()
        self.resize(self._columns, self._rows)
        self._before = termios.tcgetattr(self._theirs)
        self.process = subprocess.Popen(
            self._command,
            env=self._env,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, without the blanks at the ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def is_as_it_was(self) -> bool:
        """The terminal's modes are those from before the program."""
        return bool(termios.tcgetattr(self._theirs)[3] == self._before[3])

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def until(self, holds: Callable[[], bool]) -> None:
        """Reads until it holds."""
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline, (self.process.poll(), self.text, self.written[-500:])
            self._read(0.1)

    def until_text(self, *parts: str) -> None:
        self.until(lambda: all(part in self.text for part in parts))

    def press(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def end(self) -> int:
        """Waits until the program has ended; its exit code."""
        self.until(lambda: self.process.poll() is not None)
        while self._read(0.05):
            pass
        return int(self.process.wait())

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        piece = os.read(self._ours, 65_536)
        self.written += piece
        self._stream.feed(piece)
        return True
