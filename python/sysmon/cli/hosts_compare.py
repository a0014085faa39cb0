"""`sysmon hosts compare`: what differs between hosts, ranked, as GET /api/compare says it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.text import Text

from sysmon.cli import complete
from sysmon.cli.base import CliCommand, common, require
from sysmon.cli.exits import Code
from sysmon.cli.output import Column, Output, Row, console, output_options, symbol, to_locale
from sysmon.cli.params import SINCE, Effects
from sysmon.cli.progress import progress
from sysmon.format import ago, duration, number, printable, quantity, size, tag_text

if TYPE_CHECKING:
    from rich.console import Console

    from sysmon.client import Client, Json


@click.command("compare", cls=CliCommand)
@click.argument("hosts", nargs=-1, required=True, metavar="HOST HOST…", shell_complete=complete.hosts)
@click.option("--since", type=SINCE, default="1h", show_default=True, help="How far back to look.")
@click.option("--all", "everything", is_flag=True, help="Every difference, not the largest 15.")
@click.option("--fail-on", type=Effects(), metavar="WARN[,CRITICAL]",
              help="Exit 10 (or 11) where an effect is at least so large.")  # fmt: skip
@output_options
def compare(
    hosts: tuple[str, ...], since: float, everything: bool, fail_on: tuple[float, float] | None, out: Output
) -> int:
    """Compare hosts: what differs first, the largest effect on top.

    \b
    sysmon hosts compare web01 web02
    sysmon hosts compare db01 db02 --since 24h --fail-on 3,8

    The effect is the distance of the medians over their spread. Exit code 7 where a host is not online: what
    is compared is its last known state.
    """
    require(
        len(set(hosts)) >= 2,
        "expected two different hosts or more, such as: sysmon hosts compare web01 web02",
    )

    def once() -> int:
        now = time.time()
        with common().client() as client, progress(f"asking {client.url}"):
            answer = client.compare(hosts, start=now - since, end=now)
            silent = _silent(client, answer["hosts"], now)
        rows = answer["differs"]
        names = [str(name) for name in answer["hosts"]]
        if out.format == "table":
            _screen(answer, names, rows if everything else rows[:15], since, out)
            for name, state in silent.items():
                _remark(console(), name, state)
        else:
            out.emit(answer, rows, _columns(names))
        largest = max((row["effect"] for row in rows), default=0.0)
        if fail_on is not None and largest >= fail_on[0]:
            return Code.CRITICAL if largest >= fail_on[1] else Code.WARNINGS
        return Code.PARTIAL if silent else Code.OK

    return out.repeat(once)


def _silent(client: Client, names: list[str], now: float) -> dict[str, str]:
    """Host → what is the matter, for those that are not online."""
    hosts = [client.host(name) for name in names]
    return {
        str(host["hostname"]): f"{host['status']}, last seen {ago(host.get('last_seen'), now)}"
        for host in hosts
        if host["status"] != "online"
    }


def _remark(screen: Console, name: str, text: str) -> None:
    line = f"{symbol('▲', '!')} {printable(name)}: {text}"
    screen.print(Text(to_locale(line), style="yellow"))


def _columns(names: list[str]) -> list[Column]:
    return [
        Column("effect", "EFFECT", lambda row: number(row["effect"]), right=True),
        Column("type", "METRIC", lambda row: str(row["type"])),
        Column("tags", "TAGS", lambda row: tag_text(row["tags"]), drop=2),
        *(_median(name) for name in names),
        Column("text", "WHAT", lambda row: str(row["text"]), drop=1),
    ]


def _median(name: str) -> Column:
    def show(row: Row) -> str:
        return quantity(row["median"].get(name), row.get("unit", ""), rate=row.get("kind") == "counter")

    return Column(f"median.{name}", name, show, lambda row: row["median"].get(name), right=True)


def _screen(answer: Json, names: list[str], rows: list[Row], since: float, out: Output) -> None:
    screen = console()
    if rows:
        screen.print(Text(f"What differs, last {duration(since)}", style="bold"))
        out.emit(answer, rows, [column for column in _columns(names) if column.key != "text"])
        hidden = len(answer["differs"]) - len(rows)
        if hidden > 0:
            screen.print(Text(f"{hidden} smaller ones: --all", style="dim"))
    else:
        screen.print(Text(f"No metric differs over the last {duration(since)}."))
    if answer.get("facts"):
        screen.print(Text("\nFacts that differ", style="bold"))
        facts = [
            {"fact": row["fact"], **{n: _fact_text(row["fact"], row["values"].get(n)) for n in names}}
            for row in answer["facts"]
        ]
        plain = Output(headers=out.headers)
        plain.emit(facts, facts, [_fact("fact", "FACT"), *(_fact(name, name) for name in names)])
    for name in names:
        share = (answer.get("missing") or {}).get(name) or 0.0
        offset = (answer.get("clock_offset") or {}).get(name)
        remarks = [f"{100 * share:.0f} % of its samples are missing"] if share >= 0.01 else []
        if offset is not None and abs(offset) >= 1:
            remarks.append(f"its clock is off by {duration(offset)}")
        if remarks:
            _remark(screen, name, ", ".join(remarks))


def _fact(key: str, title: str) -> Column:
    return Column(key, title, lambda row: str(row[key]))


def _fact_text(fact: str, value: object) -> str:
    if value is None:
        return "-"
    if fact.endswith("_bytes") and isinstance(value, int | float):
        return size(value)
    return str(value)
