"""`sysmon doctor`: what is checked, in this order. A check says what it found and what to do about it.

Each is a function of a `Subject`; one that cannot be made here is skipped with its reason, and none stops the
others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon.doctor.aggregator import check_clock, check_reach, check_round_trip, check_token, check_versions
from sysmon.doctor.delivery import check_ledger
from sysmon.doctor.host import check_collectors, check_footprint, check_mounts, check_queue, check_service
from sysmon.doctor.result import Check, Finding, failed, skipped
from sysmon.doctor.settings import check_configuration, check_exposure
from sysmon.doctor.store import check_database
from sysmon.errors import ConfigError, SysmonError, UnsafeFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sysmon.doctor.subject import Subject

CHECKS: Final[tuple[tuple[str, Callable[[Subject], Finding]], ...]] = (
    ("configuration", check_configuration),
    ("versions", check_versions),
    ("reach", check_reach),
    ("token", check_token),
    ("clock", check_clock),
    ("round-trip", check_round_trip),
    ("queue", check_queue),
    ("ledger", check_ledger),
    ("collectors", check_collectors),
    ("mounts", check_mounts),
    ("footprint", check_footprint),
    ("service", check_service),
    ("database", check_database),
    ("exposure", check_exposure),
)


def examine(subject: Subject) -> Iterator[Check]:
    """Makes the checks one after the other."""
    for name, check in CHECKS:
        try:
            finding = check(subject)
        except (ConfigError, UnsafeFileError):
            finding = skipped("the configuration cannot be used: see its check")
        except (SysmonError, OSError) as error:
            finding = failed(str(error), "see the checks above it, and the log of what failed")
        yield Check(name, *finding)
