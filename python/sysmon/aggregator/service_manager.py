"""Tells systemd how the aggregator is, in the datagrams of sd_notify(3); nothing without NOTIFY_SOCKET."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

_SEND_S: Final = 1.0  # a manager that does not read holds us up no longer than this


class ServiceManager:
    """The manager that started this process, if one did. What cannot be sent is lost; nothing needs it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """
        Args:
            environment: NOTIFY_SOCKET, a path or a name that starts with `@`; WATCHDOG_USEC, for this process
                (WATCHDOG_PID): how long the manager waits for a sign of life before it starts us anew.
        """
        self._address = environment.get("NOTIFY_SOCKET", "")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience = environment.get("WATCHDOG_USEC", "") if is_ours and self._address else ""
        self._patience_s = int(patience) / 1e6 if patience.isdigit() else 0.0

    def ready(self) -> None:
        self._tell("READY=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        # The manager tells by the time whether a READY=1 answers this one.
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        yield
        self.ready()

    async def watch(self, is_well: Callable[[], bool]) -> None:
        """Gives a sign of life twice in the manager's patience, while the loop turns and `is_well`."""
        was_well = True
        while self._patience_s:
            if is_well():
                self._tell("WATCHDOG=1")
            elif was_well:
                was_well = False
                log.error("the writer's thread has ended; the service manager will start the aggregator anew")
            await asyncio.sleep(self._patience_s / 2)

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        # Linux's abstract names are no files: they start with a NUL.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.settimeout(_SEND_S)
            sock.sendto(state.encode(), address)
