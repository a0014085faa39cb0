"""Exit codes, a contract with scripts (tests/test_cli_exits.py), and the few lines that say why."""

from __future__ import annotations

from enum import IntEnum

from sysmon.errors import ApiError, ConfigError, SysmonError, UnsafeFileError


class Code(IntEnum):
    """What a finished command tells the shell. Do not renumber."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    CONFIG = 3
    NOT_ALLOWED = 4
    UNREACHABLE = 5
    NOT_FOUND = 6
    PARTIAL = 7
    WARNINGS = 10
    CRITICAL = 11
    SPOOL_IN_USE = 75
    UNSAFE_FILE = 78
    INTERRUPTED = 130


class CliError(SysmonError):
    """An end that has its own code; `fix` is what to do about it."""

    def __init__(self, code: Code, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.fix = fix


def explain(error: SysmonError) -> tuple[Code, str, str]:
    """(exit code, what happened, what to do) of an error that reached the top."""
    if isinstance(error, CliError):
        return error.code, str(error), error.fix
    if isinstance(error, UnsafeFileError):
        return Code.UNSAFE_FILE, str(error), ""
    if isinstance(error, ConfigError):
        return Code.CONFIG, str(error), ""
    if isinstance(error, ApiError):
        return _explain_api(error)
    return Code.UNEXPECTED, str(error), ""


def _explain_api(error: ApiError) -> tuple[Code, str, str]:
    text = str(error)
    if error.code == "bad_url":
        return Code.CONFIG, text, "sysmon config set aggregator_url http://central-server:9000"
    if error.status is None:
        return (
            Code.UNREACHABLE,
            text,
            "start sysmon-aggregator (or `sysmon up`) there, or name another: --aggregator.",
        )
    if error.status in {401, 403}:
        return (
            Code.NOT_ALLOWED,
            text,
            "put one of its tokens that may do this in SYSMON_READ_TOKEN or SYSMON_ADMIN_TOKEN.",
        )
    if error.status == 404:
        return Code.NOT_FOUND, text, ""
    if error.status in {400, 409, 413, 421, 422}:
        return Code.USAGE, text, ""
    if error.status in {429, 503, 504}:
        return Code.UNREACHABLE, f"{text} (HTTP {error.status})", "try again in a moment."
    return Code.UNEXPECTED, f"{text} (HTTP {error.status}, {error.code})", ""
