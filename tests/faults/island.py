"""A network of its own: names, addresses that lead nowhere, and sockets in it that are held from outside.

Run as a program it is what holds the namespaces open; `Island` starts that.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

# Packets to these two go out and are never answered: their next hop is a card that nobody has.
NOWHERE: Final = "198.51.100.9"
NOWHERE_6: Final = "2001:db8::9"
_NETWORK: Final = f"""
link set lo up
link add shore type veth peer name sea
addr add 198.51.100.1/24 dev shore
addr add 2001:db8::1/64 dev shore nodad
link set shore up
link set sea up
neigh add {NOWHERE} lladdr 02:00:00:00:00:09 dev shore
neigh add {NOWHERE_6} lladdr 02:00:00:00:00:09 dev shore
"""
# What the resolver of the C library reads; each is ours there.
FILES: Final = {
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "hosts: files dns\n",
}
_TESTS: Final = str(Path(__file__).parent.parent)
_WAIT_S: Final = 20


def can_be_made() -> bool:
    """Whether we may have namespaces, and whether `ip` can do in them what it must."""
    command = ["unshare", "-Urnm", "ip", "link", "add", "shore", "type", "veth", "peer", "name", "sea"]
    try:
        return subprocess.run(command, capture_output=True, timeout=_WAIT_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Island:
    """Exists while the context is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Changes one of FILES. In place: another file of the name would not be seen through the mount."""
        (self.folder / name).write_text(text)

    @property
    def enter(self) -> list[str]:
        """Before a command that is to run there."""
        return ["nsenter", "-t", str(self._holder.pid), "-U", "-n", "-m", "--preserve-credentials"]

    def __enter__(self) -> Self:
        here, there = socket.socketpair()
        with here, there:
            here.settimeout(_WAIT_S)
            self._holder = subprocess.Popen(
                ["unshare", "-Urnm", sys.executable, "-m", __name__, str(there.fileno()), str(self.folder)],
                pass_fds=[there.fileno()],
                stdin=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": _TESTS},
            )
            there.close()
            _, fds, _, _ = socket.recv_fds(here, 1, 2)
        self.listener, self.names = (socket.socket(fileno=fd) for fd in fds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.close()
        self.names.close()
        self._holder.communicate()
        assert self._holder.returncode == 0


def _hold(fd: int, folder: Path) -> None:
    """Inside: builds the island, hands its sockets out, and waits for the end of stdin."""
    for line in _NETWORK.split("\n"):
        if line:
            subprocess.run(["ip", *line.split()], check=True)
    for name in FILES:
        subprocess.run(["mount", "--bind", folder / name, f"/etc/{name}"], check=True)
    with (
        socket.socket(fileno=fd) as outside,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names,
    ):
        names.bind(("127.0.0.1", 53))
        socket.send_fds(outside, [b"."], [listener.fileno(), names.fileno()])
    sys.stdin.read()


if __name__ == "__main__":
    _hold(int(sys.argv[1]), Path(sys.argv[2]))
