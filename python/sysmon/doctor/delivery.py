"""The check of the conservation law: what became of every batch that was sealed (docs/delivery.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sysmon.doctor.result import Finding, failed, good, odd, skipped
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from sysmon.client import Json
    from sysmon.doctor.subject import Subject

_MOST_HOSTS: Final = 1_000


def check_ledger(subject: Subject) -> Finding:
    """Every sealed batch is stored, waits at its agent, or was declared lost."""
    if subject.client is None:
        return skipped("no aggregator keeps books of this host")
    try:
        names = subject.watched_hosts
        books = {name: subject.client.ledger(name) for name in names[:_MOST_HOSTS]}
    except ApiError as error:
        if error.status is None:
            return skipped("the aggregator does not answer: see the check `reach`")
        if error.status in {401, 403}:
            return skipped("the ledger may not be read: set SYSMON_READ_TOKEN")
        if error.status == 404:
            return skipped(f"the aggregator has never heard of {subject.hostname}")
        raise
    for name, ledger in books.items():
        if finding := _imbalance(name, ledger):
            return finding
    return _summary(books, len(names))


def _imbalance(name: str, ledger: Json) -> Finding | None:
    agent = ledger.get("agent")
    if agent is not None and agent["balance"]:
        return failed(
            f"{name}: the agent sealed or found {agent['sealed'] + agent['recovered']} batches, and "
            f"{abs(agent['balance'])} of them are in no account",
            "that is a fault of sysmon: please report it with the host's ledger",
        )
    if ledger.get("unexplained"):
        return odd(
            f"{name}: {ledger['unexplained']} batches are missing, and its agent does not hold them",
            "was its spool deleted, or the aggregator restored from a backup? "
            "The events of the host name their numbers and times",
        )
    return None


def _summary(books: dict[str, Json], hosts: int) -> Finding:
    stored = sum(ledger.get("stored", 0) for ledger in books.values())
    agents = [agent for ledger in books.values() if (agent := ledger.get("agent")) is not None]
    if not stored and not agents:
        return skipped("no host numbers its batches")
    waiting = sum(agent["spooled"] for agent in agents)
    declared = sum(sum(ledger.get("declared", {}).values()) for ledger in books.values())
    damaged = sum(agent["corrupt_records"] for agent in agents)
    text = f"{stored} batches stored, {waiting} wait, {declared} given up and declared; all is accounted for"
    if hosts > 1:
        text += f" ({len(books)} of {hosts} hosts)"
    if damaged:
        return odd(
            f"{text}; an agent's spool was damaged in {damaged} places",
            "is the disk below spool.dir well? smartctl -H says so",
        )
    return good(text)
