"""How many connections there may be at once: so many that the store and Python itself still get a file open.

Out of descriptors, asyncio goes on accepting in vain and logs each failure, questions end as failures of the
aggregator, and a module that could not be loaded then stays missing for ever. So the last ones are kept.
"""

from __future__ import annotations

import logging
import resource
from typing import Final

log = logging.getLogger(__name__)

# Asyncio accepts so many before it hears of the first, and that two or three times.
ACCEPTED_AT_ONCE: Final = 32
_KEPT: Final = 4 * ACCEPTED_AT_ONCE
LEAST: Final = 16
_QUIET_S: Final = 60


class Room:
    """`files`: descriptors that the process may have."""

    def __init__(self, files: int) -> None:
        self.connections = max(files - _KEPT, LEAST)
        self._said_at = float("-inf")

    @classmethod
    def of_process(cls) -> Room:
        return cls(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def takes(self, connections: int, now: float) -> bool:
        """Whether there may be so many; told in the log, once a minute, where not."""
        if connections <= self.connections:
            return True
        if now - self._said_at >= _QUIET_S:
            self._said_at = now
            log.warning(
                "more than %d connections: further ones are closed; a higher LimitNOFILE allows more",
                self.connections,
            )
        return False
