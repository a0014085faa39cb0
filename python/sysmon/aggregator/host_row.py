"""A host as a row of table `hosts`, both ways."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from sysmon.aggregator.storage import Host

HOSTS: Final = "SELECT * FROM hosts ORDER BY host_id"
SAVE_HOST: Final = """
    INSERT INTO hosts (host_id, hostname, agent_id, boot_id, version, tags, own_tags, interval_ms,
                       first_seen_ms, last_seen_ms, clock_offset_ms, corrected, status)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (host_id) DO UPDATE SET hostname = ?2, agent_id = ?3, boot_id = ?4, version = ?5, tags = ?6,
        own_tags = ?7, interval_ms = ?8, first_seen_ms = ?9, last_seen_ms = ?10, clock_offset_ms = ?11,
        corrected = ?12, status = ?13"""


def host_row(host: Host, last_seen_ms: int | None) -> tuple[Any, ...]:
    """The parameters of SAVE_HOST."""
    return (
        host.host_id,
        host.hostname,
        host.agent_id,
        host.boot_id,
        host.version,
        msgspec.json.encode(host.tags).decode(),
        msgspec.json.encode(host.own_tags).decode(),
        host.interval_ms,
        host.first_seen_ms,
        last_seen_ms,
        host.clock_offset_ms,
        int(host.corrected),
        "archived" if host.archived else "active",
    )


def host_of_row(values: tuple[Any, ...]) -> Host:
    """A host of a row of HOSTS. Raises ValueError or TypeError if it is damaged."""
    (host_id, hostname, agent_id, boot_id, version, tags, own_tags, interval_ms) = values[:8]
    (first_seen_ms, last_seen_ms, clock_offset_ms, corrected, status) = values[8:]
    return Host(
        host_id,
        hostname,
        agent_id,
        boot_id,
        version,
        msgspec.json.decode(tags, type=dict[str, str]),
        msgspec.json.decode(own_tags, type=dict[str, str]),
        interval_ms,
        first_seen_ms,
        last_seen_ms,
        clock_offset_ms,
        bool(corrected),
        status == "archived",
        saved_edits=1,
    )
