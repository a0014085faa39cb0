"""What the live channel says: everything once, then only what changed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from service_kit import START_MS, ServiceKit
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from pathlib import Path

    from sysmon.aggregator.hub import Client

START = START_MS / 1000


def join(kit: ServiceKit, address: str = "127.0.0.1") -> Client:
    client = kit.service.hub.join(address)
    assert client is not None
    return client


def said(client: Client) -> dict[str, Any]:
    return dict(json.loads(client.queue.get_nowait()))


def flush(kit: ServiceKit, client: Client) -> list[dict[str, Any]]:
    kit.service.hub.flush()
    if client.queue.empty():
        return []
    message = said(client)
    assert (message["kind"], message["time"]) == ("delta", kit.now_ms / 1000)
    return list(message["hosts"])


def test_hello_is_the_list(kit: ServiceKit) -> None:
    kit.push("web01", ("cpu.total_usage", 1.0))
    client = join(kit)
    message = said(client)
    assert message == {"kind": "hello", "hosts": kit.get("/api/hosts")["hosts"], "time": START}
    assert flush(kit, client) == []


def test_deltas_have_what_changed(kit: ServiceKit) -> None:
    kit.push("web01", ("cpu.total_usage", 1.0), ("memory.usage_percent", 5.0))
    client = join(kit)
    said(client)
    kit.now_ms += 1000
    kit.push("web01", ("cpu.total_usage", 2.0), ("memory.usage_percent", 5.0))
    now = START + 1
    assert flush(kit, client) == [{"hostname": "web01", "last_seen": now, "latest": {"cpu.total_usage": 2.0}}]
    kit.push("db01", ("cpu.total_usage", 3.0))
    (change,) = flush(kit, client)
    assert (change["hostname"], change["status"], change["latest"]) == (
        "db01",
        "online",
        {"cpu.total_usage": 3.0},
    )


def test_states_change_by_time_alone(kit: ServiceKit) -> None:
    kit.push("web01", interval=10)
    client = join(kit)
    said(client)
    for age_s, expected in ((31, "stale"), (101, "offline")):
        kit.now_ms = START_MS + age_s * 1000
        assert flush(kit, client) == [{"hostname": "web01", "status": expected}]
        assert flush(kit, client) == []


def test_hosts_leave_and_are_renamed(kit: ServiceKit) -> None:
    for host in ("a", "b", "c"):
        kit.push(host, ("cpu.total_usage", 1.0), agent_id=host)
    client = join(kit)
    said(client)
    kit.client.delete("/api/hosts/a", headers=kit.admin)
    kit.client.patch("/api/hosts/b", json={"archived": True}, headers=kit.admin)
    kit.push("d", agent_id="c", timestamp=START + 1)
    changes = {change["hostname"]: change for change in flush(kit, client)}
    assert {name for name, change in changes.items() if change.get("removed")} == {"a", "b", "c"}
    assert changes["d"]["status"] == "online"


def test_a_value_that_is_measured_no_more_is_null(kit: ServiceKit) -> None:
    kit.push("web01", ("cpu.total_usage", 1.0))
    client = join(kit)
    said(client)
    host = kit.service.directory.get("web01")
    assert host is not None
    kit.service.live._hosts.clear()
    kit.service.live.edited(host)
    assert flush(kit, client) == [{"hostname": "web01", "latest": {"cpu.total_usage": None}}]


def test_who_does_not_listen_is_marked_and_others_go_on(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "small", LimitSettings(ws_queue=3))
    slow, quick = join(kit), join(kit)
    said(quick)
    for n in range(4):
        kit.push("web01", ("cpu.total_usage", float(n)), timestamp=START + n)
        assert flush(kit, quick)
    assert slow.lagging
    assert not quick.lagging
    kit.service.close()


def test_clients_are_limited(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "small", LimitSettings(ws_clients=3, ws_clients_per_address=2))
    first = join(kit, "10.0.0.1")
    join(kit, "10.0.0.1")
    assert kit.service.hub.join("10.0.0.1") is None
    join(kit, "10.0.0.2")
    assert kit.service.hub.join("10.0.0.3") is None
    kit.service.hub.leave(first)
    join(kit, "10.0.0.1")
    kit.service.close()


def test_watching_ends_with_the_client(kit: ServiceKit) -> None:
    kit.push("web01")
    host = kit.service.directory.get("web01")
    assert host is not None
    client, other = join(kit), join(kit)
    kit.service.hub.hear(client, '{"kind": "watch", "host": "web01"}')
    kit.service.hub.hear(client, '{"kind": "watch", "host": "web01"}')
    kit.service.hub.hear(other, '{"kind": "watch", "host": "nobody"}')
    assert kit.service.live.watch_s(host) > 0
    kit.service.hub.hear(client, '{"kind": "unwatch"}')
    assert kit.service.live.watch_s(host) == 0
    kit.service.hub.hear(client, '{"kind": "watch", "host": "web01"}')
    kit.service.hub.leave(client)
    assert kit.service.live.watch_s(host) == 0


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"kind": "shout"}', '{"kind": "watch", "more": 1}', b"\xff"]
)
def test_what_is_no_message_is_an_error(kit: ServiceKit, text: str) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        kit.service.hub.hear(join(kit), text)


def test_the_task_outlives_a_bug(kit: ServiceKit, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = kit.service.hub
    naps = 0

    async def nap(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps > 2:
            raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", nap)
    monkeypatch.setattr(hub, "flush", lambda: 1 / 0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(hub.run())
    assert naps == 3
