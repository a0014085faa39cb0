"""How many bundles are worked on at once: a live batch never waits behind a thousand of them.

After an outage every agent has hours of backlog and one connection. A bundle costs as much as some tens of
live batches; were all of them taken as they come, each agent's next live batch would wait behind its own
bundle, and that behind everybody's. So a few are taken, and the others are told when their turn comes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sysmon.aggregator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_GUESS_S: Final = 0.02
_WEIGHT: Final = 0.1  # of the newest in the mean
_MOST_S: Final = 30


class BundleGate:
    """Counts the bundles under way. One thread: the event loop's.

    Args:
        most: so many are worked on at once.
        now_s: a monotonic clock.
    """

    def __init__(self, most: int, now_s: Callable[[], float]) -> None:
        self._most = most
        self._now_s = now_s
        self._inside = 0
        self._each_s = _FIRST_GUESS_S  # one comes out in so many seconds, while there are enough
        self._promised_s = 0.0  # until when the turns are given away

    @property
    def is_full(self) -> bool:
        return self._inside >= self._most

    def enter(self) -> float:
        """REQUIRES: not full. Returns what `leave` wants to know."""
        self._inside += 1
        return self._now_s()

    def leave(self, entered_s: float) -> None:
        each_s = (self._now_s() - entered_s) / self._inside
        self._each_s += _WEIGHT * (each_s - self._each_s)
        self._inside -= 1

    def refusal(self) -> Refusal:
        """503, with another turn for each who asks."""
        now_s = self._now_s()
        self._promised_s = max(self._promised_s, now_s) + self._each_s
        wait_s = min(max(1, math.ceil(self._promised_s - now_s)), _MOST_S)
        self._promised_s = min(self._promised_s, now_s + _MOST_S)
        message = f"{self._inside} bundles are worked on already; live batches are taken meanwhile"
        return Refusal(503, "too_many_bundles", message, retry_after_s=wait_s)
