"""F37: what pages of other sites, rebound names, odd framing and odd paths try with an aggregator.

Every attack is one connection with bytes of its own, and a sentence that must hold for all that comes back.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aggregator_process import TOKEN, AggregatorProcess
from faults.hostile import WAIT_S, GoodHost, connect
from faults.oracle import BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_READ: Final = "r" * 40
_ADMIN: Final = "a" * 40
_QUIET_S: Final = 0.3  # after an answer: nothing more comes
_JSON: Final = "Content-Type: application/json"


class Attack(NamedTuple):
    """`is_foiled` is asked with all that was answered; empty where the connection was just closed."""

    name: str
    request: bytes
    is_foiled: Callable[[bytes], bool]


class Site(NamedTuple):
    """Whom the attacks are for."""

    host: str  # and port, as a browser would name it
    cookie: str  # of a browser that may read
    routes: list[tuple[str, str]]  # (method, path)


@dataclass
class Tally:
    refused: int = 0
    hostile_inputs: int = 0
    hostile_5xx: int = 0


def attack(seed: int, tries: int, folder: Path) -> Tally:
    """So many of the attacks there are, in any order, and a host that pushes on meanwhile.

    Raises:
        BrokenError: with the first attack that was not foiled.
    """
    tally = Tally()
    folder.mkdir(parents=True)
    running = AggregatorProcess(
        folder, SYSMON_READ_AUTH="token", SYSMON_READ_TOKENS=_READ, SYSMON_ADMIN_TOKENS=_ADMIN
    )
    with running, GoodHost(running, "web01") as good:
        good.pushes(3)
        site = _visit(running)
        _let_friends_in(running, site)
        before = _state(running)
        attacks = [one for kind in KINDS for one in kind(site)]
        for number, one in enumerate(Random(seed).sample(attacks, min(tries, len(attacks)))):
            answer = _exchange(running.address, one.request)
            tally.hostile_inputs += 1
            tally.hostile_5xx += bool(re.search(rb"(?m)^HTTP/1\.1 5\d\d (?!Service)", answer))
            if tally.hostile_5xx or not one.is_foiled(answer):
                raise BrokenError("error", f"{one.name}: {one.request[:300]!r} got {answer[:500]!r}")
            tally.refused += 1
            if number % 50 == 0:
                good.pushes(1)
        if (after := _state(running)) != before:
            raise BrokenError("error", f"something was changed: {before} is now {after}")
        _let_friends_in(running, site)
    return tally


# ---- the site ----------------------------------------------------------------------------------------------


def _visit(running: AggregatorProcess) -> Site:
    host, port = running.address
    with connect(running) as connection:
        connection.request(
            "POST", "/api/session", json.dumps({"token": _READ}), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    paths = _ask(running, "/api/openapi.json")["paths"]
    routes = [
        (method.upper(), re.sub(r"\{\w+\}", "web01", path))
        for path, methods in paths.items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    ]
    return Site(f"{host}:{port}", cookie, [*routes, ("GET", "/"), ("GET", "/static/app.js")])


def _ask(running: AggregatorProcess, path: str) -> Any:
    with connect(running) as connection:
        connection.request("GET", path, headers={"X-SysMon-Token": _READ})
        return json.loads(connection.getresponse().read())


def _state(running: AggregatorProcess) -> Any:
    """What an attack might have changed."""
    hosts = _ask(running, "/api/hosts")["hosts"]
    return [(host["hostname"], host["tags"], host.get("archived")) for host in hosts]


def _let_friends_in(running: AggregatorProcess, site: Site) -> None:
    """The cookie reads, and our own page listens: an aggregator that refuses everybody foils nothing."""
    own = _request("GET", "/api/hosts", site.host, f"Cookie: {site.cookie}")
    page = _upgrade(site.host, f"Origin: http://{site.host}", f"Cookie: {site.cookie}")
    for request, status in ((own, b"200"), (page, b"101")):
        answer = _exchange(running.address, request)
        if answer[9:12] != status:
            raise BrokenError("error", f"{request!r} of a friend got {answer[:200]!r}")


def _request(method: str, path: str, host: str | None, *lines: str, body: str = "") -> bytes:
    head = [f"{method} {path} HTTP/1.1", *([] if host is None else [f"Host: {host}"]), *lines]
    if body or method != "GET":
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "Connection: close", "", body]).encode("latin-1")


def _upgrade(host: str | None, *lines: str, version: str = "13") -> bytes:
    head = ["GET /ws HTTP/1.1", *([] if host is None else [f"Host: {host}"])]
    head += ["Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Version: {version}"]
    return "\r\n".join([*head, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *lines, "", ""]).encode()


def _exchange(address: tuple[str, int], request: bytes) -> bytes:
    """All that comes back until the connection is closed, or nothing more comes."""
    got = b""
    connected = socket.create_connection(address, timeout=WAIT_S)
    with connected as sock, contextlib.suppress(ConnectionError, TimeoutError):
        sock.sendall(request)
        while piece := sock.recv(65_536):
            got += piece
            sock.settimeout(_QUIET_S)
    return got


def _has(*statuses: int) -> Callable[[bytes], bool]:
    """One answer, with one of these statuses."""
    allowed = {str(status).encode() for status in statuses}
    return lambda answer: answer.count(b"HTTP/1.1 ") == 1 and answer[9:12] in allowed


# ---- names that were rebound -------------------------------------------------------------------------------

_FOREIGN: Final = (
    None,
    "",
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example#localhost",
    "evil.example, localhost",
    "10.0.0.1",
    "0.0.0.0",
    "[::2]:{port}",
    "[::ffff:10.0.0.1]",
    "2130706433",
    "0x7f.0.0.1",
    "localhost\r\nHost: evil.example",
    "evil.example\r\nHost: localhost",
    "evil.example\r\nX-Forwarded-Host: localhost",
    "evil.example\r\nForwarded: host=localhost",
)


def _rebound(site: Site) -> Iterator[Attack]:
    """A page of evil.example whose name now means us: it may send all but another Host, and has no token."""
    port = site.host.rpartition(":")[2]
    for (method, path), host in itertools.product(site.routes, _FOREIGN):
        named = None if host is None else host.format(port=port)
        request = _request(method, path, named, _JSON, f"Cookie: {site.cookie}")
        allowed = (401,) if (method, path) == ("POST", "/api/metrics") else (421,)
        yield Attack(f"Host {host!r}", request, _has(400, 404, 405, *allowed))


# ---- pages of other sites ----------------------------------------------------------------------------------

_ORIGINS: Final = (
    "http://evil.example",
    "null",
    "file://",
    "http://localhost:1",
    "http://{host}.evil.example",
    "http://evil.example/{host}",
    "http://{host}@evil.example",
    "ws://{host}",
    "javascript://{host}",
    "http://",
    "http://evil.example, http://{host}",
)
_FORMS: Final = (
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
)


def _cross_site(site: Site) -> Iterator[Attack]:
    """The browser sends its cookie along (it should not: SameSite); nothing may be written with it."""
    writes = [route for route in site.routes if route[0] != "GET"]
    body = json.dumps({"token": _READ, "hostname": "planted", "archived": True, "metrics": []})
    for (method, path), origin, form in itertools.product(writes, _ORIGINS, _FORMS):
        lines = [f"Origin: {origin.format(host=site.host)}", f"Content-Type: {form}"]
        lines += ["Sec-Fetch-Site: cross-site", f"Cookie: {site.cookie}"]
        request = _request(method, path, site.host, *lines, body=body)
        yield Attack(f"Origin {origin}", request, _writes_nothing)


def _writes_nothing(answer: bytes) -> bool:
    return _has(401, 403, 415)(answer) and b"set-cookie" not in answer.lower()


def _sockets(site: Site) -> Iterator[Attack]:
    """Another site's page opens the live channel, with the cookie of the browser it is in."""
    cookie = f"Cookie: {site.cookie}"
    for origin in _ORIGINS:
        request = _upgrade(site.host, f"Origin: {origin.format(host=site.host)}", cookie)
        yield Attack(f"socket, Origin {origin}", request, _has(400, 403))
    own = f"Origin: http://{site.host}"
    two = _upgrade(site.host, "Origin: http://evil.example", own, cookie)
    yield Attack("socket, two Origins", two, _has(400, 403))
    yield Attack("socket, no cookie", _upgrade(site.host, own), _has(403))
    yield Attack("socket, rebound", _upgrade("evil.example", "Origin: http://evil.example"), _has(403))
    yield Attack("socket, no Host", _upgrade(None, own, cookie), _has(400, 403))
    yield Attack("socket, version 0", _upgrade(site.host, own, cookie, version="0"), _has(400, 426))


