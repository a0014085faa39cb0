"""Security headers of every answer, the cookie of the dashboard's session, and whom proxies speak for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_CSP_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
_COMMON = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)

PAGE_HEADERS: Final = (*_COMMON, ("Content-Security-Policy", _CSP_PAGE), ("Cache-Control", "no-cache"))
API_HEADERS: Final = (
    *_COMMON,
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)
# Ready for ASGI, where names are lower-case bytes.
ASGI_API_HEADERS: Final = [(name.lower().encode(), value.encode()) for name, value in API_HEADERS]

SESSION_COOKIE: Final = "sysmon_session"


def address_of(peer: str, headers: Iterable[tuple[bytes, bytes]], hops: int) -> str:
    """Who is at the other end; behind so many trusted proxies whom the outermost saw, as ProxyFix has it."""
    if hops == 0:
        return peer
    lines = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    seen = ",".join(lines).split(",")
    return seen[-hops].strip() if lines and hops <= len(seen) else peer
