"""What differs between hosts: found, ranked and put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service_kit import START_MS
from sysmon.aggregator.compare import effect_size, folded_tags, rank, sentence

if TYPE_CHECKING:
    from service_kit import ServiceKit

START = START_MS / 1000


def fill(kit: ServiceKit, host: str, iowait: float, *, every_s: int = 10, **more: object) -> None:
    for n in range(0, 600, every_s):
        kit.push(
            host,
            ("cpu.iowait_percent", iowait + n % 3),
            ("cpu.total_usage", 20.0 + n % 3),
            ("network.bytes_recv", 1000.0 * n, {"interface": "eth0" if host == "a" else "ens3"}),
            ("disk.usage_percent", 40.0, {"mountpoint": "/", "device": "sda1" if host == "a" else "vda1"}),
            timestamp=START - 600 + n,
            interval=10,
            **more,
        )


def test_the_planted_difference_leads(kit: ServiceKit) -> None:
    fill(kit, "a", 1.0, facts={"kernel": "6.1", "mounts": {"/": "ext4"}}, tags={"role": "db"})
    fill(kit, "b", 30.0, facts={"kernel": "6.8", "mounts": {"/": "ext4"}}, tags={"role": "db"})
    answer = kit.get(f"/api/compare?hosts=a,b&start={START - 600}&end={START}")
    assert answer["hosts"] == ["a", "b"]
    (first,) = answer["differs"]
    assert first["type"] == "cpu.iowait_percent"
    assert first["effect"] > 10
    assert first["text"].startswith("b iowait 3")
    assert answer["facts"] == [{"fact": "kernel", "values": {"a": "6.1", "b": "6.8"}}]
    assert answer["missing"] == {"a": 0.0, "b": 0.0}
    assert answer["clock_offset"] == {"a": None, "b": None}


def test_missing_samples_are_a_share(kit: ServiceKit) -> None:
    fill(kit, "a", 1.0)
    fill(kit, "b", 1.0, every_s=20)
    answer = kit.get(f"/api/compare?hosts=a,b&start={START - 600}&end={START}")
    assert answer["differs"] == []
    assert answer["missing"] == {"a": 0.0, "b": 0.5}


def test_arguments(kit: ServiceKit) -> None:
    kit.push("a")
    kit.push("b")
    assert kit.error("/api/compare?hosts=a") == (400, "bad_argument")
    assert kit.error("/api/compare") == (400, "bad_argument")
    assert kit.error("/api/compare?hosts=a,a") == (400, "bad_argument")
    assert kit.error("/api/compare?hosts=a,nobody") == (404, "unknown_host")
    assert kit.get("/api/compare?hosts=a,b")["differs"] == []


def test_effects_have_a_floor_by_unit() -> None:
    flat = {"a": [1.0] * 5, "b": [2.0] * 5}
    assert effect_size("percent", {"a": 1.0, "b": 2.0}, flat) == 0.5
    assert effect_size("", {"a": 1000.0, "b": 2000.0}, {"a": [1000.0] * 5, "b": [2000.0] * 5}) == 5.0
    noisy = {"a": [0.0, 20.0, 40.0], "b": [30.0, 50.0, 70.0]}
    assert effect_size("percent", {"a": 20.0, "b": 50.0}, noisy) == 1.5


def test_a_metric_only_one_host_has_is_no_difference() -> None:
    assert rank({"a": {("x.y", ()): [1.0]}, "b": {}}) == []


def test_devices_are_folded_and_mount_points_kept() -> None:
    assert folded_tags((("device", "sda1"), ("fstype", "ext4"), ("mountpoint", "/"))) == (
        ("mountpoint", "/"),
    )
    assert folded_tags((("interface", "eth0"),)) == ()


def test_sentences() -> None:
    assert sentence("cpu.iowait_percent", (), {"a": 2.0, "b": 31.0}) == "b iowait 31.0 % vs 2.0 %"
    three = sentence("disk.usage_percent", (("mountpoint", "/"),), {"a": 2.0, "b": 31.0, "c": 5.0})
    assert three == "b disk usage / 31.0 % vs c 5.0 %, a 2.0 %"
    assert "KiB/s" in sentence("network.bytes_recv", (), {"a": 4096.0, "b": 1.0})
