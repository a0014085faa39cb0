"""Edits of a YAML file line by line: comments, order and spelling of everything else stay.

PyYAML's node marks say where each key and value stands; an edit is one replacement of characters between two
marks. Each edit is checked by loading the result: a file whose style defeats it (anchors, merge keys) is
refused, never damaged.
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import yaml

from sysmon.errors import ConfigError

KeyPath = tuple[str, ...]

_PLAIN = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./~@:+%-]*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "~", "y", "n"}


def render(value: str | list[str] | dict[str, str]) -> str:
    """A value as it stands after `key: ` on one line."""
    if isinstance(value, list):
        return "[" + ", ".join(render(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{render(key)}: {render(item)}" for key, item in value.items()) + "}"
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not value.endswith(":"):
        return value
    text: str = yaml.safe_dump(value, default_style='"', width=1 << 20, allow_unicode=True)
    return text.strip()


def set_value(text: str, path: KeyPath, value: str | list[str] | dict[str, str]) -> str:
    """The text with the value at `path`, replaced where it stands or added as the last key of its mapping.

    Raises:
        ConfigError: not YAML, a parent is not a mapping, or the file cannot be edited line by line.
    """
    root = _compose(text)
    edited = _set(text, root, path, render(value))
    expected = _loaded(text)
    parent = expected
    for key in path[:-1]:
        parent[key] = parent.get(key) or {}
        parent = parent[key]
    parent[path[-1]] = yaml.safe_load(render(value))
    return _checked(edited, expected)


def unset_value(text: str, path: KeyPath) -> str:
    """The text without the key at `path` and without parents that this leaves empty."""
    root = _compose(text)
    chain = _chain(root, path)
    if len(chain) < len(path):
        return text
    expected = _loaded(text)
    at = len(path) - 1
    while at > 0 and len(chain[at - 1][1].value) == 1:
        at -= 1
    parent = expected
    for key in path[:at]:
        parent = parent[key]
    del parent[path[at]]
    mapping = chain[at - 1][1] if at else root
    return _checked(_remove(text, mapping, *chain[at]), expected)


def line_of(text: str, path: KeyPath) -> int | None:
    """The line, from 1, on which the key at `path` stands; None if it is not there."""
    chain = _chain(_compose(text), path)
    return chain[-1][0].start_mark.line + 1 if len(chain) == len(path) else None


def write_private(path: Path, text: str) -> None:
    """Writes the file whole or not at all, mode 0600; missing folders are made, 0700.

    A symbolic link stays one: what it points to is replaced.
    """
    target = path.resolve()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # O_EXCL, 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
            if os.geteuid() == 0 and target.exists():
                owner = target.stat()
                os.fchown(out.fileno(), owner.st_uid, owner.st_gid)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# ---- between the marks -------------------------------------------------------------------------------------

Pair = tuple[yaml.Node, yaml.Node]


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {str(error).replace(chr(10), ' ')}") from error


def _loaded(text: str) -> dict[str, Any]:
    data = yaml.safe_load(text)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError("the file holds no settings: expected `agent:` and its keys below it")
    return copy.deepcopy(data)


def _checked(edited: str, expected: dict[str, Any]) -> str:
    try:
        same = _without_empty(_loaded(edited)) == _without_empty(expected)
    except yaml.YAMLError:
        same = False
    if not same:
        raise ConfigError("this file cannot be edited line by line: change it with an editor")
    return edited


def _without_empty(data: Any) -> Any:
    """The data without mappings that hold nothing: `agent:` alone is no setting."""
    if not isinstance(data, dict):
        return data
    kept = {key: _without_empty(value) for key, value in data.items()}
    return {key: value for key, value in kept.items() if value not in ({}, None)}


def _pair(node: yaml.Node | None, key: str) -> Pair | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value == key:
                return name, value
    return None


def _chain(root: yaml.Node | None, path: KeyPath) -> list[Pair]:
    """The (key, value) nodes along `path`, as far as they exist."""
    chain: list[Pair] = []
    node = root
    for key in path:
        pair = _pair(node, key)
        if pair is None:
            break
        chain.append(pair)
        node = pair[1]
    return chain


def _end(node: yaml.Node) -> int:
    """Where a value's text ends. A block collection's own end mark lies past the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    """The index of the line break that ends the line of `at`, or of the end of the text."""
    if at and text[at - 1 : at] == "\n":
        return at - 1
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index


def _set(text: str, root: yaml.Node | None, path: KeyPath, value: str) -> str:
    chain = _chain(root, path)
    if len(chain) == len(path):
        return _replace(text, *chain[-1], value)
    missing = path[len(chain) :]
    if not chain and root is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return text + gap + _block(missing, value, 0)
    mapping = chain[-1][1] if chain else root
    if chain and _is_empty(chain[-1][1]):
        key = chain[-1][0]
        at = _line_end(text, _after_colon(text, key))
        return f"{text[:at]}\n{_block(missing, value, key.start_mark.column + 2).rstrip(chr(10))}{text[at:]}"
    if not isinstance(mapping, yaml.MappingNode):
        raise ConfigError(f"{'.'.join(path[: len(chain)])} holds a value: expected keys below it")
    if mapping.flow_style:
        nested = value
        for name in reversed(missing[1:]):
            nested = f"{{{render(name)}: {nested}}}"
        last = mapping.value[-1][1].end_mark.index if mapping.value else mapping.start_mark.index + 1
        return f"{text[:last]}{', ' if mapping.value else ''}{render(missing[0])}: {nested}{text[last:]}"
    at = _line_end(text, _end(mapping))
    column = mapping.value[0][0].start_mark.column
    return f"{text[:at]}\n{_block(missing, value, column).rstrip(chr(10))}{text[at:]}"


def _after_colon(text: str, key: yaml.Node) -> int:
    return text.index(":", key.end_mark.index) + 1


def _replace(text: str, key: yaml.Node, node: yaml.Node, value: str) -> str:
    start, end = int(node.start_mark.index), _end(node)
    colon = _after_colon(text, key)
    if _is_empty(node):
        return f"{text[:colon]} {value}{text[colon:]}"
    if "\n" in text[colon:start]:  # a block below its key: the key's own line and its comment stay
        line = _line_end(text, colon)
        return f"{text[:colon]} {value}{text[colon:line]}{text[_line_end(text, end) :]}"
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        end = _line_end(text, end)
    return f"{text[:start]}{value}{text[end:]}"


def _remove(text: str, mapping: yaml.Node | None, key: yaml.Node, node: yaml.Node) -> str:
    start, end = int(key.start_mark.index), _end(node)
    if isinstance(mapping, yaml.MappingNode) and mapping.flow_style:
        after = re.match(r"\s*,\s*", text[end:])
        if after:
            return text[:start] + text[end + after.end() :]
        before = re.search(r",\s*$", text[:start])
        return text[: before.start() if before else start] + text[end:]
    first = text.rfind("\n", 0, start) + 1
    return text[:first] + text[min(len(text), _line_end(text, max(end, _after_colon(text, key))) + 1) :]


def _block(path: KeyPath, value: str, column: int) -> str:
    lines = [f"{' ' * (column + 2 * depth)}{render(key)}:" for depth, key in enumerate(path)]
    return "\n".join(lines) + f" {value}\n"
