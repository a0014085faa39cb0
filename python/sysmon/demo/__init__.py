"""A fleet to look at: virtual hosts that live like a web server, a database and a cache.

`life.py` says what a virtual host does, `web.py`, `db.py` and `cache.py` how each role lives; `machine.py`
is the kernel that counts it and `series.py` what an agent would read there. `wire.py` packs batches as the
agent does, `pusher.py` sends them, history and live, through real HTTP, and `fleet.py` runs the real
aggregator and this host's real agent beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sysmon.demo.cache import CacheServer
from sysmon.demo.db import Database
from sysmon.demo.web import WebServer

if TYPE_CHECKING:
    from sysmon.demo.life import Life

_ROLES: tuple[type[Life], ...] = (WebServer, Database, CacheServer)


def make_lives(count: int, seed: int, start: float, begin: float) -> list[Life]:
    """`count` virtual hosts: web01, db01, cache, then web02, db02, cache02 …

    Args:
        seed: the same seed, start and begin give the same samples.
        start: Unix time at which the demo starts: the planted incident lies around it.
        begin: Unix time of the first sample of history.
    """
    lives = []
    for index in range(count):
        role = _ROLES[index % len(_ROLES)]
        ordinal = index // len(_ROLES) + 1
        lives.append(role(role.hostname(ordinal), ordinal, seed, start, begin))
    return lives