# ---- requests within requests ------------------------------------------------------------------------------

_HIDDEN: Final = b"GET /api/hosts/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
_WHOLE: Final = str(len(_LAST_CHUNK + _HIDDEN))
# (Transfer-Encoding, Content-Length): two readers of these heads may disagree about where the request ends.
_FRAMES: Final = (
    *itertools.product(
        (
            "Transfer-Encoding: chunked",
            "transfer-encoding: CHUNKED",
            "Transfer-Encoding:\tchunked",
            "Transfer-Encoding: chunked\t",
            "Transfer-Encoding: identity, chunked",
            "X: y\r\nTransfer-Encoding: chunked",
        ),
        ("Content-Length: 5", f"Content-Length: {_WHOLE}", "Content-Length: 0"),
    ),
    *itertools.product(
        (
            "Transfer-Encoding : chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: chunked\x0b",
            "Transfer-Encoding: \x00chunked",
            "Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked",
            "X: y\r\n Transfer-Encoding: chunked",
            "X: y\rTransfer-Encoding: chunked",
            "\x00Transfer-Encoding: chunked",
        ),
        ("", "Content-Length: 5", f"Content-Length: {_WHOLE}"),
    ),
    *itertools.product(
        ("",),
        (
            f"Content-Length: 0\r\nContent-Length: {_WHOLE}",
            f"Content-Length: {_WHOLE}\r\nContent-Length: 0",
            f"Content-Length: 0, {_WHOLE}",
            "Content-Length: +5",
            "Content-Length: -5",
            "Content-Length: 0x5",
            "Content-Length: 5 5",
            "Content-Length: 5.0",
            "Content-Length : 5",
            "Content-Length: 18446744073709551621",
            "Content-Length: \x005",
        ),
    ),
)
_CHUNKS: Final = (
    b"0x0\r\n\r\n",
    b"-0\r\n\r\n",
    b"0\n\n",
    b"0;\n\r\n\r\n",
    b"10000000000000000\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"\r\n0\r\n\r\n",
    b"5\r\nhelloX0\r\n\r\n",
)


