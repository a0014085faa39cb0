"""What the shell may complete: hosts from a cache of a minute, metric types, setting keys. Never an error."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sysmon.cli.base import common
from sysmon.errors import SysmonError
from sysmon.format import UNPRINTABLE

if TYPE_CHECKING:
    import click

CACHE_S = 60.0
_TIMEOUT_S = 1.0  # a person waits with the finger on Tab


def hosts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's
    """Names of the fleet's hosts."""
    with contextlib.suppress(SysmonError, OSError, ValueError, KeyError, TypeError):
        return [name for name in _hosts(ctx) if name.startswith(incomplete) and not UNPRINTABLE.search(name)]
    return []


def types(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - as above
    """Metric types of the registry."""
    from sysmon import registry

    return [info.name for info in registry() if info.name.startswith(incomplete)]


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - as above
    """Keys of the agent's settings."""
    from sysmon import agent_settings

    return [setting["key"] for setting in agent_settings() if setting["key"].startswith(incomplete)]


def _hosts(ctx: click.Context) -> list[str]:
    options = common(ctx)
    options.timeout_s = _TIMEOUT_S
    with options.client() as client:
        cached = _cached(client.url)
        if cached is not None:
            return cached
        names = [str(host["hostname"]) for host in client.hosts()["hosts"]]
    _remember(client.url, names)
    return names


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sysmon" / "hosts.json"


def _cached(url: str) -> list[str] | None:
    """The names that this aggregator gave less than a minute ago."""
    try:
        cache: Any = json.loads(_cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if cache.get("url") != url or not 0 <= time.time() - cache.get("time", 0) < CACHE_S:
        return None
    return [str(name) for name in cache["hosts"]]


def _remember(url: str, names: list[str]) -> None:
    path = _cache_file()
    with contextlib.suppress(OSError):  # a home that cannot be written to has no cache
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps({"url": url, "time": time.time(), "hosts": names}), encoding="utf-8")
        partial.replace(path)
