"""The few ways a call into sysmon fails; every one of them is a `SysmonError`."""

from __future__ import annotations


class SysmonError(Exception):
    """Something the caller can act on: the message says what came, what was expected and what to do."""


class ConfigError(SysmonError):
    """A configuration, file or value is not usable."""


class UnsafeFileError(SysmonError):
    """A file that holds a secret may be read or changed by others."""


class PushError(SysmonError):
    """A push was refused whole.

    Attributes:
        status: the HTTP status that says so (400, 413, 415, 422).
        code: a stable lower_case word for programs.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class StorageError(SysmonError):
    """The store could not do it: disk full, damaged file, closed."""


class RangeTooLargeError(SysmonError):
    """A query asks for more than its limits allow; the message names the smallest step that would do."""


class ApiError(SysmonError):
    """The aggregator answered with an error, or with nothing.

    Attributes:
        status: the HTTP status, or None where no answer came.
        code: the error's code from the answer, `unreachable` or `timeout`.
    """

    def __init__(self, status: int | None, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
