"""A server that answers what a test tells it to and keeps what it was sent: for what no aggregator says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopback_server import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: Message
    body: bytes


class ScriptedServer(LoopbackServer):
    """Answers with the next of `script`, and with `otherwise` once that is empty."""

    def __init__(self, otherwise: Callable[[Request], Reply]) -> None:
        self.script: list[Reply] = []
        self.requests: list[Request] = []
        outer = self

        class Handler(LoopbackHandler):
            def do_GET(self) -> None:
                request = Request(self.command, self.path, self.headers, self.body())
                outer.requests.append(request)
                status, headers, text = outer.script.pop(0) if outer.script else otherwise(request)
                self.answer(status, text, headers)

            do_POST = do_GET  # noqa: N815 - http.server's names

        super().__init__(Handler)