def _smuggled(site: Site) -> Iterator[Attack]:
    """One request for one reader, two for another: the second one is never answered."""
    token = f"X-SysMon-Token: {TOKEN}"
    for method, path in (("POST", "/api/metrics"), ("POST", "/api/session"), ("GET", "/api/hosts")):
        head = [f"{method} {path} HTTP/1.1", f"Host: {site.host}", token, _JSON]
        for transfer, length in _FRAMES:
            lines = [*head, *(line for line in (transfer, length) if line), "", ""]
            request = "\r\n".join(lines).encode("latin-1") + _LAST_CHUNK + _HIDDEN
            yield Attack(f"framed {transfer!r} {length!r}", request, _hides_nothing)
        for chunk in _CHUNKS:
            lines = [*head, "Transfer-Encoding: chunked", "", ""]
            yield Attack(f"chunk {chunk!r}", "\r\n".join(lines).encode() + chunk + _HIDDEN, _hides_nothing)


def _hides_nothing(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 4") and answer.count(b"HTTP/1.1 ") == 1 and b"smuggled" not in answer


# ---- paths, and what they put into answers -----------------------------------------------------------------

_INJECTED: Final = (
    "%0d%0aX-Injected:%201",
    "%0aX-Injected:%201",
    "%0d%0a%0d%0a<script>",
    "%E5%98%8D%E5%98%8AX-Injected:%201",
    "%5cr%5cnX-Injected:%201",
    "\rX-Injected: 1",
    "\x00X-Injected: 1",
)
_PLACES: Final = (
    "/{0}",
    "/static/{0}",
    "/api/hosts/{0}",
    "/api/metrics?host={0}&type=a",
    "/api/events?kind={0}",
    "/federate?match[]={0}",
    "//evil.example/{0}",
    "/\\evil.example/{0}",
    "//evil.example/..;/{0}",
)
_SECRETS: Final = (
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e%252f%252e%252e%252fetc%252fpasswd",
    "..%c0%af..%c0%afetc%c0%afpasswd",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "....//....//....//etc/passwd",
    "..\\..\\..\\etc\\passwd",
    "..%5c..%5cetc%5cpasswd",
    "app.js%00.html",
    "app.js/../../server.py",
    "./././../auth.py",
    "/etc/passwd",
    "file:///etc/passwd",
    "..;/..;/etc/passwd",
    "a/" * 2_000 + "etc/passwd",
)


def _injected(site: Site) -> Iterator[Attack]:
    for place, text in itertools.product(_PLACES, _INJECTED):
        request = _request("GET", place.format(text), site.host, f"Cookie: {site.cookie}")
        yield Attack(f"injected {text!r}", request, _says_nothing_of_it)


def _says_nothing_of_it(answer: bytes) -> bool:
    """Neither a header of theirs nor the way to their site; text of theirs only within JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    told = head.lower()
    is_ours = b"x-injected" not in told and not re.search(rb"location:.*evil", told)
    return (
        is_ours
        and answer.count(b"HTTP/1.1 ") == 1
        and (not body or b"<script>" not in body or b"json" in told)
    )


def _outside(site: Site) -> Iterator[Attack]:
    for prefix, path in itertools.product(("/", "/static/", "/static", "/api/hosts/"), _SECRETS):
        request = _request("GET", prefix + path, site.host, f"Cookie: {site.cookie}")
        yield Attack(f"path {prefix}{path[:60]}", request, _gives_no_file)


def _gives_no_file(answer: bytes) -> bool:
    leaks = any(text in answer for text in (b"root:", b"import annotations", b"def create_app"))
    return not leaks and (not answer or _has(308, 400, 404, 414)(answer))


KINDS: Final[tuple[Callable[[Site], Iterable[Attack]], ...]] = (
    _rebound,
    _cross_site,
    _sockets,
    _smuggled,
    _injected,
    _outside,
)
