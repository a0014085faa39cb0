"""A small HTTP server that plays the aggregator for the real agent, and remembers what it was sent."""

from __future__ import annotations

import gzip
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loopback_server import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 20.0  # generous: asserted is what happens, not how fast


@dataclass
class Push:
    headers: dict[str, str]
    batches: list[dict[str, Any]]
    time: float

    @property
    def seqs(self) -> tuple[int, int]:
        first, _, last = self.headers["X-SysMon-Seq"].partition("-")
        return int(first), int(last or first)


@dataclass
class Answer:
    status: int = 200
    body: bytes | None = None  # None: acknowledges
    headers: dict[str, str] = field(default_factory=dict)


def _members(body: bytes) -> list[dict[str, Any]]:
    # One gzip member a batch: their texts stand one behind the other once inflated.
    text, decoder, batches = gzip.decompress(body).decode(), json.JSONDecoder(), []
    while text:
        batch, end = decoder.raw_decode(text)
        batches.append(batch)
        text = text[end:]
    return batches


class PushReceiver(LoopbackServer):
    """`answer(push)` decides each reply; without it everything is acknowledged."""

    def __init__(self, answer: Callable[[Push], Answer] | None = None) -> None:
        self.answer = answer or (lambda _: Answer())
        self.pushes: list[Push] = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(LoopbackHandler):
            def do_POST(self) -> None:
                receiver._take(self, Push(dict(self.headers), _members(self.body()), time.monotonic()))

        super().__init__(Handler)

    def _take(self, handler: LoopbackHandler, push: Push) -> None:
        answer = self.answer(push)
        first, last = push.seqs
        ack = {"status": "ok", "stream": push.headers["X-SysMon-Stream"], "acked": [first, last]}
        body = json.dumps(ack).encode() if answer.body is None else answer.body
        handler.answer(answer.status, body, answer.headers)
        with self._changed:
            self.pushes.append(push)
            self._changed.notify_all()

    def wait_for(self, ready: Callable[[list[Push]], bool]) -> list[Push]:
        with self._changed:
            assert self._changed.wait_for(lambda: ready(self.pushes), WAIT_S), f"{len(self.pushes)} pushes"
            return list(self.pushes)

    def wait_for_pushes(self, count: int) -> list[Push]:
        return self.wait_for(lambda pushes: len(pushes) >= count)
