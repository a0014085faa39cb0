"""Selectors of series, as in `/federate?match[]=`: a name and matchers of labels.

The subset of PromQL that selects: `name`, `name{label="value", …}`, `{label=~"a.*"}`, with `=`, `!=`, `=~`
and `!~`, and strings in double quotes, single quotes or backquotes. Regular expressions match the whole
value. They are run by SQLite's matcher, whose time grows with pattern × text and never explodes, whatever a
caller sends; it knows `. * + ? | ( ) [ ] \\d \\w \\s`, but neither counts `{n,m}` nor groups that begin
with `(?`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import apsw
import apsw.sqlite_extra

from sysmon.aggregator.refusal import bad_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from sysmon.aggregator.refusal import Refusal

NAME: Final = "__name__"
_MAX_TEXT: Final = 1_000
_MAX_PATTERN: Final = 256
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*`)
    | (?P<sign>=~|!~|!=|=|\{|\}|,)
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_COUNTED: Final = re.compile(r"(?<!\\)(?:\\\\)*(?:\{|\(\?)")


class Matcher:
    """One condition on one label. A label that is not there is the empty text, as in Prometheus."""

    def __init__(self, label: str, sign: str, value: str) -> None:
        """Raises Refusal: a regular expression is not one."""
        self.label = label
        self._equal = sign in ("=", "=~")
        self._is_value: Callable[[str], bool] = value.__eq__ if sign in ("=", "!=") else _pattern(value)
        self._known: dict[str, bool] = {}

    def matches(self, value: str) -> bool:
        """Whether the label's value is as it should be; remembers, for values repeat a lot."""
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = self._is_value(value) is self._equal
        return known


class Selector:
    """All conditions of one `match[]`."""

    def __init__(self, text: str) -> None:
        """Raises Refusal: it is not a selector, or a regular expression in it is not one."""
        if len(text) > _MAX_TEXT:
            raise bad_argument(f"match[]: {len(text)} characters; at most {_MAX_TEXT}")
        self.matchers = _parse(text)
        if all(matcher.matches("") for matcher in self.matchers):
            raise bad_argument(
                f"match[]: {_shown(text)} selects everything: one matcher must not match the empty text"
            )


def _pattern(pattern: str) -> Callable[[str], bool]:
    """A test for texts that the pattern matches from end to end."""
    if len(pattern) > _MAX_PATTERN:
        raise bad_argument(
            f"match[]: a regular expression of {len(pattern)} characters; at most {_MAX_PATTERN}"
        )
    if _COUNTED.search(pattern):
        raise bad_argument(
            f"match[]: {_shown(pattern)}: counts {{n,m}} and groups that begin with (? are not supported"
        )
    db = apsw.Connection("")
    apsw.sqlite_extra.load(db, "regexp")

    def is_match(text: str) -> bool:
        return bool(db.execute("SELECT ? REGEXP ?", (text, f"^({pattern})$")).get)

    try:
        db.execute("SELECT '' REGEXP ?", (pattern,)).get  # noqa: B018 - by itself: brackets of ours balance none
        is_match("")
    except apsw.SQLError as error:
        raise bad_argument(f"match[]: {_shown(pattern)} is not a regular expression: {error}") from None
    return is_match


def _parse(text: str) -> tuple[Matcher, ...]:
    tokens = _tokens(text)
    matchers = []
    at = 0
    if tokens[at][0] == "name":
        matchers.append(Matcher(NAME, "=", tokens[at][1]))
        at += 1
    if tokens[at][1] == "{" and tokens[at][0] == "sign":
        at += 1
        while tokens[at] != ("sign", "}"):
            (kind, label), (_, sign), (value_kind, value) = (
                tokens[at : at + 3] if len(tokens) > at + 3 else _NONE
            )
            if kind != "name" or sign not in ("=", "!=", "=~", "!~") or value_kind != "string":
                raise _unexpected(text, 'label="value" after { or ,')
            matchers.append(Matcher(label, sign, value))
            at += 3
            if tokens[at] == ("sign", ","):
                at += 1
            elif tokens[at] != ("sign", "}"):
                raise _unexpected(text, ", or } after a matcher")
        at += 1
    if tokens[at][0] != "end" or not matchers:
        raise _unexpected(text, 'a selector like sysmon_load1{host="web01"}')
    return tuple(matchers)


_NONE: Final = (("end", ""), ("end", ""), ("end", ""))


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unexpected(text, f"something else at {_shown(text[at:].strip())}")
        kind = match.lastgroup or ""
        value = match[kind]
        found.append((kind, _unquoted(value) if kind == "string" else value))
        at = match.end()
    return [*found, ("end", "")]


def _unquoted(quoted: str) -> str:
    return quoted[1:-1] if quoted[0] == "`" else _ESCAPE.sub(_unescaped, quoted[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    what = match[1]
    if what[0] in "xuU" and len(what) > 1:
        code = int(what[1:], 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise bad_argument(f"match[]: {match[0]} is not a character")
        return chr(code)
    if what.isdigit() and len(what) == 3:
        return chr(int(what, 8))
    if what in _ESCAPES:
        return _ESCAPES[what]
    if what in "\\\"'`":
        return what
    raise bad_argument(f"match[]: unknown escape {match[0]} in a string; a backslash is written twice")


def _unexpected(text: str, expected: str) -> Refusal:
    return bad_argument(f"match[]: {_shown(text)}: expected {expected}")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "…")
