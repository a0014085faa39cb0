"""A real Prometheus scrapes a real aggregator: the fleet through /federate, and the aggregator itself."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from running_aggregator import RunningAggregator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = "r" * 40
pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None,
    reason="Debian's package prometheus (tools/setup.sh bench) is not here",
)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Prometheus:
    def __init__(self, folder: Path, config: str) -> None:
        (folder / "prometheus.yml").write_text(config)
        check = ["promtool", "check", "config", str(folder / "prometheus.yml")]
        assert subprocess.run(check, capture_output=True).returncode == 0
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'tsdb'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The answer to an instant query, as soon as there is one."""
        for _ in range(300):
            try:
                answer = urllib3.request(
                    "GET", f"{self.url}/api/v1/query", fields={"query": query}, retries=False
                ).json()
                if answer["data"]["result"]:
                    return list(answer["data"]["result"])
            except (urllib3.exceptions.HTTPError, ValueError):
                pass
            time.sleep(0.2)
        raise AssertionError((query, self.log.read_text()[-4_000:]))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def scraped(tmp_path: Path) -> Iterator[tuple[RunningAggregator, Prometheus]]:
    (tmp_path / "token").write_text(READ)
    with RunningAggregator(tmp_path / "data", read_auth="token", read_tokens=(READ,)) as running:
        target = running.url.removeprefix("http://")
        prometheus = Prometheus(
            tmp_path,
            f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: fleet
    metrics_path: /federate
    params: {{"match[]": ['{{__name__=~"sysmon_.*"}}', '{{__name__=~"node_.*"}}'], names: [both]}}
    honor_labels: true
    authorization: {{credentials_file: {tmp_path / "token"}}}
    static_configs: [{{targets: ["{target}"]}}]
    metric_relabel_configs: [{{source_labels: [host], target_label: instance}}]
  - job_name: aggregator
    authorization: {{credentials_file: {tmp_path / "token"}}}
    static_configs: [{{targets: ["{target}"]}}]
  - job_name: stranger
    metrics_path: /federate
    static_configs: [{{targets: ["{target}"]}}]
""",
        )
        try:
            yield running, prometheus
        finally:
            prometheus.close()


def test_the_fleet_in_prometheus(scraped: tuple[RunningAggregator, Prometheus]) -> None:
    running, prometheus = scraped
    for host, sent in (("web01", 1_000_000.0), ("web02", 2_000_000.0)):
        metrics = [("network.bytes_sent", sent, {"interface": "eth0"}), ("cpu.total_usage", 25.0)]
        running.push(host, metrics, tags={"role": "web"})  # type: ignore[arg-type]
    (one,) = prometheus.ask('sysmon_cpu_usage_ratio{host="web01"}')
    assert one["value"][1] == "0.25"
    assert one["metric"] == {
        "__name__": "sysmon_cpu_usage_ratio",
        "host": "web01",
        "instance": "web01",
        "job": "fleet",
        "role": "web",
    }
    assert prometheus.ask('sum(node_network_transmit_bytes_total{role="web",device="eth0"}) == 3000000')
    assert prometheus.ask('sysmon_aggregator_batches_total{job="aggregator"} == 2')
    assert prometheus.ask("histogram_quantile(0.99, sysmon_aggregator_write_seconds_bucket) < 10")
    for job, up in (("fleet", 1), ("aggregator", 1), ("stranger", 0)):
        assert prometheus.ask(f'up{{job="{job}"}} == {up}')
