"""Checks of this host: what waits, what is not read, what hangs, what the agent costs, and its service."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sysmon import MetricsCollector
from sysmon.doctor.result import Finding, failed, good, odd, skipped
from sysmon.format import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sysmon.doctor.subject import Subject

_SILENT_S: Final = 60.0
_OLD_S: Final = 300.0
_MIN_FREE: Final = 512 << 20
_MIN_FREE_SHARE: Final = 0.05
_BETWEEN_READINGS_S: Final = 0.2
_SLOW_S: Final = 0.5
_STATVFS_S: Final = 2.0
_LARGE_AGENT: Final = 64 << 20
_BUSY_PERCENT: Final = 5.0
# File systems that ask somebody else, and may wait for ever.
_REMOTE: Final = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph", "glusterfs", "afs", "lustre", "beegfs")


def check_queue(subject: Subject) -> Finding:
    """The agent is heard of, nothing waits for long, and there is room to wait in."""
    if subject.configuration.get("mode") != "distributed":
        return skipped("this host pushes to no aggregator")
    folder = subject.configuration.spool_folder
    usage = shutil.disk_usage(_nearest(folder))
    if usage.free < max(_MIN_FREE, _MIN_FREE_SHARE * usage.total):
        return failed(f"{size(usage.free)} free for {folder}", "make room there, or set spool.dir elsewhere")
    if subject.latest is None:
        return skipped("what the agent says of itself may not be read: set SYSMON_READ_TOKEN")
    values = {one["type"]: one["value"] for one in subject.latest}
    if not values:
        return failed(
            f"the aggregator has never heard of {subject.hostname}'s agent",
            "start it: sysmon-agent, or its service",
        )
    silent = time.time() - max(one["timestamp"] for one in subject.latest)
    if silent > _SILENT_S:
        return failed(
            f"the agent was last heard {duration(silent)} ago",
            "is sysmon-agent running? Its log says why it cannot push",
        )
    oldest = values.get("agent.queue_oldest_seconds", 0.0)
    waiting = size(values.get("agent.queue_bytes", 0.0))
    if oldest > _OLD_S:
        return odd(
            f"{waiting} wait, the oldest for {duration(oldest)}",
            "it catches up by itself; if not, the agent's log says what the aggregator answers",
        )
    dropped = sum(one["value"] for one in subject.latest if one["type"] == "agent.samples_dropped")
    if dropped:
        return odd(
            f"{dropped:.0f} samples were given up since the agent started; {waiting} wait",
            "spool.max_bytes and spool.max_age bound what is kept; `sysmon hosts show` lists the gaps",
        )
    return good(f"{waiting} wait, the oldest for {duration(oldest)}; {size(usage.free)} free")


def _nearest(path: Path) -> Path:
    """The path, or the first folder above it that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def check_collectors(subject: Subject) -> Finding:
    """Every source that is there can be read, and fast."""
    settings = subject.configuration
    enable, disable = (
        [name for name in settings.get(f"collectors.{key}").split(",") if name]
        for key in ("enable", "disable")
    )
    collector = MetricsCollector(1.0, str(subject.root), enable=enable, disable=disable)
    collector.sample()
    time.sleep(_BETWEEN_READINGS_S)  # rates need two
    collector.sample()
    status = collector.status()
    refused = [one for one in status if not one.up and "ermission" in one.last_error]
    if refused:
        return odd(
            "; ".join(f"{one.name}: {one.last_error}" for one in refused),
            f"run the agent as a user who may, or: sysmon config set collectors.disable {refused[0].name}",
        )
    slow = [one for one in status if one.last_seconds > _SLOW_S]
    if slow:
        return odd(
            "; ".join(f"{one.name} took {duration(one.last_seconds)}" for one in slow),
            f"leave it out: sysmon config set collectors.disable {slow[0].name}",
        )
    up = [one for one in status if one.up]
    if not any(one.name == "cpu" for one in up):
        return failed("not even the CPU can be read", f"is {subject.root / 'proc'} mounted?")
    absent = ", ".join(one.name for one in status if not one.up)
    slowest = max(up, key=lambda one: one.last_seconds)
    text = f"{len(up)} of {len(status)}, the slowest {slowest.name} in {duration(slowest.last_seconds)}"
    return good(f"{text}; not on this machine: {absent}" if absent else text)


