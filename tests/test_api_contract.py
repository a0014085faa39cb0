"""The API against its own description, by schemathesis: hostile and well-meant requests to all of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from service_kit import TOKEN, ServiceKit
from sysmon.aggregator.openapi import openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

# Left out: what the description allows may still be refused (a host's name is RFC 1123's, a step like 30s).
_LEFT_OUT: Final = [positive_data_acceptance]
_EXAMPLES: Final = int(os.environ.get("SYSMON_CONTRACT_EXAMPLES", "8"))

# A push without a body is 411, a large one 413: refusals too.
_CONFIG: Final = {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
# A backup writes a file, wherever it is told to: that one has its own test.
described = schemathesis.openapi.from_dict(
    openapi_document(), config=schemathesis.Config.from_dict(_CONFIG)
).exclude(path="/api/admin/backup")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceKit]:
    made = ServiceKit(tmp_path_factory.mktemp("contract") / "data")
    for host in ("a", "b"):
        made.push(host, ("cpu.total_usage", 1.0), facts={"os": "x"}, processes=[{"pid": 1}])
    yield made
    made.service.close()


@described.parametrize()
@settings(max_examples=_EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_is_as_described(service: ServiceKit, case: Case) -> None:
    case.operation.app = case.operation.schema.app = service.service.app
    is_push = case.method == "POST" and case.operation.path == "/api/metrics"
    token = {"X-SysMon-Token": TOKEN} if is_push else service.admin
    case.call_and_validate(headers=token, excluded_checks=_LEFT_OUT)
