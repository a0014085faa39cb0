"""Tokens, the Host check and sessions, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sysmon.aggregator.auth import Auth, same_origin, token_of, weak_token_warnings
from sysmon.aggregator.refusal import Refusal
from sysmon.aggregator.settings import Settings

PUSH, READ, ADMIN = "p" * 40, "r" * 40, "a" * 40


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def auth(clock: Clock | None = None, **settings: Any) -> Auth:
    known = {"auth_tokens": (PUSH, "p2" * 20), "read_tokens": (READ,), "admin_token": ADMIN} | settings
    return Auth(Settings(data_dir=Path("unused"), **known), clock or Clock())


def refusal(auth: Auth, permission: Any, **given: str | None) -> tuple[int, str] | None:
    try:
        auth.check(permission, **({"token": None, "cookie": None, "host": "localhost"} | given))
    except Refusal as error:
        return error.status, error.code
    return None


UNAUTHORIZED = (401, "unauthorized")
TOO_MANY = (429, "too_many_failures")
FORBIDDEN = (403, "forbidden")
WRONG_HOST = (421, "wrong_host")


@pytest.mark.parametrize(
    ("permission", "push", "read", "admin", "none", "wrong"),
    [
        ("push", None, FORBIDDEN, FORBIDDEN, UNAUTHORIZED, UNAUTHORIZED),
        ("read", FORBIDDEN, None, None, UNAUTHORIZED, UNAUTHORIZED),
        ("admin", FORBIDDEN, FORBIDDEN, None, UNAUTHORIZED, UNAUTHORIZED),
        ("public", None, None, None, None, None),
    ],
)
def test_who_may_what(permission: str, push: Any, read: Any, admin: Any, none: Any, wrong: Any) -> None:
    closed = auth(read_auth="token")
    assert refusal(closed, permission, token=PUSH) == push
    assert refusal(closed, permission, token="p2" * 20) == push
    assert refusal(closed, permission, token=READ) == read
    assert refusal(closed, permission, token=ADMIN) == admin
    assert refusal(closed, permission) == none
    assert refusal(closed, permission, token="x" * 40) == wrong


def test_reads_are_open_on_loopback_only() -> None:
    assert refusal(auth(), "read") is None
    assert refusal(auth(), "read", token=PUSH) is None
    assert refusal(auth(host="0.0.0.0"), "read") == UNAUTHORIZED
    assert refusal(auth(allowed_hosts=("central",)), "read") == UNAUTHORIZED
    assert refusal(auth(trusted_hops=1), "read") == UNAUTHORIZED
    assert refusal(auth(host="0.0.0.0", read_auth="open"), "read") is None


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:9000", "127.0.0.1:9000", "127.9.9.9", "[::1]:9000", "[::1]", "central:80"],
)
def test_known_hosts(host: str) -> None:
    assert refusal(auth(allowed_hosts=("central",), read_auth="open"), "read", host=host) is None


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.1", "[::2]"]
)
def test_a_foreign_host_needs_a_token(host: str | None) -> None:
    assert refusal(auth(), "read", host=host) == WRONG_HOST
    assert refusal(auth(), "public", host=host) == WRONG_HOST
    assert refusal(auth(), "read", host=host, token="x" * 40) == WRONG_HOST
    assert refusal(auth(), "read", host=host, token=READ) is None
    assert refusal(auth(), "push", host=host) == UNAUTHORIZED  # an agent with a wrong token is told so


def test_the_bound_address_is_known() -> None:
    assert refusal(auth(host="10.0.0.5", read_auth="open"), "read", host="10.0.0.5:9000") is None


def test_missing_malformed_and_wrong_tokens_look_alike() -> None:
    told = set()
    for token in (None, "", "x", "ü" * 9, "\udcff", PUSH[:-1], PUSH + " "):
        with pytest.raises(Refusal) as caught:
            auth().check("push", token=token, cookie=None, host="localhost")
        told.add((caught.value.status, caught.value.code, str(caught.value)))
    assert len(told) == 1


def test_token_headers() -> None:
    assert token_of("a", "Bearer b") == "a"
    assert token_of(None, "bearer b") == "b"
    assert token_of(None, "Basic b") is None
    assert token_of(None, "Bearer ") is None
    assert token_of(None, None) is None


def test_a_session_reads_and_does_nothing_else() -> None:
    clock = Clock()
    closed = auth(clock, read_auth="token")
    assert closed.open_session(PUSH) is None
    assert closed.open_session("wrong") is None
    cookie = closed.open_session(READ)
    assert refusal(closed, "read", cookie=cookie) is None
    assert refusal(closed, "admin", cookie=cookie) == UNAUTHORIZED
    assert refusal(closed, "push", cookie=cookie) == UNAUTHORIZED
    assert refusal(closed, "read", cookie=cookie, host="evil.example") == WRONG_HOST
    closed.close_session(cookie)
    assert refusal(closed, "read", cookie=cookie) == UNAUTHORIZED


def test_a_session_ends_unused_and_at_the_latest() -> None:
    clock = Clock()
    closed = auth(clock, read_auth="token")
    idle, used = closed.open_session(READ), closed.open_session(ADMIN)
    for _ in range(12 * 3):  # every 20 minutes for 12 hours
        assert closed.has_session(used)
        clock.now += 1200
    assert not closed.has_session(used)
    assert not closed.has_session(idle)


def test_sessions_are_bounded() -> None:
    closed = auth(read_auth="token")
    first = closed.open_session(READ)
    for _ in range(1000):
        assert closed.open_session(READ)
    assert not closed.has_session(first)


def test_replaced_tokens_count_at_once() -> None:
    ours = auth()
    ours.replace_tokens(Settings(data_dir=Path("unused"), auth_tokens=("n" * 40,)))
    assert not ours.may_push(PUSH)
    assert ours.may_push("n" * 40)


def test_origins() -> None:
    assert same_origin("http://localhost:9000", "localhost:9000")
    assert not same_origin("http://localhost:9001", "localhost:9000")
    assert not same_origin("null", "localhost:9000")
    assert not same_origin("file://localhost:9000", "localhost:9000")
    assert not same_origin(None, "localhost:9000")


def test_weak_tokens_are_told_without_showing_them() -> None:
    assert weak_token_warnings([PUSH]) == []
    (text,) = weak_token_warnings([PUSH, "secret123"])
    assert text.startswith("1 token")
    assert "secret123" not in text


# ---- who guesses -------------------------------------------------------------------------------------------


def guess(auth: Auth, times: int, address: str) -> list[tuple[int, str] | None]:
    return [refusal(auth, "push", token=f"guess {n}", address=address) for n in range(times)]


def test_who_guesses_is_told_to_wait_and_is_forgiven() -> None:
    clock = Clock()
    ours = auth(clock)
    assert guess(ours, 101, "203.0.113.9") == [UNAUTHORIZED] * 100 + [TOO_MANY]
    assert guess(ours, 1, "203.0.113.10") == [UNAUTHORIZED]
    clock.now += 60
    assert guess(ours, 1, "203.0.113.9") == [UNAUTHORIZED]


def test_long_tokens_work_from_where_others_guess_and_short_ones_do_not() -> None:
    """An agent behind the same address must not be locked out; a short token would be found this way."""
    ours = auth(auth_tokens=(PUSH, "secret123"))
    address = "203.0.113.9"
    assert refusal(ours, "push", token="secret123", address=address) is None
    guess(ours, 101, address)
    assert refusal(ours, "push", token=PUSH, address=address) is None
    assert ours.may_push(PUSH, address)
    assert refusal(ours, "push", token="secret123", address=address) == TOO_MANY
    assert not ours.may_push("secret123", address)
    assert ours.may_push("secret123", "203.0.113.10")


def test_who_shows_no_token_guesses_none() -> None:
    ours = auth(read_auth="token")
    assert {refusal(ours, "read", address="203.0.113.9") for _ in range(200)} == {UNAUTHORIZED}


def test_one_ipv6_network_is_one_guesser() -> None:
    ours = auth()
    found = [guess(ours, 1, f"2001:db8::{n:x}")[0] for n in range(101)]
    assert found[-1] == TOO_MANY
    assert guess(ours, 1, "2001:db8:0:1::1") == [UNAUTHORIZED]


def test_no_number_of_addresses_fills_the_memory() -> None:
    ours = auth()
    for n in range(20_000):
        guess(ours, 1, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(ours._guesses._failures) == 10_000
