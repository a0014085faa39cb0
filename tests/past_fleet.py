"""A small fleet with everything a database can hold, and what the API must answer about it for ever.

`tests/data/make_database.py` pushes it to the aggregator of today and keeps the file; later aggregators must
open that file and give the same answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service_kit import START_MS, push_body
from sysmon.aggregator.storage import Query

if TYPE_CHECKING:
    from service_kit import Metric, ServiceKit

STREAMS: Final = {"web01": "aa" * 16, "db01": "bb" * 16}
END_MS: Final = START_MS + 600_000
# Values with which a codec goes wrong first.
EDGES: Final = (0.0, -0.0, 5e-324, 2.0**53, 2.0**63, 1.7976931348623157e308, 0.1, 0.1 + 0.2, -273.15, 99.99)


def _web01(seq: int) -> list[Metric]:
    """Twenty series, and two more from the sixth batch on: a second key set that begins like the first."""
    metrics: list[Metric] = [("cpu.total_usage", seq * 1.25), ("load.avg1", seq / 100)]
    metrics += [("disk.read_bytes", seq * 4096.0 + n, {"device": f"sd{'abcdefgh'[n]}"}) for n in range(8)]
    metrics += [(f"edge.value{n}", value) for n, value in enumerate(EDGES)]
    if seq >= 6:
        metrics += [("network.bytes_recv", seq * 1e9, {"interface": name}) for name in ("eth0", "lo")]
    return metrics


def _push(kit: ServiceKit, host: str, seq: int, metrics: list[Metric], **more: Any) -> None:
    time_ms = START_MS + seq * 10_000
    kit.now_ms = max(kit.now_ms, time_ms)
    headers = {"X_SysMon_Stream": STREAMS[host], "X_SysMon_Seq": str(seq)}
    if "dropped" in more:
        headers["X_SysMon_Dropped"] = more.pop("dropped")
    body = push_body(host, metrics, timestamp=time_ms / 1000, interval=10, **more)
    response = kit.post(body, **headers)
    assert response.status_code == 200, response.data


def push_all(kit: ServiceKit) -> None:
    """Everything, over the wire alone, so that any aggregator takes it."""
    identity = {"agent_id": "7f0f8f0e-9d7b-4a53-8a52-0123456789ab", "version": "1.0.0"}
    for seq in (1, 2, 3, 5, 6, 9, 10):  # 4 comes late; 7 and 8 were dropped
        _push(
            kit,
            "web01",
            seq,
            _web01(seq),
            boot_id="boot-1" if seq < 9 else "boot-2",
            tags={"role": "web"},
            **identity,
            **({"facts": {"os": "Debian 12", "cores": 4, "seq": seq}} if seq in (1, 9) else {}),
            **({"processes": [{"pid": seq, "command": "nginx"}]} if seq in (2, 10) else {}),
            **({"dropped": "7-8;samples=44;reason=spool_full"} if seq == 9 else {}),
        )
    _push(kit, "web01", 4, _web01(4), **identity)
    for seq in (1, 2, 5):  # 3 and 4 never come
        _push(kit, "db01", seq, [("memory.used_bytes", 2.0**33 + seq), ("db.slow", 1 / seq, {"db": "é/ü"})])
    for tick in range(3):
        kit.now_ms = START_MS + 120_000 + tick * 60_000
        kit.push("script", ("job.seconds", tick + 0.5), ("job.rows", tick * 7.0))
    kit.now_ms = END_MS
    made = kit.client.post(
        "/api/hosts", json={"hostname": "spare", "tags": {"shelf": "3"}}, headers=kit.admin
    )
    assert made.status_code == 201, made.data
    patch = {"tags": {"owner": "ops"}, "archived": True}
    assert kit.client.patch("/api/hosts/db01", json=patch, headers=kit.admin).status_code == 200


def answers(kit: ServiceKit) -> dict[str, Any]:
    """What the API says of it; only what no later version may say otherwise."""
    hosts: dict[str, Any] = {}
    for name in ("web01", "db01", "script", "spare"):
        found = kit.get(f"/api/hosts/{name}")
        keys = ("agent_id", "version", "interval", "status", "tags", "first_seen", "last_seen", "facts")
        ledger = kit.get(f"/api/hosts/{name}/ledger")
        hosts[name] = {
            **{key: found[key] for key in keys},
            "samples": _samples(kit, name),
            "events": [
                [event["kind"], event["start"], event["end"], event["detail"]]
                for event in kit.get(f"/api/hosts/{name}/events")["events"]
            ],
            "streams": [[s["stream"], s["mark"], s["highest"], s["missing"]] for s in ledger["streams"]],
            "dropped": ledger["dropped"],
            "gaps": ledger["gaps"],
            "processes": kit.get(f"/api/hosts/{name}/processes"),
        }
    return hosts


def _samples(kit: ServiceKit, hostname: str) -> dict[str, str]:
    """Series -> "time=value …"; values as C writes them in hexadecimal, so that every bit is there to see."""
    host = kit.service.directory.get(hostname)
    assert host is not None
    question = Query(host_ids=[host.host_id], start_ms=START_MS, end_ms=END_MS)
    columns = kit.service.storage.query(question).columns
    found = {}
    for i in range(len(columns)):
        metric, tags = columns.key(i)
        pairs = zip(columns.times(i), columns.values(i), strict=True)
        name = " ".join([metric, *(f"{key}={value}" for key, value in tags)])
        found[name] = " ".join(f"{time_ms}={float(value).hex()}" for time_ms, value in pairs)
    return found
