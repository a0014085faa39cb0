"""The Flask application: what every request passes through, pushes, sessions; blueprints for the rest."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from sysmon.aggregator.api_types import NewSession
from sysmon.aggregator.auth import same_origin
from sysmon.aggregator.headers import API_HEADERS, PAGE_HEADERS, SESSION_COOKIE
from sysmon.aggregator.refusal import Refusal, error_body, refusal_of
from sysmon.aggregator.routes_fleet import bp as fleet
from sysmon.aggregator.routes_hosts import bp as hosts
from sysmon.aggregator.routes_metrics import bp as metrics
from sysmon.aggregator.routes_pages import bp as pages
from sysmon.aggregator.routes_prometheus import bp as prometheus
from sysmon.aggregator.routing import EXTENSION, aggregator, answer, body_of, check_permission, needs
from sysmon.errors import SysmonError
from sysmon.prometheus.histogram import Histogram

if TYPE_CHECKING:
    from sysmon.aggregator.service import Aggregator

log = logging.getLogger(__name__)

bp = Blueprint("push", __name__)
_SESSION_S = 12 * 3600


def create_flask(service: Aggregator) -> Flask:
    """The complete application over an aggregator that is open already."""
    app = Flask("sysmon.aggregator", static_folder=None, template_folder=None)
    app.extensions[EXTENSION] = service
    app.url_map.strict_slashes = False
    if service.settings.trusted_hops:
        from werkzeug.middleware.proxy_fix import ProxyFix

        hops = service.settings.trusted_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    app.before_request(_start)
    app.before_request(check_permission)
    app.after_request(_secure)
    app.after_request(_measure)
    app.register_error_handler(SysmonError, _refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _failed)
    for blueprint in (bp, hosts, metrics, fleet, prometheus, pages):
        app.register_blueprint(blueprint)
    return app


@bp.post("/api/metrics")
@needs("push")
def push() -> Response:
    """Takes a push and answers once it is committed; push_protocol.py does the same without a thread."""
    service = aggregator()
    ingest = service.ingest
    try:
        headers = {
            name.lower().encode("latin-1"): value.encode("latin-1") for name, value in request.headers.items()
        }
        head = ingest.head(headers)
        begun = ingest.begin(head, request.stream.read(head.length))
        if isinstance(begun, bytes):
            return answer(begun)
        written = service.storage.submit(begun.write).wait()
        return answer(ingest.finish(begun, written))
    except SysmonError as error:
        ingest.refused(refusal_of(error))
        raise


@bp.post("/api/session")
@needs("public")
def open_session() -> Response:
    """Trades a token that may read for a cookie that scripts cannot see; the page asks for it once."""
    _check_origin()
    token = body_of(NewSession).token
    auth = aggregator().auth
    cookie = auth.open_session(token, request.remote_addr)
    if cookie is None:
        raise auth.unauthorized(token, request.remote_addr)
    response = Response(status=204)
    response.set_cookie(
        SESSION_COOKIE, cookie, max_age=_SESSION_S, httponly=True, samesite="Strict", secure=request.is_secure
    )
    return response


@bp.delete("/api/session")
@needs("public")
def close_session() -> Response:
    """Signs out."""
    _check_origin()
    aggregator().auth.close_session(request.cookies.get(SESSION_COOKIE))
    response = Response(status=204)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="Strict")
    return response


def _check_origin() -> None:
    """What changes a session comes from our own page, or from no page at all."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    foreign = origin is not None and not same_origin(origin, request.headers.get("Host"))
    if foreign or site not in ("same-origin", "none"):
        raise Refusal(403, "foreign_origin", "only this aggregator's own page may do that")


def _secure(response: Response) -> Response:
    is_page = response.mimetype != "application/json" and not request.path.startswith("/api/")
    for name, value in PAGE_HEADERS if is_page else API_HEADERS:
        response.headers[name] = value
    return response


def _start() -> None:
    g.begun_s = time.monotonic()


def _measure(response: Response) -> Response:
    """Remembers how long the answer to a read took, by its route; refusals are not answers."""
    rule = request.url_rule
    view = None if rule is None else current_app.view_functions[rule.endpoint]
    if rule is not None and getattr(view, "permission", None) == "read" and response.status_code < 400:
        seconds = aggregator().query_seconds
        histogram = seconds.get(rule.rule) or seconds.setdefault(rule.rule, Histogram())
        histogram.observe(time.monotonic() - g.begun_s)
    return response


def _refused(error: SysmonError) -> Response:
    refusal = refusal_of(error)
    response = answer(error_body(refusal.code, str(refusal)), refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after_s is not None:
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(status, "http_error")
    response = answer(error_body(code, error.description or error.name), status)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _failed(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(error_body("internal", "the aggregator failed; its log says how"), 500)
