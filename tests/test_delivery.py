"""The real agent and the real aggregator: outage, reload, token, and somebody who watches."""

from __future__ import annotations

import json
import signal
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect

from aggregator_process import TOKEN, AggregatorProcess
from faults.agents import AgentProcess, wait_until
from push_receiver import Answer, Push, PushReceiver
from sysmon.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sysmon.client import Json

pytestmark = pytest.mark.native
HOST = "web01"


@pytest.fixture
def aggregator(tmp_path: Path) -> Iterator[AggregatorProcess]:
    home = tmp_path / "aggregator"
    (home / ".sysmon").mkdir(parents=True)
    (home / ".sysmon" / "aggregator.yaml").write_text("limits: {watch_s: 3}\n")
    with AggregatorProcess(home) as running:
        yield running


def ledger_of(running: AggregatorProcess) -> Json:
    with Client(running.url, TOKEN) as client:
        return client.ledger(HOST)


def times_of(running: AggregatorProcess) -> list[float]:
    with Client(running.url, TOKEN) as client:
        (series,) = client.metrics(types=["synthetic.tick"], host=HOST)["series"]
    return list(series["times"])


def in_balance(ledger: Json) -> bool:
    """Nothing waits, and nothing is missing."""
    return ledger["gaps"] == 0 and ledger["agent"]["spooled"] == 0


def test_every_batch_of_an_outage_is_in_the_books(tmp_path: Path, aggregator: AggregatorProcess) -> None:
    with AgentProcess(tmp_path / "agent", aggregator.url, host=HOST) as agent:
        wait_until(lambda: agent.said("pushing to"), "the first push")
        port = aggregator.address[1]
        aggregator.kill()
        wait_until(lambda: agent.said("cannot push"), "the agent notices")
        aggregator.start("--port", str(port))
        wait_until(lambda: agent.said("takes batches again"), "the link is up")
        wait_until(lambda: in_balance(ledger_of(aggregator)), "the backlog is drained")
        ledger = ledger_of(aggregator)
        said = ledger["agent"]
        assert said["balance"] == ledger["unexplained"] == 0
        assert said["dropped"] == ledger["declared"] == {}
        (stream,) = ledger["streams"]
        assert (stream["stored"], stream["mark"]) == (stream["highest"], stream["highest"])
        assert stream["highest"] > said["sealed"]  # what says so is a batch itself
        assert agent.stop() == 0


def test_what_an_earlier_run_left_is_in_the_books(tmp_path: Path, aggregator: AggregatorProcess) -> None:
    port = aggregator.address[1]
    with AgentProcess(tmp_path / "agent", aggregator.url, host=HOST) as agent:
        wait_until(lambda: agent.said("pushing to"), "the first push")
        aggregator.kill()
        wait_until(lambda: agent.said("cannot push"), "the agent notices")
        agent.kill()
        agent.start()
        aggregator.start("--port", str(port))
        wait_until(lambda: ledger_of(aggregator)["agent"]["recovered"] > 0, "the next run is heard")
        wait_until(lambda: in_balance(ledger_of(aggregator)), "the backlog is drained")
        ledger = ledger_of(aggregator)
        assert ledger["agent"]["balance"] == ledger["unexplained"] == ledger["gaps"] == 0
        assert len(ledger["streams"]) == 2


# ---- the configuration, read again -------------------------------------------------------------------------


