"""What a check found."""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["ok", "warn", "fail", "skip"]


class Finding(NamedTuple):
    """One check's outcome; `fix` is what to do, empty where there is nothing to do."""

    status: Status
    detail: str
    fix: str = ""


class Check(NamedTuple):
    """The same with the name of the check, a stable word for programs."""

    id: str
    status: Status
    detail: str
    fix: str


def good(detail: str) -> Finding:
    return Finding("ok", detail)


def odd(detail: str, fix: str) -> Finding:
    return Finding("warn", detail, fix)


def failed(detail: str, fix: str) -> Finding:
    return Finding("fail", detail, fix)


def skipped(detail: str) -> Finding:
    return Finding("skip", detail)
