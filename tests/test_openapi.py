"""The API's description against the application it describes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from sysmon.aggregator import api_types
from sysmon.aggregator.openapi import ROUTES

if TYPE_CHECKING:
    from service_kit import ServiceKit

NOT_API = {"/", "/compare", "/hosts/{hostname}", "/static/{name}"}


def test_every_route_is_described_and_nothing_else(kit: ServiceKit) -> None:
    app = kit.service.app
    served = {
        (method.lower(), path, app.view_functions[rule.endpoint].permission)  # type: ignore[attr-defined]
        for rule in app.url_map.iter_rules()
        for path in [re.sub(r"<(\w+)>", r"{\1}", rule.rule)]
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}
        if path not in NOT_API
    }
    assert {(route.method, route.path, route.permission) for route in ROUTES} == served


def test_references_lead_somewhere(kit: ServiceKit) -> None:
    document = kit.get("/api/openapi.json")
    assert document["openapi"] == "3.1.0"
    names = set(document["components"]["schemas"])
    found = set(re.findall(r"#/components/schemas/(\w+)", msgspec.json.encode(document).decode()))
    assert found
    assert found <= names
    ids = [op["operationId"] for path in document["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids))


def test_answers_are_what_the_document_says(kit: ServiceKit) -> None:
    for host in ("a", "b"):
        kit.push(host, ("cpu.total_usage", 1.0), facts={"os": "x"}, processes=[{"pid": 1}])
    for route in ROUTES:
        if route.method != "get" or route.answer in (None, dict, str):
            continue
        path = route.path.replace("{hostname}", "a")
        token = kit.admin if route.permission == "admin" else {}
        answer = kit.get(f"{path}?hosts=a,b" if path == "/api/compare" else path, **token)
        shape: Any = route.answer
        decoded = msgspec.convert(answer, shape)
        assert msgspec.to_builtins(decoded).keys() == answer.keys(), path


def test_a_push_reply_is_what_the_document_says(kit: ServiceKit) -> None:
    msgspec.convert(kit.push("a", ("cpu.total_usage", 1.0)), api_types.PushReply)