def test_an_invalid_file_changes_nothing_and_a_valid_one_loses_nothing(
    tmp_path: Path, aggregator: AggregatorProcess
) -> None:
    def refuse(_: Push) -> Answer:
        return Answer(500, b"no")

    with (
        PushReceiver(refuse) as old,
        AgentProcess(tmp_path / "agent", old.url, host=HOST) as agent,
    ):
        old.wait_for(lambda pushes: any(push.seqs[1] >= 3 for push in pushes))
        agent.config.write_text("agent:\n  mode: distributed\n  push_interval: soon\n")
        agent.signal(signal.SIGHUP)
        wait_until(lambda: agent.said("the old one stays"), "the invalid file is told")
        assert agent.said("push_interval: `soon`")
        seen = len(old.pushes)
        old.wait_for(lambda pushes: len(pushes) > seen)  # it goes on, to where it went before
        agent.url = aggregator.url
        agent.write_config()
        agent.signal(signal.SIGHUP)
        wait_until(lambda: agent.said("the configuration was read again"), "the valid file is told")
        wait_until(lambda: agent.said("takes batches again") or agent.said("pushing to"), "the first push")
        wait_until(lambda: in_balance(ledger_of(aggregator)), "what waited is there")
        (stream,) = ledger_of(aggregator)["streams"]
        assert stream["stream"] == old.pushes[0].headers["X-SysMon-Stream"]
        assert stream["mark"] == stream["highest"] >= 4  # from 1 on: sealed before, and sent once


def test_another_token_is_taken_on_sighup(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("the-first\n")
    token.chmod(0o600)
    with (
        PushReceiver() as server,
        AgentProcess(
            tmp_path / "agent", server.url, token=None, settings=[f"auth_token_file: {token}"]
        ) as agent,
    ):
        server.wait_for_pushes(1)
        token.write_text("the-second\n")
        agent.signal(signal.SIGHUP)
        pushes = server.wait_for(lambda pushes: pushes[-1].headers["X-SysMon-Token"] == "the-second")
        assert len({push.headers["X-SysMon-Stream"] for push in pushes}) == 1


def test_a_token_that_is_changed_at_both_ends_loses_nothing(tmp_path: Path) -> None:
    """The aggregator first: its agents are refused until their file has changed too."""
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for path in (theirs, ours):
        path.write_text("a" * 40)
        path.chmod(0o600)
    home = tmp_path / "aggregator"
    running = AggregatorProcess(home, SYSMON_AUTH_TOKEN_FILE=str(theirs))
    del running.env["SYSMON_AUTH_TOKEN"]
    with (
        running,
        AgentProcess(
            tmp_path / "agent", running.url, host=HOST, token=None, settings=[f"auth_token_file: {ours}"]
        ) as agent,
    ):
        wait_until(lambda: agent.said("pushing to"), "the first push")
        theirs.write_text("b" * 40)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: agent.said("refuses our batches"), "the agent is refused")
        ours.write_text("b" * 40)
        wait_until(lambda: agent.said("the token has changed"), "the agent finds the new one")
        wait_until(lambda: in_balance(ledger_of(running)), "what waited is there")
        assert ledger_of(running)["unexplained"] == 0
        assert "a" * 40 not in agent.log.read_text()


# ---- somebody watches --------------------------------------------------------------------------------------


def test_a_host_ticks_every_second_while_somebody_watches_and_then_no_more(
    tmp_path: Path, aggregator: AggregatorProcess
) -> None:
    with AgentProcess(tmp_path / "agent", aggregator.url, host=HOST, interval="5s") as agent:
        wait_until(lambda: agent.said("pushing to"), "the first push")
        with connect(aggregator.url.replace("http", "ws") + "/ws") as channel:
            channel.send(json.dumps({"kind": "watch", "host": HOST}))
            begun = time.time()
            wait_until(lambda: steps(times_of(aggregator), begun).count(1) >= 4, "ticks of a second")
        ended = time.time()  # the channel is closed: at most watch_s from now, and the usual interval again
        wait_until(lambda: 5 in steps(times_of(aggregator), ended), "ticks of five seconds")
        assert steps(times_of(aggregator), ended).count(1) <= 3 + 2
        assert agent.stop() == 0


def steps(times: list[float], since: float) -> list[int]:
    """Whole seconds between neighbouring ticks that began after that moment."""
    return [round(after - before) for before, after in pairwise(times) if before >= since]
