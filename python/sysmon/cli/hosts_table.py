"""The columns of a host, and its state as symbol and word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sysmon.cli.output import Column, Row, symbol
from sysmon.format import ago, quantity, tag_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Display thresholds: warn, critical; the dashboard's own (web/src/severity.ts). They colour, never alert.
THRESHOLDS = {
    "cpu.total_usage": (80.0, 95.0),
    "memory.usage_percent": (85.0, 95.0),
    "disk.usage_percent": (80.0, 90.0),
    "swap.usage_percent": (50.0, 80.0),
    "pressure.worst_percent": (20.0, 50.0),
    "load.per_core": (1.0, 2.0),
    "sensor.temperature_celsius": (75.0, 90.0),
    "systemd.failed_units": (1.0, float("inf")),
}
# Between stale and offline the longer silence is worse.
_RANKS = {"offline": 2, "stale": 1, "online": 0}
_STATES = {
    "online": ("●", "*", "green"),
    "stale": ("◐", "~", "yellow"),
    "offline": ("■", "x", "red"),
    "archived": ("◌", "-", "dim"),
}


def state_text(status: str) -> tuple[str, str]:
    """(`● online`, style): a symbol beside every colour."""
    fancy, plain, style = _STATES.get(status, ("?", "?", ""))
    return f"{symbol(fancy, plain)} {status}", style


def severity_style(metric: str, value: float) -> str:
    """The style of a value by its display threshold."""
    warn, critical = THRESHOLDS.get(metric, (float("inf"), float("inf")))
    return "bold red" if value >= critical else "yellow" if value >= warn else ""


def worst_first(hosts: Iterable[Row]) -> list[Row]:
    """Hosts by state, then by their worst severity, then by how near a limit; the dashboard's order.

    A tenth of the way to a limit is coarse enough that noise does not reorder them; ties stay by name.
    """
    return sorted(hosts, key=_badness, reverse=True)


def _badness(host: Row) -> tuple[int, int, int]:
    severity, strain = 0, 0.0
    for metric, value in host.get("latest", {}).items():
        if metric in THRESHOLDS:
            warn, critical = THRESHOLDS[metric]
            severity = max(severity, int(value >= warn) + int(value >= critical))
            strain = max(strain, value / (2 * warn if critical == float("inf") else critical))
    return _RANKS.get(str(host.get("status")), -1), severity, round(strain * 10)


def _percent(metric: str) -> Callable[[Row], str | tuple[str, str]]:
    def show(row: Row) -> str | tuple[str, str]:
        value = row.get("latest", {}).get(metric)
        if value is None:
            return "-"
        # A host that went quiet looks quiet: its last values are old.
        style = severity_style(metric, value) if row.get("status") == "online" else "dim"
        return quantity(value, "percent"), style

    return show


def _latest(metric: str) -> Callable[[Row], Any]:
    return lambda row: row.get("latest", {}).get(metric)


HOST_COLUMNS = (
    Column("hostname", "HOST", lambda row: str(row["hostname"])),
    Column("status", "STATUS", lambda row: state_text(str(row["status"]))),
    Column("last_seen", "LAST-SEEN", lambda row: ago(row.get("last_seen"), row["_now"]), right=True),
    Column("cpu", "CPU", _percent("cpu.total_usage"), _latest("cpu.total_usage"), right=True),
    Column("memory", "MEM", _percent("memory.usage_percent"), _latest("memory.usage_percent"), right=True),
    Column("disk", "DISK", _percent("disk.usage_percent"), _latest("disk.usage_percent"), right=True),
    Column("tags", "TAGS", lambda row: tag_text(row.get("tags") or {}), drop=3),
    Column("version", "VERSION", lambda row: str(row.get("version") or "-"), drop=4),
)
