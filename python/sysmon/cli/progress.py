"""What takes longer than a second says so: on stderr, where that is a terminal, and nothing of it stays."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from sysmon.format import duration, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET_S: Final = 1.0  # what is faster needs no word
_EVERY_S: Final = 1.0


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Says `what` and for how long while the block runs, from its second second on."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_tell, args=(printable(what), over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _tell(what: str, over: threading.Event) -> None:
    began = time.monotonic()
    told = ""
    wait_s = QUIET_S
    while not over.wait(wait_s):
        wait_s = _EVERY_S
        room = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        told = f"{what}, {duration(round(time.monotonic() - began))} ..."[:room]
        sys.stderr.write(f"\r{told}")
        sys.stderr.flush()
    if told:
        sys.stderr.write("\r" + " " * len(told) + "\r")
        sys.stderr.flush()
