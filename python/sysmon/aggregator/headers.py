"""Security headers of every answer, and the cookie of the dashboard's session."""

from __future__ import annotations

from typing import Final

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
