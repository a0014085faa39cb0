"""Which host a push is from, and in which state it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service_kit import START_MS, ServiceKit

if TYPE_CHECKING:
    from pathlib import Path

CPU = ("cpu.total_usage", 1.0)


def names(kit: ServiceKit) -> list[str]:
    return [host["hostname"] for host in kit.get("/api/hosts")["hosts"]]


def kinds(kit: ServiceKit, host: str) -> list[str]:
    return [event["kind"] for event in kit.get(f"/api/hosts/{host}/events")["events"]]


def status(kit: ServiceKit, host: str = "web01") -> str:
    return str(kit.get(f"/api/hosts/{host}")["status"])


@pytest.mark.parametrize(("interval", "stale_s", "offline_s"), [(1, 15, 60), (10, 30, 100), (60, 180, 600)])
def test_states_follow_the_hosts_own_interval(
    kit: ServiceKit, interval: int, stale_s: int, offline_s: int
) -> None:
    kit.push("web01", CPU, interval=interval)
    for age_s, expected in (
        (stale_s, "online"),
        (stale_s + 1, "stale"),
        (offline_s, "stale"),
        (offline_s + 1, "offline"),
    ):
        kit.now_ms = START_MS + age_s * 1000
        assert status(kit) == expected
    kit.push("web01", CPU, interval=interval)
    assert status(kit) == "online"


def test_the_minima_are_settings(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path / "quick", stale_min_s=1, offline_min_s=2)
    kit.push("web01", CPU, interval=0.1)
    kit.now_ms += 1_500
    assert status(kit) == "stale"
    kit.now_ms += 1_000
    assert status(kit) == "offline"
    kit.service.close()


def test_an_agent_keeps_its_host_under_another_name(kit: ServiceKit) -> None:
    kit.push("web01", CPU, agent_id="a1")
    kit.push("web02", CPU, agent_id="a1", timestamp=START_MS / 1000 + 1)
    assert names(kit) == ["web02"]
    assert kinds(kit, "web02") == ["renamed"]
    assert kit.get("/api/hosts/web02")["ledger"]["committed"] == 2


def test_a_new_agent_takes_over_the_name_of_an_offline_host(kit: ServiceKit) -> None:
    kit.push("web01", CPU, agent_id="a1")
    kit.now_ms += 200_000
    kit.push("web01", CPU, agent_id="a2")
    assert names(kit) == ["web01"]
    assert kinds(kit, "web01") == ["agent_replaced"]
    assert kit.get("/api/hosts/web01")["agent_id"] == "a2"


def test_an_upgraded_agent_is_an_event_and_its_backlog_is_none(kit: ServiceKit) -> None:
    now_s = START_MS / 1000
    kit.push("web01", CPU, version="1.0.0")
    kit.push("web01", CPU, version="1.1.0", timestamp=now_s + 20)
    kit.push("web01", CPU, version="1.0.0", timestamp=now_s + 10)
    kit.push("web01", CPU, version="1.1.0", timestamp=now_s + 30)
    (event,) = kit.get("/api/hosts/web01/events")["events"]
    assert (event["kind"], event["detail"]) == ("version_changed", {"old": "1.0.0", "new": "1.1.0"})
    assert event["start"] == now_s + 20


def test_changed_facts_are_an_event_that_says_which(kit: ServiceKit) -> None:
    now_s = START_MS / 1000
    first = {"kernel": "6.1", "cores": 4, "mounts": {"/": {"fstype": "ext4"}}}
    later = {"kernel": "6.8", "cores": 4, "mounts": {"/": {"fstype": "ext4"}, "/data": {"fstype": "xfs"}}}
    kit.push("web01", CPU, facts=first)
    kit.push("web01", CPU, facts=first, timestamp=now_s + 10)
    assert kinds(kit, "web01") == []
    kit.push("web01", CPU, facts=later, timestamp=now_s + 20)
    kit.push("web01", CPU, facts=first, timestamp=now_s + 5)  # late: it changes nothing any more
    (event,) = kit.get("/api/hosts/web01/events")["events"]
    assert event["kind"] == "facts_changed"
    assert event["detail"] == {"kernel": ["6.1", "6.8"], "mounts./data.fstype": [None, "xfs"]}


def test_a_newcomer_with_the_name_of_a_live_host_gets_another(kit: ServiceKit) -> None:
    kit.push("web01", CPU, agent_id="a1")
    kit.push("web01", CPU, agent_id="a2")
    assert names(kit) == ["web01", "web01~2"]
    assert kinds(kit, "web01~2") == ["name_taken"]
    kit.reopen()
    kit.now_ms += 1000
    kit.push("web01", CPU, agent_id="a2")
    assert names(kit) == ["web01", "web01~2"]
    assert kit.get("/api/hosts/web01~2")["ledger"]["committed"] == 2


def test_a_newcomer_gets_the_name_when_it_is_free(kit: ServiceKit) -> None:
    kit.push("web01", CPU, agent_id="a1")
    for _ in range(3):
        kit.push("web01", CPU, agent_id="a2")
    assert names(kit) == ["web01", "web01~2"]
    kit.client.delete("/api/hosts/web01", headers=kit.admin)
    kit.push("web01", CPU, agent_id="a2")
    assert names(kit) == ["web01"]


def test_what_was_said_before_and_is_said_again_counts_again(kit: ServiceKit) -> None:
    for version in ("1", "1", "2", "1"):
        kit.push("web01", CPU, agent_id="a1", version=version)
        assert kit.get("/api/hosts/web01")["version"] == version


def test_the_old_agent_of_a_name_that_was_taken_over_comes_back_as_another(kit: ServiceKit) -> None:
    kit.push("web01", CPU, agent_id="a1")
    kit.now_ms += 200_000
    kit.push("web01", CPU, agent_id="a2")
    kit.push("web01", CPU, agent_id="a1")
    assert names(kit) == ["web01", "web01~2"]


def test_an_agent_adopts_what_was_registered_by_hand(kit: ServiceKit) -> None:
    kit.client.post("/api/hosts", json={"hostname": "web01", "tags": {"role": "web"}}, headers=kit.admin)
    assert status(kit) == "offline"
    kit.push("web01", CPU, agent_id="a1", tags={"role": "x", "zone": "1"})
    host = kit.get("/api/hosts/web01")
    assert (host["status"], host["agent_id"]) == ("online", "a1")
    assert host["tags"] == {"role": "web", "zone": "1"}  # set by hand wins


def test_what_a_push_leaves_out_stays(kit: ServiceKit) -> None:
    kit.push("web01", CPU, version="1.2", tags={"a": "b"}, interval=5)
    kit.push("web01", CPU, timestamp=START_MS / 1000 + 1)
    kit.reopen()
    host = kit.get("/api/hosts/web01")
    assert (host["version"], host["tags"], host["interval"]) == ("1.2", {"a": "b"}, 5.0)
    assert (host["first_seen"], host["last_seen"]) == (START_MS / 1000, START_MS / 1000)


def test_an_archived_host_that_speaks_is_back(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    kit.client.patch("/api/hosts/web01", json={"archived": True}, headers=kit.admin)
    assert names(kit) == []
    assert kit.get("/api/hosts?status=archived")["hosts"][0]["hostname"] == "web01"
    assert kit.get("/api/hosts")["archived"] == 1
    kit.push("web01", CPU, timestamp=START_MS / 1000 + 1)
    assert names(kit) == ["web01"]
    assert kinds(kit, "web01") == ["unarchived", "archived"]


def test_a_deleted_host_is_gone_and_may_come_again(kit: ServiceKit) -> None:
    kit.push("web01", CPU, agent_id="a1")
    assert kit.client.delete("/api/hosts/web01", headers=kit.admin).status_code == 204
    assert kit.error("/api/hosts/web01") == (404, "unknown_host")
    kit.reopen()
    assert names(kit) == []
    kit.push("web01", CPU, agent_id="a1")
    assert kit.get("/api/hosts/web01")["ledger"]["committed"] == 1
