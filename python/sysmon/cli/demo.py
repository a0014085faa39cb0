"""`sysmon demo`: a fleet to look at."""

from __future__ import annotations

import logging
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sysmon.cli.base import CliCommand, note
from sysmon.cli.exits import Code
from sysmon.cli.params import INTERVAL, SINCE
from sysmon.format import duration

if TYPE_CHECKING:
    from types import FrameType

    from sysmon.demo.fleet import Fleet

VISIBLE_S = 20.0


@click.command("demo", cls=CliCommand, short_help="Run a fleet to look at, with history.")
@click.option(
    "--hosts", type=click.IntRange(0, 60), default=3, show_default=True, help="Number of virtual hosts."
)
@click.option(
    "--history", type=SINCE, default="24h", show_default=True, help="How far back their history reaches."
)
@click.option(
    "--interval", type=INTERVAL, default="10s", show_default=True, help="Time between two batches of a host."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9000,
    show_default=True,
    help="Of the dashboard; 0 takes a free one.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other hosts.")
@click.option("--agent/--no-agent", default=True, help="This host's own agent too [default: yes].")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the data here [default: a temporary folder].",
)
def demo(
    hosts: int, history: float, interval: float, port: int, seed: int, agent: bool, data_dir: Path | None
) -> int:
    """Run an aggregator, this host's agent and virtual hosts with a day of history, until Ctrl-C.

    \b
    sysmon demo
    sysmon demo --hosts 9 --history 7d --port 9100

    db01 has had trouble for forty minutes: `sysmon hosts compare db01 web01` says which. Nothing is
    installed, and nothing stays, unless --data-dir says where.
    """
    from sysmon.demo.fleet import Fleet, Plan

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    began = time.monotonic()
    plan = Plan(hosts, history, interval, port, seed, agent, data_dir)
    with Fleet(plan) as fleet:
        _until_visible(fleet)
        click.echo(fleet.url)
        note(f"{fleet.expected} hosts after {time.monotonic() - began:.1f} s. Ctrl-C ends everything.")
        if hosts:
            fleet.start_history()
            _until_filled(fleet, began, history)
        while True:
            fleet.check()
            time.sleep(0.5)
    return Code.OK


def _until_visible(fleet: Fleet) -> None:
    deadline = time.monotonic() + VISIBLE_S
    while len(fleet.visible()) < fleet.expected and time.monotonic() < deadline:
        fleet.check()
        time.sleep(0.1)


def _until_filled(fleet: Fleet, began: float, history: float) -> None:
    told = 0
    while True:
        fleet.check()
        sent, total, over = fleet.history_progress()
        if over:
            break
        if total and sent * 4 // total > told:
            told = sent * 4 // total
            note(f"history: {100 * sent // total} %")
        time.sleep(0.1)
    note(f"{duration(history)} of history after {time.monotonic() - began:.0f} s.")


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
