"""The one shape of every error answer: `{"error": {"code", "message"}}`."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from sysmon.aggregator.storage import DamagedError
from sysmon.errors import PushError, RangeTooLargeError, StorageError, SysmonError

if TYPE_CHECKING:
    from collections.abc import Iterable

_GUESSED: Final = 2_000  # names among which a mistyped one is looked for: 10 ms


class Refusal(SysmonError):  # noqa: N818 - what it is, and not always an error of anybody
    """A request that is not served.

    Attributes:
        status: the HTTP status.
        code: a stable lower_case word for programs.
        retry_after_s: when it makes sense to come back; None where it does not.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s


def error_body(code: str, message: str) -> bytes:
    """The JSON of an error answer; made here and nowhere else."""
    return msgspec.json.encode({"error": {"code": code, "message": message}})


def refusal_of(error: SysmonError) -> Refusal:
    """How an error of the layers below is told to a client."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PushError):
        return Refusal(error.status, error.code, str(error))
    if isinstance(error, RangeTooLargeError):
        return Refusal(400, "range_too_large", str(error))
    if isinstance(error, DamagedError):
        return Refusal(500, "storage_damaged", str(error))
    if isinstance(error, StorageError):
        return Refusal(503, "storage_unavailable", str(error), retry_after_s=5)
    return Refusal(500, "internal", str(error))


def bad_argument(message: str) -> Refusal:
    return Refusal(400, "bad_argument", message)


def unknown_host(hostname: str, known: Iterable[str]) -> Refusal:
    """known: the names there are, for whoever mistyped one."""
    hostname = hostname[:253]
    near = difflib.get_close_matches(hostname, islice(known, _GUESSED), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "GET /api/hosts lists them"
    return Refusal(404, "unknown_host", f"no host named {hostname!r}; {hint}")
