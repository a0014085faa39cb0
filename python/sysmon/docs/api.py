"""docs/api.md, from the OpenAPI document that the aggregator serves."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sysmon.aggregator.openapi import ROUTES, openapi_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sysmon.aggregator.openapi import Route

_ASKS = {
    "public": "Anybody may ask.",
    "read": "Asks for a read or admin token where reads are not open.",
    "push": "Asks for the token of agents.",
    "admin": "Asks for the admin token.",
}


def api_page() -> str:
    """Every route with its arguments and the members of its answer."""
    document = openapi_document()
    shapes = document["components"]["schemas"]
    lines = [
        "# The API",
        "",
        "Made from the types that check requests and shape answers by `python -m sysmon.docs`;",
        "`GET /api/openapi.json` is the same for programs.",
        "",
        "A token goes into `X-SysMon-Token` or `Authorization: Bearer`. Times are Unix seconds, fractions",
        "are milliseconds. Lists may be repeated (`host=a&host=b`); `host`, `hosts`, `type` and `by` also",
        "take commas.",
        'Errors are `{"error": {"code": "…", "message": "…"}}`: codes are stable, messages are for people.',
        "[The wire](formats/wire.md) has all of `POST /api/metrics`.",
    ]
    for route in ROUTES:
        lines += ["", f"## {route.method.upper()} {route.path}", ""]
        lines += [f"{route.summary}. {_ASKS[route.permission]}"]
        for title, shape in (("Arguments", route.query), ("Body", route.body), ("Answer", route.answer)):
            if shape in (None, dict, str) or not shapes[shape.__name__]["properties"]:
                continue
            lines += ["", f"| {title.lower()} | type | default |", "| --- | --- | --- |"]
            lines += _rows(shapes[shape.__name__], shapes, is_answer=title == "Answer")
        lines += _remark(route)
    lines += ["", "## Shapes", "", "What answers are made of."]
    inside = set(re.findall(r"schemas/(\w+)", json.dumps(shapes)))
    for name in sorted(inside & shapes.keys()):
        if shapes[name].get("properties"):
            lines += ["", f"### {name}", "", "| member | type | default |", "| --- | --- | --- |"]
            lines += _rows(shapes[name], shapes, is_answer=True)
    return "\n".join(lines) + "\n"


def _remark(route: Route) -> Iterator[str]:
    if route.answer is str:
        yield ""
        yield "Answers with Prometheus' text format 0.0.4."
    elif route.status != 200:
        yield ""
        yield f"Answers with {route.status}{' and no body' if route.status == 204 else ''}."


def _rows(shape: Mapping[str, Any], shapes: Mapping[str, Any], *, is_answer: bool) -> Iterator[str]:
    required = shape.get("required", [])
    for name, schema in shape["properties"].items():
        text = _type_of(schema, shapes)
        descriptions = [
            one["description"] for one in (schema, *schema.get("anyOf", ())) if "description" in one
        ]
        text = ": ".join([text, *descriptions])
        default = "" if name in required or "default" not in schema else f"`{_literal(schema['default'])}`"
        if not is_answer and name in required:
            default = "must be there"
        yield f"| `{name}` | {text.replace('|', '&#124;')} | {default} |"


def _literal(value: Any) -> str:
    return (
        {None: "null", True: "true", False: "false"}.get(value, str(value))
        if not isinstance(value, list | dict)
        else str(value)
    )


def _type_of(schema: Mapping[str, Any], shapes: Mapping[str, Any]) -> str:
    """A type in words: `list of HostView`, `text or null`, `1 or 2`."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})" if shapes[name].get("properties") else name
    if "anyOf" in schema:
        return " or ".join(_type_of(one, shapes) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return "(" + ", ".join(_type_of(one, shapes) for one in schema["prefixItems"]) + ")"
        return f"list of {_type_of(schema.get('items', {}), shapes)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_type_of(inner, shapes)}" if isinstance(inner, dict) and inner else "object"
    bounds = [
        f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema
    ]
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return " ".join([words.get(str(kind), str(kind or "anything")), *bounds])
