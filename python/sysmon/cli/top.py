"""`sysmon top`: one host, or the fleet, live in the terminal."""

from __future__ import annotations

import contextlib
import select
import shutil
import sys
import termios
import time
import tty
from typing import TYPE_CHECKING, Protocol

import click
from rich.console import ConsoleDimensions
from rich.live import Live

from sysmon.cli import complete
from sysmon.cli.base import CliCommand, common, require
from sysmon.cli.exits import Code
from sysmon.cli.output import console, on_screen, write_json
from sysmon.cli.params import INTERVAL
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from sysmon.cli.top_source import Source
    from sysmon.client import Json

_NARROW = 100  # where the output is no terminal, nothing says how wide it is
_ENDLESS = 100_000  # … nor how high


class View(Protocol):
    """What is shown again and again."""

    @property
    def code(self) -> Code:
        """What showing it once ends with."""

    @property
    def document(self) -> Json:
        """What was read last, for programs."""

    def read(self) -> None:
        """Takes in what is new. Raises ApiError if it cannot be asked."""

    def gap(self) -> None:
        """Nothing could be read."""

    def draw(self, width: int, height: int, now_s: float, problem: str = "") -> RenderableType:
        """The whole of it; `problem` is why it is not fresh, in words."""


class HostView:
    """One host: its last reading, and the readings before as sparklines."""

    def __init__(self, source: Source) -> None:
        """Raises ApiError."""
        from sysmon.cli.top_screen import History

        self._source = source
        self.history = History()
        self.reading = source.read()

    @property
    def code(self) -> Code:
        return Code.OK if self.reading.state == "online" else Code.PARTIAL

    @property
    def document(self) -> Json:
        one = self.reading
        return {
            "hostname": one.hostname,
            "status": one.state,
            "timestamp": one.time_s,
            "facts": one.facts,
            "metrics": [
                {"type": name, "tags": dict(tags), "value": v} for (name, tags), v in one.values.items()
            ],
            "processes": one.processes,
        }

    def read(self) -> None:
        self.reading = self._source.read()
        self.history.add(self.reading)

    def gap(self) -> None:
        self.history.gap()

    def draw(self, width: int, height: int, now_s: float, problem: str = "") -> RenderableType:  # noqa: ARG002 - View's
        from sysmon.cli.top_screen import screen

        return screen(self.reading, self.history, width, now_s, problem)


@click.command("top", cls=CliCommand, short_help="Watch one host, or the fleet, live.")
@click.argument("host", required=False, shell_complete=complete.hosts)
@click.option("--fleet", is_flag=True, help="Every host of the fleet, the worst first.")
@click.option("--interval", type=INTERVAL, default="1s", show_default=True, help="Time between two readings.")
@click.option("--once", is_flag=True, help="Draw it once and end; so it is where the output is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Once, as one JSON document; counters per second.")
def top(host: str | None, fleet: bool, interval: float, once: bool, as_json: bool) -> int:
    """Watch one host live: meters, sparklines, devices. Without HOST this machine, through the native core.

    \b
    sysmon top
    sysmon top web01 --interval 5s
    sysmon top --fleet

    q or Ctrl-C ends it. The fleet's hosts are read through the aggregator; what is stored of the last
    minutes is drawn at once. Exit code 7 where it is drawn once and a host is not online.
    """
    require(not (host and fleet), "HOST and --fleet say different things", "name a host, or take --fleet")
    with contextlib.ExitStack() as stack:
        view = _view(stack, host, fleet=fleet, interval_s=interval)
        if as_json:
            write_json(view.document)
            return view.code
        if once or not on_screen():
            out = console()
            size = (out.width, out.height) if sys.stdout.isatty() else (_NARROW, _ENDLESS)
            out.print(view.draw(*size, time.time()))
            return view.code
        return _watch(view, interval)


def _view(stack: contextlib.ExitStack, host: str | None, *, fleet: bool, interval_s: float) -> View:
    if fleet:
        from sysmon.cli.top_fleet import FleetView

        return FleetView(stack.enter_context(common().client()), interval_s, time.time())
    from sysmon.cli.top_source import LocalSource, RemoteSource

    if host is None:
        view = HostView(LocalSource(interval_s))  # rates need two readings
        time.sleep(min(interval_s, 1.0))
        view.read()
        return view
    client = stack.enter_context(common().client())
    view = HostView(RemoteSource(client, host))
    view.history.fill(client, host, interval_s, time.time())
    view.history.add(view.reading)
    return view


def _watch(view: View, interval_s: float) -> int:
    out = console()
    problem = ""
    # Nobody else writes, so nothing is redirected: what rich puts in the place of stdout has no encoding, and
    # symbols and bars would be ASCII.
    live = Live(console=out, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    with _keys() as pressed, live:
        while True:
            columns, rows = shutil.get_terminal_size()  # it may have been drawn larger or smaller
            out.size = ConsoleDimensions(columns, rows)
            live.update(view.draw(columns, rows, time.time(), problem), refresh=True)
            if pressed(interval_s) == "q":
                return Code.OK
            try:
                view.read()
                problem = ""
            except ApiError as error:  # it goes on when the aggregator is back
                problem = str(error)
                view.gap()


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for a key, and returns it or ""."""
    if not sys.stdin.isatty():

        def wait(seconds: float) -> str:
            time.sleep(seconds)
            return ""

        yield wait
        return
    before = termios.tcgetattr(sys.stdin)

    def read(seconds: float) -> str:
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return sys.stdin.read(1) if ready else ""

    tty.setcbreak(sys.stdin)
    try:
        yield read
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
