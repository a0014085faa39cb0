"""The real aggregator, but it is killed between a COMMIT and the replies to it: at the n-th commit."""

from __future__ import annotations

import itertools
import os
import signal
from typing import TYPE_CHECKING

from sysmon.aggregator import writer
from sysmon.aggregator.main import main

if TYPE_CHECKING:
    from sysmon.aggregator.storage import Ticket

DIE_AT = "SYSMON_TEST_DIE_AT_COMMIT"
_commits = itertools.count(1)
_wake = writer._wake


def _dies(tickets: list[Ticket]) -> None:
    if next(_commits) == int(os.environ[DIE_AT]):
        os.kill(os.getpid(), signal.SIGKILL)
    _wake(tickets)


if __name__ == "__main__":
    writer._wake = _dies
    main()
