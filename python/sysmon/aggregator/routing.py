"""What every Flask route shares: its permission, its checked arguments, its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec
from flask import Response, current_app, request

from sysmon.aggregator.auth import token_of
from sysmon.aggregator.headers import SESSION_COOKIE
from sysmon.aggregator.refusal import Refusal, bad_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from sysmon.aggregator.auth import Permission
    from sysmon.aggregator.service import Aggregator

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Response]")

_MAX_JSON_BYTES: Final = 64 * 1024
_COMMA_LISTS: Final = frozenset({"host", "hosts", "type", "by"})
EXTENSION: Final = "sysmon"


def needs(permission: Permission) -> Callable[[F], F]:
    """Says what a caller must be allowed for a route; a route without it is refused to everybody."""

    def mark(view: F) -> F:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def aggregator() -> Aggregator:
    return cast("Aggregator", current_app.extensions[EXTENSION])


def check_permission() -> None:
    """Before every request. Raises Refusal if the caller may not."""
    view = current_app.view_functions.get(request.endpoint or "")
    permission: Permission = getattr(view, "permission", "admin") if view else "public"
    aggregator().auth.check(
        permission,
        token=request_token(),
        cookie=request.cookies.get(SESSION_COOKIE),
        host=request.headers.get("Host"),
        address=request.remote_addr,
    )


def request_token() -> str | None:
    return token_of(request.headers.get("X-SysMon-Token"), request.headers.get("Authorization"))


def may_read() -> bool:
    """The caller of a public route might also read."""
    try:
        aggregator().auth.check(
            "read",
            token=request_token(),
            cookie=request.cookies.get(SESSION_COOKIE),
            host=request.headers.get("Host"),
        )
    except Refusal:
        return False
    return True


def query_of(shape: type[T]) -> T:
    """The query string as a checked struct; `host`, `hosts`, `type` and `by` may be repeated or comma lists.

    Raises:
        Refusal: an argument is unknown or not as it should be.
    """
    lists = {field.encode_name for field in msgspec.structs.fields(shape) if field.default_factory is list}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name in request.args:
        values = request.args.getlist(name)
        if name in _COMMA_LISTS:
            values = [part.strip() for value in values for part in value.split(",") if part.strip()]
        given[name] = values if name in lists else values[-1]
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise bad_argument(str(error)) from None


def body_of(shape: type[T]) -> T:
    """The JSON body as a checked struct. Raises Refusal."""
    if request.mimetype != "application/json":
        raise Refusal(415, "unsupported_type", "send Content-Type: application/json")
    if request.content_length is None:
        raise Refusal(411, "length_required", "send Content-Length")
    if request.content_length > _MAX_JSON_BYTES:
        raise Refusal(413, "body_too_large", f"at most {_MAX_JSON_BYTES} bytes")
    try:
        return msgspec.json.decode(request.get_data(), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_argument(f"body: {error}") from None


def answer(value: Any, status: int = 200) -> Response:
    """An API answer; `value` is a struct, or JSON that is written already."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, status=status, mimetype="application/json")
