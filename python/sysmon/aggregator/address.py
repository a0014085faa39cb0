"""Where the aggregator of a data folder is reached: it leaves its URL beside the data while it runs."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from sysmon.aggregator.settings import Settings

_FILE: Final = "url"
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - compared, not bound
_URL: Final = re.compile(r"http://[\w.:\[\]-]+:\d+")


def leave_url(folder: Path, url: str) -> None:
    """Writes down where the aggregator of this folder listens; for its own machine."""
    path = folder / _FILE
    with contextlib.suppress(OSError):  # a full disk: whoever looks takes the settings' port
        path.touch(mode=0o600)
        path.write_text(url + "\n", encoding="ascii")


def url_on_this_machine(settings: Settings) -> str:
    """Where the aggregator of these settings is reached from its own machine, if it runs."""
    host, port = settings.host, str(settings.port)
    try:
        left = (settings.data_dir / _FILE).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        left = ""
    if _URL.fullmatch(left):  # the port may have been chosen at its start
        host, _, port = left.removeprefix("http://").rpartition(":")
    elif ":" in host:
        host = f"[{host}]"
    return f"http://{_EVERYWHERE.get(host, host or '127.0.0.1')}:{port}"
