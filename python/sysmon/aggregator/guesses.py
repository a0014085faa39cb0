"""How often an address showed no good token of late: who guesses is slowed down."""

from __future__ import annotations

import ipaddress
import threading
from typing import Final

_WINDOW_S: Final = 60
_MAX_FAILURES: Final = 100  # a fleet behind one address, all with yesterday's token, tries once a minute each
_MAX_ADDRESSES: Final = 10_000
_NET6: Final = 64  # whoever has one IPv6 address has as many


class Guesses:
    """Failures by address and minute. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._failures: dict[str, int] = {}

    def note(self, address: str, now_s: float) -> bool:
        """A failure; True from the one on that is too many."""
        key = _net_of(address)
        with self._lock:
            self._turn(now_s)
            if key not in self._failures and len(self._failures) >= _MAX_ADDRESSES:
                return False  # more than can be remembered for this minute
            count = self._failures[key] = self._failures.get(key, 0) + 1
        return count > _MAX_FAILURES

    def is_over(self, address: str, now_s: float) -> bool:
        """The address failed too often within this minute."""
        with self._lock:
            self._turn(now_s)
            return bool(self._failures) and self._failures.get(_net_of(address), 0) > _MAX_FAILURES

    def _turn(self, now_s: float) -> None:
        minute = int(now_s // _WINDOW_S)
        if minute != self._minute:
            self._minute, self._failures = minute, {}


def _net_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4 or parsed.is_loopback:
        return address
    return str(ipaddress.ip_network((parsed, _NET6), strict=False))
