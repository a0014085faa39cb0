"""The API's client: the only HTTP in the command line, and the demo's pusher.

One `Client` keeps its connections and may be used by several threads. Redirects are never followed, the
environment's proxies are ignored, and every failure is an `ApiError` whose message says what was asked of
whom.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError, TimeoutError

from sysmon import __version__
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

Json = dict[str, Any]
Params = list[tuple[str, str]]

DEFAULT_URL = "http://127.0.0.1:9000"
CONNECT_S = 5.0
READ_S = 15.0
MAX_REPLY_BYTES = 256 << 20  # a range of raw samples of many series; past it something is wrong
PAGE_HOSTS = 500


class Client:
    """Calls the HTTP API of one aggregator.

    Args:
        url: `http://host:port`, with a path if it lives below one.
        token: sent as `X-SysMon-Token`; None sends none.
        timeout_s: longest wait for an answer to begin or go on.

    Raises:
        ApiError: every method. `status` None and code `unreachable` or `timeout` where no answer came.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None, timeout_s: float = READ_S) -> None:
        self.url = url.rstrip("/")
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:  # half an IPv6 address
            usable = False
        if not usable:
            raise ApiError(None, "bad_url", f"{url!r} is not an aggregator's URL such as {DEFAULT_URL}")
        self._headers = {"User-Agent": f"sysmon/{__version__}", "Accept": "application/json"}
        if token:
            self._headers["X-SysMon-Token"] = token
        self._pool = urllib3.PoolManager(
            maxsize=8,
            retries=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_S, timeout_s), read=timeout_s),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back. The client may be used again."""
        self._pool.clear()

    # ---- what there is ---------------------------------------------------------------------------------

    def health(self) -> Json:
        return self._get("/api/health")

    def hosts(self, *, status: str | None = None, tags: Sequence[str] = ()) -> Json:
        """All hosts, every page of them, as one answer. tags: `key:value` each."""
        wanted: Params = [("limit", str(PAGE_HOSTS)), *(("tag", tag) for tag in tags)]
        if status:
            wanted.append(("status", status))
        answer = self._get("/api/hosts", wanted)
        cursor = answer.pop("next_cursor", None)
        while cursor:
            page = self._get("/api/hosts", [*wanted, ("cursor", str(cursor))])
            answer["hosts"] += page["hosts"]
            cursor = page.get("next_cursor")
        return answer

    def host(self, hostname: str) -> Json:
        return self._get(f"/api/hosts/{quote(hostname, safe='')}")

    def ledger(self, hostname: str) -> Json:
        """The books of a host's delivery (docs/delivery.md)."""
        return self._get(f"/api/hosts/{quote(hostname, safe='')}/ledger")

    def processes(self, hostname: str) -> Json:
        """The newest snapshot of the host's busiest processes."""
        return self._get(f"/api/hosts/{quote(hostname, safe='')}/processes")

    def add_host(self, hostname: str, tags: Mapping[str, str]) -> Json:
        body = json.dumps({"hostname": hostname, "tags": dict(tags)}).encode()
        return self._json("POST", "/api/hosts", body=body)

    def change_host(
        self, hostname: str, *, tags: Mapping[str, str | None] | None = None, archived: bool | None = None
    ) -> Json:
        """Sets tags (None takes one away), archives or takes back; the host as it is then."""
        patch = {"tags": dict(tags)} if tags is not None else {"archived": archived}
        path = f"/api/hosts/{quote(hostname, safe='')}"
        return self._json("PATCH", path, body=json.dumps(patch).encode())

    def remove_host(self, hostname: str) -> None:
        """Deletes a host and all it sent."""
        self._json("DELETE", f"/api/hosts/{quote(hostname, safe='')}")

    # ---- the administrator ----------------------------------------------------------------------------

    def backup(self, path: str) -> Json:
        """Copies the database to a new file on the aggregator's machine."""
        return self._json("POST", "/api/admin/backup", body=json.dumps({"path": path}).encode())

    def compact(self) -> Json:
        return self._json("POST", "/api/admin/compact")

    def database_stats(self) -> Json:
        """What fills the database."""
        return self._get("/api/admin/stats")

    def database_check(self) -> Json:
        """Reads all of it, which takes its time."""
        return self._json("POST", "/api/admin/check")

    # ---- samples ---------------------------------------------------------------------------------------

    def metrics(
        self,
        *,
        types: Sequence[str] = (),
        host: str | None = None,
        tags: Sequence[str] = (),
        start: float | None = None,
        end: float | None = None,
        step_s: float | None = None,
        agg: str | None = None,
        across: str | None = None,
    ) -> Json:
        """Series of one host, or of all; times in Unix seconds, tags as `key:value`."""
        params: Params = [("type", name) for name in types] + [("tag", tag) for tag in tags]
        for key, value in (("host", host), ("agg", agg), ("across", across)):
            if value is not None:
                params.append((key, value))
        for key, seconds in (("start", start), ("end", end), ("step", step_s)):
            if seconds is not None:
                params.append((key, f"{seconds:.3f}".rstrip("0").rstrip(".")))
        return self._get("/api/metrics", params)

    def latest(self, *, host: str | None = None, types: Sequence[str] = ()) -> Json:
        params: Params = [("type", name) for name in types]
        if host is not None:
            params.append(("host", host))
        return self._get("/api/metrics/latest", params)

    def compare(self, hosts: Sequence[str], *, start: float | None = None, end: float | None = None) -> Json:
        params: Params = [("hosts", ",".join(hosts))]
        for key, seconds in (("start", start), ("end", end)):
            if seconds is not None:
                params.append((key, f"{seconds:.3f}"))
        return self._get("/api/compare", params)

    def push(self, body: bytes, headers: Mapping[str, str]) -> Json:
        """One POST of the wire (docs/formats/wire.md); `headers` carries its identity and encoding."""
        return self._json("POST", "/api/metrics", body=body, headers=headers)

    # ---- one request -----------------------------------------------------------------------------------

    def _get(self, path: str, params: Params | None = None) -> Json:
        return self._json("GET", path + ("?" + urlencode(params) if params else ""))

    def _json(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        extra = {"Content-Type": "application/json"} if body is not None else {}
        try:
            reply = self._pool.request(
                method,
                self.url + path,
                body=body,
                headers={**self._headers, **extra, **(headers or {})},
                redirect=False,
                preload_content=False,
            )
            try:
                text = b"".join(self._bounded(reply))
            finally:
                reply.release_conn()
        except (HTTPError, LocationParseError, OSError) as error:
            # NewConnectionError counts as a timeout to urllib3, yet it is a refusal.
            if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
                raise ApiError(None, "timeout", f"aggregator {self.url} did not answer in time") from error
            raise ApiError(None, "unreachable", f"aggregator {self.url} {_reason(error)}") from error
        return self._answer(reply.status, text)

    def _bounded(self, reply: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        received = 0
        for piece in reply.stream(1 << 16):
            received += len(piece)
            if received > MAX_REPLY_BYTES:
                raise ApiError(
                    reply.status, "reply_too_large", f"aggregator {self.url} sent more than 256 MiB"
                )
            yield piece

    def _answer(self, status: int, text: bytes) -> Json:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and 200 <= status < 300:
            return answer
        if status == 204 and not text:
            return {}
        error = answer.get("error") if isinstance(answer, dict) else None
        if status in {401, 403} and isinstance(error, dict):
            message = f"aggregator {self.url} refused the token ({status}): {error.get('message', '')}"
            raise ApiError(status, str(error.get("code", "unauthorized")), message)
        if status >= 400 and isinstance(error, dict):
            code, message = str(error.get("code", "error")), str(error.get("message", ""))
            raise ApiError(status, code, message or f"aggregator {self.url} answered {status}")
        raise ApiError(
            status, "not_an_aggregator", f"{self.url} answered {status}, but not as a sysmon aggregator does"
        )


def _reason(error: Exception) -> str:
    """Why there was no answer, in words: the innermost cause is the one that says it."""
    text = str(error)
    if "refused" in text:
        return "refused the connection: nothing listens there"
    if "resolve" in text or "Name or service" in text:
        return "cannot be found: its name does not resolve"
    if "certificate" in text.lower():
        return "has a certificate that this machine does not trust"
    if "reset" in text or "aborted" in text.lower():
        return "closed the connection"
    return "cannot be reached"
