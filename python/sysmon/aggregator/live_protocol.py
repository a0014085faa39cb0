"""A WebSocket that can be ended while its client reads nothing.

ASGI has no word for it: to send anything, a close too, is to wait until what was sent before is read. The
application finds the way around that in its scope, as an extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from websockets.http11 import Request

GIVE_UP: Final = "sysmon.give_up"  # of scope["extensions"]; its "end" is a function of the code to close with


class LiveProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, with that extension."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was one; its task has not begun to run
            self.scope.get("extensions", {})[GIVE_UP] = {"end": self.give_up}

    def give_up(self, code: int) -> None:
        """The last word to a client that may never read it: then `unread_s` ends the connection."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.transport.close()
