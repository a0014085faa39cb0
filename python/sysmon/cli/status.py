"""`sysmon status`: what of sysmon there is on this machine, and how it is, in eight lines."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from sysmon.cli.base import CliCommand, common
from sysmon.cli.exits import CliError, Code
from sysmon.cli.hosts_table import state_text
from sysmon.cli.output import console, cut, to_locale, write_json
from sysmon.errors import ApiError
from sysmon.format import ago, duration, printable, size

if TYPE_CHECKING:
    from sysmon.client import Json
    from sysmon.doctor.subject import Subject


@click.command("status", cls=CliCommand, short_help="This machine's part of it, in eight lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def status(as_json: bool) -> int:
    """Show mode, agent, aggregator, queue and data of this machine; `sysmon doctor` says what to do.

    \b
    sysmon status
    sysmon status --json

    Exit code 5 where the aggregator does not answer, 7 where this host's agent does not run or is not heard.
    """
    from sysmon.doctor.subject import Subject

    options = common()
    subject = Subject(
        environment=os.environ,
        config_file=options.config_file,
        flags={"aggregator_url": options.aggregator} if options.aggregator else {},
        timeout_s=options.timeout_s or 5.0,
    )
    now = time.time()
    found = _look(subject)
    if as_json:
        write_json(found)
    else:
        _print(found, now)
    if found["aggregator"]["error"]:
        return Code.UNREACHABLE
    if found["mode"] == "distributed" and not found["agent"]["running"]:
        return Code.PARTIAL
    return Code.PARTIAL if found["host"]["status"] not in {"online", None} else Code.OK


def _look(subject: Subject) -> dict[str, Any]:
    from sysmon.aggregator.folder_lock import is_held
    from sysmon.doctor.host import processes

    settings = subject.configuration
    agents = [one for one in processes(subject.root / "proc") if one[0] == "sysmon-agent"]
    store = subject.store
    health, error = _health(subject)
    host = _host(subject) if not error else {}
    own = {one["type"]: one for one in (subject.latest or [])} if host else {}
    acked = own.get("agent.last_ack_age_seconds")
    return {
        "mode": settings.get("mode"),
        "config": str(settings.file) if settings.file else None,
        "agent": {
            "running": bool(agents),
            "rss_bytes": agents[0][1] if agents else None,
            "cpu_percent": round(agents[0][2], 2) if agents else None,
        },
        "aggregator": {
            "url": subject.url,
            "version": health.get("version"),
            "hosts": health.get("hosts"),
            "error": error,
        },
        "host": {
            "hostname": subject.hostname,
            "status": host.get("status"),
            "last_seen": host.get("last_seen"),
        },
        "queue": {
            "bytes": own.get("agent.queue_bytes", {}).get("value"),
            "oldest_seconds": own.get("agent.queue_oldest_seconds", {}).get("value"),
        },
        "last_ack": None if acked is None else acked["timestamp"] - acked["value"],
        "data": None
        if store is None
        else {
            "folder": str(store.data_dir),
            "bytes": (store.data_dir / "sysmon.db").stat().st_size,
            "in_use": is_held(store.data_dir),
        },
        "warnings": health.get("warnings") or [],
    }


def _health(subject: Subject) -> tuple[Json, str]:
    """(what the aggregator says of itself, why it does not)."""
    if subject.client is None:
        return {}, ""
    try:
        return subject.client.health(), ""
    except ApiError as error:
        return {}, str(error)


def _host(subject: Subject) -> Json:
    """This host as the aggregator knows it; {} where it does not, or does not tell."""
    if subject.client is None:
        return {}
    try:
        return subject.client.host(subject.hostname)
    except ApiError as error:
        if error.status in {401, 403, 404}:
            return {}
        raise CliError(Code.UNREACHABLE, str(error)) from error


def _print(found: dict[str, Any], now: float) -> None:
    agent, aggregator, host, queue = (found[key] for key in ("agent", "aggregator", "host", "queue"))
    data, warnings = found["data"], found["warnings"]
    running = ""
    if agent["running"]:
        running = f"running, {size(agent['rss_bytes'])}, {agent['cpu_percent']:.1f} % of a core"
    waits = ""
    if queue["bytes"] is not None:
        waits = f"{size(queue['bytes'])}, oldest {duration(queue['oldest_seconds'] or 0)}"
    lines = (
        ("mode", f"{found['mode']} ({found['config'] or 'no settings file'})"),
        ("agent", running or "not running"),
        ("aggregator", _aggregator_text(aggregator)),
        ("this host", _host_text(host, now)),
        ("queue", waits or "unknown: the agent's own metrics are not there"),
        ("last ack", ago(found["last_ack"], now) if found["last_ack"] else "unknown"),
        ("data", _data_text(data)),
        ("warnings", "; ".join(warnings) if warnings else "none"),
    )
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, overflow=cut())
    table.add_column(overflow="fold")
    for title, text in lines:
        table.add_row(title, Text(to_locale(printable(text))))
    console().print(table)


def _aggregator_text(aggregator: Json) -> str:
    if aggregator["url"] is None:
        return "none"
    if aggregator["error"]:
        return str(aggregator["error"])
    if aggregator["version"] is None:  # strangers are told nothing more
        return f"{aggregator['url']} answers"
    return f"{aggregator['url']}: version {aggregator['version']}, {aggregator['hosts']} hosts"


def _host_text(host: Json, now: float) -> str:
    if host["status"] is None:
        return f"{host['hostname']}: not known to an aggregator"
    return f"{host['hostname']}: {state_text(host['status'])[0]}, seen {ago(host['last_seen'], now)}"


def _data_text(data: Json | None) -> str:
    if data is None:
        return "no database on this machine"
    return f"{data['folder']}: {size(data['bytes'])}, {'in use' if data['in_use'] else 'nobody has it open'}"
