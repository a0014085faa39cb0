"""/metrics and /federate: both sets of names, labels, times, units; what promtool says of the text."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from service_kit import START_MS, ServiceKit
from sysmon import registry
from sysmon.aggregator.settings import LimitSettings
from sysmon.prometheus.names import all_names, label_name, names_of

if TYPE_CHECKING:
    from pathlib import Path

CPU = ("cpu.total_usage", 25.0)
SENT = ("network.bytes_sent", 1234.0, {"interface": "eth0"})
promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's package prometheus has it")


def text(kit: ServiceKit, path: str, *pairs: tuple[str, str]) -> str:
    response = kit.client.get(f"{path}?{urlencode(pairs)}")
    assert response.status_code == 200, response.data
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return response.get_data(as_text=True)


def federated(kit: ServiceKit, *selectors: str, names: str = "sysmon") -> list[str]:
    page = text(kit, "/federate", *(("match[]", one) for one in selectors), ("names", names))
    return [line for line in page.splitlines() if not line.startswith("#")]


def check_metrics(page: str) -> str:
    """What promtool has to say of a page; "" is nothing."""
    result = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True)
    return result.stdout + result.stderr


def test_a_host_as_its_own_exporter(kit: ServiceKit) -> None:
    kit.push("web01", CPU, SENT)
    page = text(kit, "/metrics", ("host", "web01"))
    assert "# TYPE sysmon_cpu_usage_ratio gauge\nsysmon_cpu_usage_ratio 0.25\n" in page
    assert "# TYPE sysmon_network_transmit_bytes_total counter\n" in page
    assert 'sysmon_network_transmit_bytes_total{interface="eth0"} 1234.0\n' in page
    both = text(kit, "/metrics", ("host", "web01"), ("names", "both"))
    assert 'node_network_transmit_bytes_total{device="eth0"} 1234.0\n' in both
    assert "sysmon_cpu_usage_ratio 0.25\n" in both
    assert "sysmon_cpu" not in text(kit, "/metrics", ("names", "node"))  # one host: it need not be named


def test_of_many_hosts_one_has_to_be_named(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    kit.push("web02", CPU)
    assert kit.error("/metrics?names=node") == (400, "bad_argument")
    assert kit.error("/metrics?host=web01,web02") == (400, "bad_argument")
    assert kit.error("/metrics?host=nobody") == (404, "unknown_host")
    assert kit.error("/metrics?names=collectd") == (400, "bad_argument")


def test_the_fleet_with_hosts_tags_and_times(kit: ServiceKit) -> None:
    kit.push("web01", CPU, SENT, tags={"role": "web", "data.center": 'eu "1"'})
    kit.push("db01", CPU, tags={"role": "db"})
    stamp = START_MS
    assert federated(kit, "sysmon_cpu_usage_ratio") == [
        f'sysmon_cpu_usage_ratio{{host="db01",role="db"}} 0.25 {stamp}',
        f'sysmon_cpu_usage_ratio{{host="web01",role="web",data_center="eu \\"1\\""}} 0.25 {stamp}',
    ]
    assert len(federated(kit, '{role=~"web|db"}')) == 3
    assert len(federated(kit, '{role!="web",__name__=~"sysmon_.*"}')) == 1
    assert len(federated(kit, '{host="web01"}', '{interface="eth0"}')) == 2  # selected twice, there once
    assert federated(kit, '{host="nobody"}') == []
    assert federated(kit, "node_load1", names="node") == []


def test_a_metrics_tag_wins_over_its_hosts(kit: ServiceKit) -> None:
    kit.push(
        "web01",
        ("app.jobs", 1.0, {"role": "worker", "host": "other"}),
        ("app.idle", 1.0),
        tags={"role": "web"},
    )
    assert federated(kit, '{role="worker"}', '{role="web"}') == [
        f'sysmon_app_jobs{{host="web01",exported_host="other",role="worker"}} 1.0 {START_MS}',
        f'sysmon_app_idle{{host="web01",role="web"}} 1.0 {START_MS}',
    ]


def test_what_is_no_longer_sent_is_not_shown(kit: ServiceKit) -> None:
    slow = ("disk.usage_percent", 50.0, {"mountpoint": "/"})
    hourly = ("system.reboot_required", 0.0)
    kit.push("web01", CPU, slow, hourly, interval=10)
    kit.now_ms += 25_000
    kit.push("web01", ("load.avg1", 1.0), interval=10)
    names = {line.split("{")[0]: line.rsplit(" ", 1)[1] for line in federated(kit, '{host="web01"}')}
    assert names == {
        "sysmon_load1": str(kit.now_ms),
        "sysmon_filesystem_usage_ratio": str(START_MS),  # read once a minute
        "sysmon_system_reboot_required": str(kit.now_ms),  # once an hour: it still holds
    }
    kit.now_ms += 600_000
    assert [line.split("{")[0] for line in federated(kit, '{host="web01"}')] == [
        "sysmon_system_reboot_required"
    ]


def test_archived_hosts_are_left_out(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    kit.client.patch("/api/hosts/web01", json={"archived": True}, headers=kit.admin)
    assert federated(kit, '{host="web01"}') == []


@pytest.mark.parametrize("query", ["", "?match[]=", "?match[]={", "?match[]=a&names=x", "?match=a"])
def test_bad_input_is_told(kit: ServiceKit, query: str) -> None:
    assert kit.error(f"/federate{query}") == (400, "bad_argument")


def test_too_many_series_are_refused_with_what_to_do(tmp_path: Path) -> None:
    kit = ServiceKit(tmp_path, LimitSettings(federate_series=10))
    kit.push("web01", *[("app.jobs", 1.0, {"queue": str(i)}) for i in range(11)])
    response = kit.client.get("/federate?match[]=sysmon_app_jobs")
    assert response.status_code == 400
    assert "select fewer" in response.get_json()["error"]["message"]
    kit.service.close()


def test_names_and_labels_are_legal_and_none_means_two_things() -> None:
    for names in ("sysmon", "node"):
        for name, made_from in all_names(names).items():
            assert re.fullmatch("[a-z][a-zA-Z0-9_]*", name)
            assert len({one.kind for one in made_from}) == 1, name
            assert len({(one.metric, one.when, one.changes) for one in made_from}) == len(made_from), name
    for info in registry():
        (name,) = names_of(info.name, "sysmon")
        assert name.name.endswith("_total") is (info.kind == "counter"), info.name
        assert name.name.endswith("_ratio") is (info.unit == "percent"), info.name
    assert [label_name(key) for key in ("a.b-c", "__name__", "__", "_a", "é")] == [
        "a_b_c",
        "name__",
        "_",
        "_a",
        "_",
    ]


def test_own_metrics_are_prometheus_text(kit: ServiceKit) -> None:
    kit.push("web01", CPU)
    kit.post(b"{}")
    kit.get("/api/hosts")
    page = text(kit, "/metrics")
    for line in (
        'sysmon_aggregator_hosts{state="online"} 1',
        "sysmon_aggregator_samples_total 1",
        'sysmon_aggregator_write_seconds_bucket{le="+Inf"} 1',
        "sysmon_aggregator_write_seconds_count 1",
        'sysmon_aggregator_query_seconds_count{route="/api/hosts"} 1',
        "sysmon_aggregator_commit_queue 0",
        "sysmon_aggregator_commits_total 1",
        "sysmon_aggregator_ws_clients 0",
    ):
        assert f"{line}\n" in page
    for start in ("refused_pushes_total{code=", "db_bytes ", "wal_bytes ", "journal_bytes "):
        assert f"\nsysmon_aggregator_{start}" in page
    assert "\nprocess_resident_memory_bytes " in page


@promtool
def test_promtool_has_nothing_to_say(kit: ServiceKit) -> None:
    everything = [(info.name, 1.0, dict.fromkeys(info.tags, "x")) for info in registry()]
    kit.push("web01", *everything, ("app.jobs", 1.0, {"a.b": 'x\\"y\n'}))
    kit.post(b"{}")
    kit.get("/api/hosts")
    assert check_metrics(text(kit, "/metrics")) == ""
    assert check_metrics(text(kit, "/metrics", ("host", "web01"))) == ""
    assert check_metrics(text(kit, "/federate", ("match[]", '{host="web01"}'))) == ""
