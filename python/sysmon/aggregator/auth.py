"""Who is calling and what they may do: push, read and admin tokens, the dashboard's session, the Host check.

Nothing is allowed until said: every route names its permission, and a request proves it by a token, or (reads
only) by the session cookie, or because reads are open on loopback.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from typing import TYPE_CHECKING, Final, Literal

from sysmon.aggregator.guesses import Guesses
from sysmon.aggregator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sysmon.aggregator.settings import Settings

Role = Literal["push", "read", "admin"]
# public: anybody who passes the Host check. own: the route looks at the credentials itself.
Permission = Literal["public", "push", "read", "admin"]

_GRANTS: Final[dict[Permission, tuple[Role, ...]]] = {
    "public": ("push", "read", "admin"),
    "push": ("push",),
    "read": ("read", "admin"),
    "admin": ("admin",),
}
_SESSION_S: Final = 12 * 3600
_SESSION_IDLE_S: Final = 30 * 60
_MAX_SESSIONS: Final = 1_000
_SHORT_TOKEN: Final = 32
_PLACEHOLDERS: Final = frozenset({"secret123", "changeme", "secret", "token", "password", "sysmon"})


def token_of(token_header: str | None, authorization: str | None) -> str | None:
    """The token of a request: X-SysMon-Token, else `Authorization: Bearer …`; None where there is neither."""
    if token_header:
        return token_header
    if authorization and authorization[:7].lower() == "bearer ":
        return authorization[7:].strip() or None
    return None


def token_in(headers: Mapping[bytes, bytes]) -> str | None:
    """`token_of` raw headers, by lower-case name."""
    token, authorization = headers.get(b"x-sysmon-token"), headers.get(b"authorization")
    return token_of(
        None if token is None else token.decode("latin-1"),
        None if authorization is None else authorization.decode("latin-1"),
    )


class Auth:
    """Decides over requests. Thread-safe: its tables are replaced whole, never edited in place."""

    def __init__(self, settings: Settings, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._sessions: dict[bytes, tuple[float, float]] = {}  # digest -> (ends at the latest, last used)
        self._guesses = Guesses()
        self.replace_tokens(settings)

    def replace_tokens(self, settings: Settings) -> None:
        """Takes the tokens of fresh settings (SIGHUP). Who holds an old one is refused from now on."""
        roles: list[tuple[bytes, Role]] = [(_digest(token), "push") for token in settings.auth_tokens]
        roles += [(_digest(token), "read") for token in settings.read_tokens]
        if settings.admin_token:
            roles.append((_digest(settings.admin_token), "admin"))
        self._roles = tuple(roles)
        self._push_digests = tuple(digest for digest, role in roles if role == "push")
        tokens = [*settings.auth_tokens, *settings.read_tokens, settings.admin_token or ""]
        self._weak = frozenset(_digest(token) for token in tokens if is_weak(token))
        self._reads_are_open = settings.reads_are_open
        names = {"localhost", *(name.lower() for name in settings.allowed_hosts)}
        if settings.host not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            names.add(settings.host.lower())
        self._names = frozenset(names)
        self._sessions = {}

    def roles_of(self, token: str | None, address: str | None = None) -> frozenset[Role]:
        """What a token is good for; empty for none and for a wrong one, after the same work."""
        digest = _digest(token or "")
        if digest in self._weak and self._is_guessing(address):
            return frozenset()
        # Every stored token is compared, so that the time says nothing about which one was near.
        return frozenset([role for known, role in self._roles if hmac.compare_digest(digest, known)])

    def may_push(self, token: str | None, address: str | None = None) -> bool:
        digest = _digest(token or "")
        if digest in self._weak and self._is_guessing(address):
            return False
        return sum([hmac.compare_digest(digest, known) for known in self._push_digests]) > 0  # compares all

    def _is_guessing(self, address: str | None) -> bool:
        """Who just tried a hundred others has no use of a token that can be guessed; long ones stay good."""
        return address is not None and self._guesses.is_over(address, self._now_s())

    def unauthorized(self, token: str | None, address: str | None) -> Refusal:
        """The one 401: missing, malformed and wrong tokens look alike. 429 after too many from an address."""
        if token and address is not None and self._guesses.note(address, self._now_s()):
            return Refusal(
                429, "too_many_failures", "too many requests without a valid token", retry_after_s=60
            )
        return Refusal(
            401, "unauthorized", "a valid token is needed: X-SysMon-Token, or Authorization: Bearer"
        )

    def check(
        self,
        permission: Permission,
        *,
        token: str | None,
        cookie: str | None,
        host: str | None,
        address: str | None = None,
    ) -> None:
        """Returns if the request may go on.

        Raises:
            Refusal: 401 without (valid) credentials, 403 with those of another role, 421 for a foreign Host,
                429 for an address that failed too often.
        """
        roles = self.roles_of(token, address) if token else frozenset()
        if roles:
            if not roles.isdisjoint(_GRANTS[permission]) or (permission == "read" and self._reads_are_open):
                return
            raise Refusal(
                403, "forbidden", f"this token may not do that: the request needs one that may {permission}"
            )
        # A page of another site that resolves to us (DNS rebinding) cannot forge the Host header, so this
        # stops it.
        if permission != "push" and not self.knows_host(host):
            raise Refusal(
                421,
                "wrong_host",
                f"not served under the name {(host or '')[:100]!r}; add it to allowed_hosts",
            )
        if permission == "public":
            return
        if permission == "read" and (self._reads_are_open or self.has_session(cookie)):
            return
        raise self.unauthorized(token, address)

    def knows_host(self, host: str | None) -> bool:
        """The Host header is localhost, a literal loopback address, the bound address or listed."""
        if not host:
            return False
        host = host.lower()
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name in self._names or host in self._names:
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False

    def open_session(self, token: str, address: str | None = None) -> str | None:
        """A cookie value that reads for 12 h, 30 min unused; None if the token may not read."""
        if self.roles_of(token, address).isdisjoint(_GRANTS["read"]):
            return None
        now = self._now_s()
        alive = {key: kept for key, kept in self._sessions.items() if _is_alive(kept, now)}
        while len(alive) >= _MAX_SESSIONS:
            del alive[min(alive, key=lambda key: alive[key][1])]
        value = secrets.token_urlsafe(32)
        alive[_digest(value)] = (now + _SESSION_S, now)
        self._sessions = alive
        return value

    def has_session(self, cookie: str | None) -> bool:
        if not cookie:
            return False
        key = _digest(cookie)
        kept = self._sessions.get(key)
        now = self._now_s()
        if kept is None or not _is_alive(kept, now):
            return False
        self._sessions[key] = (kept[0], now)
        return True

    def close_session(self, cookie: str | None) -> None:
        if cookie:
            self._sessions.pop(_digest(cookie), None)


def same_origin(origin: str | None, host: str | None) -> bool:
    """A browser's Origin header names the very host it talks to."""
    if not origin or not host:
        return False
    scheme, separator, name = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and name.lower() == host.lower()


def is_weak(token: str) -> bool:
    """It could be guessed."""
    return len(token) < _SHORT_TOKEN or token.lower() in _PLACEHOLDERS


def weak_token_warnings(tokens: Iterable[str]) -> list[str]:
    """One sentence for each token that is short or well known, without showing it."""
    weak = [token for token in tokens if is_weak(token)]
    if not weak:
        return []
    return [
        f"{len(weak)} token(s) are shorter than {_SHORT_TOKEN} characters or well known: `sysmon token new`"
    ]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _is_alive(session: tuple[float, float], now: float) -> bool:
    ends, used = session
    return now < ends and now - used < _SESSION_IDLE_S
