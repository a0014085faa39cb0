"""The real aggregator, in another time: its clock is ahead by so many milliseconds."""

from __future__ import annotations

import os
import time

from sysmon.aggregator.main import main
from sysmon.aggregator.service import Aggregator

AHEAD_MS = "SYSMON_TEST_AHEAD_MS"


def clock_ms(ahead_ms: int) -> int:
    return time.time_ns() // 1_000_000 + ahead_ms


if __name__ == "__main__":
    ahead_ms = int(os.environ[AHEAD_MS])
    Aggregator.__init__.__kwdefaults__["now_ms"] = lambda: clock_ms(ahead_ms)
    main()
