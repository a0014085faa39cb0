"""The API's description, OpenAPI 3.1, made from the types that check requests and shape answers."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from sysmon import _core
from sysmon.aggregator import api_types as api
from sysmon.prometheus.text import CONTENT_TYPE

if TYPE_CHECKING:
    from sysmon.aggregator.auth import Permission

_COMPONENTS: Final = "#/components/schemas/{name}"


class Route(NamedTuple):
    """One operation of the API; `tests/test_openapi.py` holds this list against the application's routes."""

    method: str
    path: str
    permission: Permission
    summary: str
    answer: type | None = None  # str is Prometheus text
    query: type | None = None
    body: type | None = None
    status: int = 200


ROUTES: Final = (
    Route(
        "post",
        "/api/metrics",
        "push",
        "Push a batch of samples; docs/formats/wire.md has it all",
        api.PushReply,
    ),
    Route("get", "/api/metrics", "read", "Stored samples", api.MetricsAnswer, api.MetricsQuery),
    Route(
        "get",
        "/api/metrics/latest",
        "read",
        "The newest sample of every series",
        api.LatestAnswer,
        api.LatestQuery,
    ),
    Route("get", "/api/metrics/types", "read", "Every metric type of the registry", api.TypeList),
    Route("get", "/api/compare", "read", "What differs between hosts", api.CompareAnswer, api.CompareQuery),
    Route("get", "/api/hosts", "read", "Hosts with their state and ten values", api.HostList, api.HostsQuery),
    Route("post", "/api/hosts", "admin", "Register a host", api.HostView, body=api.NewHost, status=201),
    Route("get", "/api/hosts/{hostname}", "read", "One host", api.HostDetail),
    Route(
        "patch", "/api/hosts/{hostname}", "admin", "Tag or archive a host", api.HostView, body=api.HostPatch
    ),
    Route("delete", "/api/hosts/{hostname}", "admin", "Forget a host and all it sent", status=204),
    Route(
        "get", "/api/hosts/{hostname}/events", "read", "What happened to it", api.EventList, api.EventsQuery
    ),
    Route(
        "get",
        "/api/hosts/{hostname}/gaps",
        "read",
        "Times without samples, and why",
        api.GapList,
        api.GapsQuery,
    ),
    Route(
        "get", "/api/hosts/{hostname}/processes", "read", "Top processes", api.ProcessList, api.ProcessesQuery
    ),
    Route("get", "/api/hosts/{hostname}/ledger", "read", "Its delivery in figures", api.LedgerView),
    Route("get", "/api/fleet/summary", "read", "All hosts in one line", api.FleetSummary),
    Route("get", "/api/health", "public", "That it runs, and how", api.Health),
    Route(
        "get",
        "/metrics",
        "read",
        "This process, or one host's last values, as Prometheus text",
        str,
        api.ExpositionQuery,
    ),
    Route("get", "/federate", "read", "The fleet's last values, as Prometheus text", str, api.FederateQuery),
    Route("get", "/api/openapi.json", "read", "This document", dict),
    Route("post", "/api/session", "public", "Sign a browser in", body=api.NewSession, status=204),
    Route("delete", "/api/session", "public", "Sign it out", status=204),
    Route(
        "post", "/api/admin/backup", "admin", "Copy the database", api.BackupAnswer, body=api.BackupRequest
    ),
    Route("post", "/api/admin/compact", "admin", "Move the journal into chunks", api.CompactAnswer),
    Route("get", "/api/admin/stats", "admin", "What fills the database", api.StatsAnswer),
    Route("post", "/api/admin/check", "admin", "Read all of the database", api.CheckAnswer),
)


@cache
def openapi_document() -> dict[str, Any]:
    """The document as JSON-able values."""
    shapes = [
        shape
        for route in ROUTES
        for shape in (route.answer, route.query, route.body)
        if shape not in (None, dict, str)
    ]
    _, components = msgspec.json.schema_components([*shapes, api.ErrorAnswer], ref_template=_COMPONENTS)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sysmon aggregator",
            "version": _core.__version__,
            "license": {"name": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-SysMon-Token"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "sysmon_session"},
            },
        },
    }


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "done"}
    if route.answer is str:
        answer["content"] = {CONTENT_TYPE: {"schema": {"type": "string"}}}
    elif route.answer is not None:
        schema = {"type": "object"} if route.answer is dict else _ref(route.answer)
        answer["content"] = {"application/json": {"schema": schema}}
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method}{re.sub('[^a-z]+', '_', route.path)}".rstrip("_"),
        "responses": {str(route.status): answer, **_refusals(route)},
        "security": _security(route.permission),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query is not None:
        shape = components[route.query.__name__]
        parameters += [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in shape["properties"].items()
        ]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(route.body)}},
        }
    elif route.permission == "push":
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    return operation


def _refusals(route: Route) -> dict[str, Any]:
    """Every status but the good one, with what it says."""
    is_push = route.permission == "push"
    has_body = is_push or route.body is not None
    reasons = {
        400: "an argument, a header or the body is not as it should be",
        401: "a token is needed",
        403: "this token may not do that, or the request comes from a foreign page",
        404: "there is no such host",
        405: "not this method",
        408: "the body did not come in time",
        409: "it is there already, with other content",
        411: "Content-Length is needed",
        413: "too large",
        415: "not a type or encoding that is taken",
        421: "not served under this name",
        422: "JSON, but no batch",
        500: "what is stored is damaged; everything else is answered",
        429: "too often, or too many: come back after Retry-After",
        503: "cannot be done now: come back after Retry-After",
    }
    possible = {400, 401, 405, 421, 429, 500, 503}
    if route.permission != "public" or route.path == "/api/session":
        possible |= {403}
    if "{" in route.path or _arguments(route) & {"host", "hosts"}:
        possible |= {404}
    if has_body:
        possible |= {411, 413, 415}
    if is_push:
        possible |= {408, 409, 422}
    if route.body in (api.NewHost, api.BackupRequest):
        possible |= {409}
    content = {"application/json": {"schema": _ref(api.ErrorAnswer)}}
    return {str(status): {"description": reasons[status], "content": content} for status in sorted(possible)}


def _arguments(route: Route) -> set[str]:
    return {field.name for field in msgspec.structs.fields(route.query)} if route.query else set()


def _security(permission: Permission) -> list[dict[str, list[str]]]:
    tokens: list[dict[str, list[str]]] = [{"token": []}, {"bearer": []}]
    if permission == "public":
        return []
    return [*tokens, {"session": []}, {}] if permission == "read" else tokens  # {}: reads may be open


def _ref(shape: type) -> dict[str, str]:
    return {"$ref": _COMPONENTS.format(name=shape.__name__)}
