"""What changed of a host between two tellings of its facts: charts are marked with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH: Final = 4  # of members; what lies deeper is compared as a whole
_MOST: Final = 20


def flat_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts by their path: {"mounts": {"/": {"fstype": "ext4"}}} is {"mounts./.fstype": "ext4"}."""
    return dict(_flat("", facts, _DEPTH))


def _flat(prefix: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value and depth:
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner, depth - 1)
    else:
        yield prefix, value


def changed_facts(before: str, after: str) -> dict[str, list[Any]]:
    """[old, new] by path of what differs between two JSON objects, the first twenty; absent is None."""
    try:
        old, new = (flat_facts(msgspec.json.decode(one, type=dict[str, Any])) for one in (before, after))
    except (msgspec.DecodeError, RecursionError):
        return {}  # kept as it came: what a stranger sent need not be an object
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return {name: [old.get(name), new.get(name)] for name in names[:_MOST]}