def check_mounts(subject: Subject) -> Finding:
    """No mounted file system hangs."""
    text = (subject.root / "proc" / "self" / "mounts").read_text(encoding="utf-8", errors="surrogateescape")
    remote = [
        fields[1].replace("\\040", " ")
        for fields in (line.split(" ") for line in text.splitlines())
        if len(fields) > 2 and fields[2].startswith(_REMOTE)
    ]
    hung = [mount for mount in remote if not _answers(mount)]
    if hung:
        return failed(
            f"{', '.join(hung)} did not answer within {_STATVFS_S:g} s",
            f"umount -l {hung[0]}, or bring its server back; the agent goes on without it",
        )
    return good(f"{len(remote)} remote file systems, all of them answer" if remote else "none is remote")


def _answers(mount: str) -> bool:
    """Whether it says how full it is, in time. The thread that waits for one that hangs is left behind."""
    done = threading.Event()

    def ask() -> None:
        with contextlib.suppress(OSError):  # an error is an answer
            os.statvfs(mount)
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    return done.wait(_STATVFS_S)


def check_footprint(subject: Subject) -> Finding:
    """What the agent and the aggregator cost on this machine."""
    found = list(processes(subject.root / "proc"))
    if not found:
        return skipped("neither sysmon-agent nor sysmon-aggregator runs here")
    text = "; ".join(f"{name} {size(rss)}, {cpu:.1f} % of a core" for name, rss, cpu in found)
    for name, rss, cpu in found:
        if name == "sysmon-agent" and (rss > _LARGE_AGENT or cpu > _BUSY_PERCENT):
            return odd(text, "a longer collect_interval, or fewer collectors: sysmon now --help names them")
    return good(text)


def processes(proc: Path) -> Iterator[tuple[str, int, float]]:
    """(name, resident bytes, percent of a core since its start) of ours."""
    hertz, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for folder in proc.glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes().split(b"\0")
            program = next(
                (
                    Path(os.fsdecode(word)).name
                    for word in name[:2]
                    if word.endswith((b"sysmon-agent", b"sysmon-aggregator"))
                ),
                None,
            )
            if program is None:
                continue
            # After the last ")" of the command come the fields from the third on.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            used = (int(fields[11]) + int(fields[12])) / hertz
            uptime = float((proc / "uptime").read_text().split()[0])
            age = max(uptime - int(fields[19]) / hertz, 1.0)
            yield program, int(fields[21]) * page, 100 * used / age
        except (OSError, ValueError, IndexError):
            continue  # it ended meanwhile


def check_service(subject: Subject) -> Finding:
    """What runs now runs after a reboot too."""
    if not (subject.root / "run" / "systemd" / "system").exists():
        return skipped("systemd does not run here")
    unit = "sysmon-agent" if subject.configuration.get("mode") == "distributed" else "sysmon-aggregator"
    enabled, active = (_systemctl(verb, unit) for verb in ("is-enabled", "is-active"))
    if enabled not in {"enabled", "static"}:
        install = "sysmon agent service install" + ("" if unit == "sysmon-agent" else " aggregator")
        return odd(f"{unit}.service is {enabled or 'not installed'}", install)
    if active != "active":
        return failed(f"{unit}.service is {active}", f"systemctl start {unit}; journalctl -u {unit} says why")
    return good(f"{unit}.service is enabled and active")


def _systemctl(verb: str, unit: str) -> str:
    """One word, "" where it does not say any."""
    try:
        command = ["systemctl", verb, f"{unit}.service"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
