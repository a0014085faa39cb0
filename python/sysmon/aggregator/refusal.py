"""The one shape of every error answer: `{"error": {"code", "message"}}`."""

from __future__ import annotations

import msgspec

from sysmon.aggregator.storage import DamagedError
from sysmon.errors import PushError, RangeTooLargeError, StorageError, SysmonError


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


def unknown_host(hostname: str) -> Refusal:
    return Refusal(404, "unknown_host", f"no host named {hostname[:253]!r}; GET /api/hosts lists them")
