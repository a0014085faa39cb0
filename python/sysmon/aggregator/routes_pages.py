"""The dashboard: one page under three addresses, and its few static files, from a list made at the start."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from sysmon.aggregator.routing import needs

bp = Blueprint("pages", __name__)

_FOLDER: Final = Path(__file__).parent.parent / "api"
_PAGE: Final = "dashboard-multi.html"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class _File(NamedTuple):
    body: bytes
    gzipped: bytes
    content_type: str
    etag: str


@cache
def _files() -> dict[str, _File]:
    """Everything that is served, read once: no path from a request ever reaches open()."""
    paths = [_FOLDER / _PAGE, *sorted((_FOLDER / "static").glob("*"))]
    found = {}
    for path in paths:
        kind = _TYPES.get(path.suffix)
        if kind is not None and path.is_file():
            body = path.read_bytes()
            gzipped = gzip.compress(body, mtime=0)
            found[path.name] = _File(body, gzipped, kind, sha256(body).hexdigest()[:32])
    return found


def _serve(name: str) -> Response:
    file = _files().get(name)
    if file is None:
        raise NotFound(f"no file {name[:100]!r} here")
    # No proxy is needed for the page to be light.
    if request.accept_encodings["gzip"]:
        response = Response(file.gzipped, content_type=file.content_type)
        response.content_encoding = "gzip"
        response.set_etag(f"{file.etag}-gzip")  # other bytes, another name
    else:
        response = Response(file.body, content_type=file.content_type)
        response.set_etag(file.etag)
    response.vary.add("Accept-Encoding")
    response.make_conditional(request)
    return response


@bp.get("/")
@bp.get("/compare")
@needs("public")
def page() -> Response:
    """The dashboard; what it shows it asks for, with whatever the visitor may read."""
    return _serve(_PAGE)


@bp.get("/hosts/<hostname>")
@needs("public")
def host_page(hostname: str) -> Response:  # noqa: ARG001 - the page reads it from its address
    """The same page, opened on a host."""
    return _serve(_PAGE)


@bp.get("/static/<name>")
@needs("public")
def static_file(name: str) -> Response:
    """A file of the page."""
    if name == _PAGE:
        raise NotFound
    return _serve(name)
