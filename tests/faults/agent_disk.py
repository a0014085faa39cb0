"""The agent's disk fails: syncs and writes end with an error (F07), space and inodes run out (F09)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from faults.agent_kills import AWAY, traced
from faults.agents import Lab, wait_until
from faults.delivery import Tally
from faults.fault_proxy import NOTHING
from faults.oracle import BrokenError
from faults.spool_file import read_spool

if TYPE_CHECKING:
    from faults.agents import AgentProcess

FAILS: Final = "the spool cannot be written"
HEALS: Final = "the spool's disk takes batches again"

# What fails, with which error, when; and how the spool syncs.
ERRORS: Final = (
    ("fdatasync:error=EIO:when=1", "deferred"),
    ("fdatasync:error=EIO:when=3", "deferred"),
    ("fdatasync:error=EIO", "deferred"),
    ("fdatasync:error=EIO:when=2..9", "always"),
    ("fdatasync:error=EIO:when=5+7", "always"),
    ("pwrite64:error=EIO:when=10", "deferred"),
    ("pwrite64:error=ENOSPC:when=7+5", "deferred"),
    ("openat:error=EMFILE:when=5+3", "deferred"),
    ("fsync:error=EIO", "always"),
)


@dataclass
class Errors(Tally):
    errors: int = 0  # kinds of failure tried
    injected: int = 0  # calls that failed


def fail_calls(seed: int, tries: int, home: Path) -> Errors:
    """Lets calls on the spool fail while the aggregator is away, and heals the link.

    A sync that failed is never asked again of the same open file: the kernel forgets what it could not write.

    Raises:
        BrokenError
    """
    tally = Errors()
    for number in range(seed - 1, seed - 1 + tries):
        error, sync = ERRORS[number % len(ERRORS)]
        with Lab(home / f"error{number}", seed) as lab:
            folder = lab.home / "agent0" / "state"
            agent = lab.agent(settings=[f"spool: {{dir: {folder}, sync: {sync}}}"])
            log = lab.home / "calls"
            agent.wrapper = traced(agent.spool, f"inject={error}", log)
            lab.proxy.rule = lambda _: AWAY
            agent.start()
            # Deferred, nothing is synced within the first second.
            lab.requested(50)
            lab.proxy.rule = lambda _: NOTHING
            lab.acked(5)
            lab.drained()
            tally.add(lab.judge())
            calls = log.read_text()
        tally.errors += 1
        tally.injected += calls.count("(INJECTED)")
        _check_syncs(error, calls)
    return tally


def _check_syncs(error: str, calls: str) -> None:
    """No file is synced again once that has failed, until it is opened anew."""
    if "(INJECTED)" not in calls:
        raise AssertionError(f"{error}: nothing was injected")
    failed: set[str] = set()
    for line in calls.splitlines():
        sync = re.search(r"fdatasync\((\d+)<(.*?)>\)", line)
        opened = re.search(r"openat\(.*\) = (\d+)<(.*?)>", line)
        if opened:
            failed.discard(f"{opened[1]} {opened[2]}")
        if sync:
            file = f"{sync[1]} {sync[2]}"
            if file in failed:
                raise BrokenError("undeclared_lost", f"{error}: {file} is synced again after a failure")
            if "(INJECTED)" in line:
                failed.add(file)


# ---- F09 ---------------------------------------------------------------------------------------------------


def can_mount() -> bool:
    """Whether we may have a mount namespace of our own."""
    command = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /tmp"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass
class Full(Tally):
    disks: int = 0
    heal_max_ms: int = 0  # from space to "takes batches again"


# (options of the tmpfs, what else fills it): no bytes; no inodes; no bytes until somebody's file goes.
DISKS: Final = (("size=256k", 0), ("nr_inodes=4,size=8m", 0), ("size=4m", 4_000_000))


def fill_disk(seed: int, tries: int, home: Path) -> Full:
    """The spool lies on a disk that is full before the aggregator comes back.

    Raises:
        BrokenError
    """
    tally = Full()
    for number in range(seed - 1, seed - 1 + tries):
        options, filler = DISKS[number % len(DISKS)]
        # Some 9 KB a batch: the disk and the mebibyte of memory behind it are soon full.
        with Lab(home / f"disk{number}", seed, series=1800) as lab:
            agent = lab.agent()
            agent.spool.mkdir(mode=0o700)
            script = f'mount -t tmpfs -o mode=700,{options} none "$0"'
            script += (
                f' && head -c {filler} /dev/zero >"$0/filler" && exec "$@"' if filler else ' && exec "$@"'
            )
            agent.wrapper = ["unshare", "-Urm", "sh", "-c", script, agent.spool]
            lab.proxy.rule = lambda _: AWAY
            heal_ms, settled = _fill(lab, agent, bool(filler))
        tally.add(settled)
        tally.heal_max_ms = max(tally.heal_max_ms, heal_ms)
        if not filler and not settled.declared_dropped:
            raise AssertionError(f"{options}: nothing was dropped, so it was not full")
        tally.disks += 1
    return tally


def _fill(lab: Lab, agent: AgentProcess, has_filler: bool) -> tuple[int, Tally]:
    """The agent runs into the full disk and out again: milliseconds from space to its use; the judgement."""
    agent.start()
    wait_until(lambda: agent.said(FAILS), "the disk is full")
    inside = Path(f"/proc/{agent.pid}/root{agent.spool}")
    heal_ms = 0
    if has_filler:
        lab.requested(20)
        (inside / "filler").unlink()
        heal_ms = round(wait_until(lambda: agent.said(HEALS), "it takes batches again") * 1000)
    else:
        lab.requested(150)  # a mebibyte of memory, and more
    lab.ledger.spooled(inside)
    lab.proxy.rule = lambda _: NOTHING
    lab.acked(5)
    lab.drained()
    return heal_ms, _settle(lab, agent, inside)


def _settle(lab: Lab, agent: AgentProcess, inside: Path) -> Tally:
    """Ends the agent; its disk stays as long as we have it open."""
    # What is in memory only would end with it: fewer ticks, until nothing waits.
    agent.interval = "1s"
    agent.write_config()
    agent.signal(signal.SIGHUP)
    wait_until(lab.is_drained, "nothing waits")
    wait_until(lambda: not read_spool(inside).drops, "what was dropped is declared")
    disk = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert agent.stop() == 0
        return lab.ledger.judge(lab.aggregator, [Path(f"/proc/self/fd/{disk}")])
    finally:
        os.close(disk)
