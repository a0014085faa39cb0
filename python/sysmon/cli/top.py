"""`sysmon top`: one host, live in the terminal."""

from __future__ import annotations

import contextlib
import select
import sys
import termios
import time
import tty
from typing import TYPE_CHECKING

import click
from rich.live import Live

from sysmon.cli import complete
from sysmon.cli.base import CliCommand, common
from sysmon.cli.exits import Code
from sysmon.cli.output import console
from sysmon.cli.params import SINCE
from sysmon.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from sysmon.cli.top_screen import History
    from sysmon.cli.top_source import Reading, Source

_NARROW = 100  # where the output is no terminal, nothing says how wide it is


@click.command("top", cls=CliCommand, short_help="Watch one host live.")
@click.argument("host", required=False, shell_complete=complete.hosts)
@click.option("--interval", type=SINCE, default="1s", show_default=True, help="Time between two readings.")
@click.option("--once", is_flag=True, help="Draw it once and end; so it is where the output is no terminal.")
def top(host: str | None, interval: float, once: bool) -> int:
    """Watch one host live: meters, sparklines, devices. Without HOST this machine, through the native core.

    \b
    sysmon top
    sysmon top web01 --interval 5s

    q or Ctrl-C ends it. The fleet's hosts are read through the aggregator; what is stored of the last
    minutes is drawn at once. Exit code 7 where it is drawn once and the host is not online.
    """
    from sysmon.cli.top_screen import History, screen
    from sysmon.cli.top_source import LocalSource, RemoteSource

    history = History()
    with contextlib.ExitStack() as stack:
        source: Source
        if host is None:
            source = LocalSource(interval)
            source.read()  # rates need two
            time.sleep(min(interval, 1.0))
        else:
            client = stack.enter_context(common().client())
            source = RemoteSource(client, host)
            history.fill(client, host, interval, time.time())
        reading = source.read()
        history.add(reading)
        if once or not sys.stdout.isatty():
            out = console()
            width = out.width if sys.stdout.isatty() else _NARROW
            out.print(screen(reading, history, width, time.time()))
            return Code.OK if reading.state == "online" else Code.PARTIAL
        return _watch(source, reading, history, interval, screen)


def _watch(
    source: Source,
    reading: Reading,
    history: History,
    interval_s: float,
    draw: Callable[[Reading, History, int, float, str], RenderableType],
) -> int:
    out = console()
    problem = ""
    with _keys() as pressed, Live(console=out, screen=True, auto_refresh=False) as live:
        while True:
            live.update(draw(reading, history, out.width, time.time(), problem), refresh=True)
            if pressed(interval_s) == "q":
                return Code.OK
            try:
                reading, problem = source.read(), ""
                history.add(reading)
            except ApiError as error:  # it goes on when the aggregator is back
                problem = str(error)
                history.gap()


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
