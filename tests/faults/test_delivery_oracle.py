"""The oracle finds what it is for: each kind of loss, made on purpose."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import apsw
import pytest

from faults.agents import Lab
from faults.oracle import BrokenError
from faults.spool_file import GZIP_BATCH, Record, crc32c, read_spool, write_spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults.fault_proxy import Request

pytestmark = pytest.mark.native


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Ten batches and more, delivered."""
    with Lab(tmp_path / "lab", 9) as made:
        agent = made.agent()
        agent.start()
        made.acked(10)
        assert agent.stop() == 0
        yield made


def _broken(lab: Lab) -> str:
    with pytest.raises(BrokenError) as caught:
        lab.judge()
    return caught.value.kind


def _change(lab: Lab, statement: str) -> None:
    """Behind the aggregator's back, while it is not there."""
    assert lab.aggregator.stop() == 0
    with apsw.Connection(str(lab.aggregator.data / "sysmon.db")) as db:
        db.execute(statement)
    lab.aggregator.start()


_TWICE = "INSERT INTO journal SELECT id + 1000, host_id, time_ms, payload FROM journal LIMIT 1"


def test_what_is_well_is_found_well(lab: Lab) -> None:
    tally = lab.judge()
    assert tally.sealed == tally.stored == tally.acked >= 10


def test_a_row_that_is_gone_is_an_acknowledged_batch_lost(lab: Lab) -> None:
    _change(lab, "DELETE FROM journal WHERE id = 3")
    assert _broken(lab) == "acked_lost"


def test_a_row_that_came_twice_is_a_duplicate(lab: Lab) -> None:
    _change(lab, _TWICE)
    assert _broken(lab) == "duplicates"


def test_a_number_that_nobody_speaks_of_any_more_is_lost(lab: Lab) -> None:
    stream, top = max(lab.ledger.batches)
    lab.ledger.declared[stream, top + 2] = "spool_full"  # so the one before it was sealed, too
    assert _broken(lab) == "undeclared_lost"


def test_another_value_is_corrupt(lab: Lab) -> None:
    lab.ledger.seed += 1
    assert _broken(lab) == "corrupt"


@pytest.fixture
def judged(lab: Lab) -> Lab:
    """The same, judged and forgotten; then the agent has another life."""
    (agent,) = lab.agents
    before = lab.ledger.judge(lab.aggregator, [agent.spool], forget=True)
    assert before.sealed == before.stored >= 10
    assert not lab.ledger.batches
    agent.start()
    lab.acked(5)
    assert agent.stop() == 0
    return lab


def test_what_was_judged_is_not_counted_again(judged: Lab) -> None:
    tally = judged.judge()
    assert tally.sealed == tally.stored == tally.acked == len(judged.ledger.batches) >= 5


def test_what_was_judged_and_comes_again_is_no_new_batch(judged: Lab) -> None:
    seen: list[Request] = []
    judged.proxy.on_sent = seen.append
    (agent,) = judged.agents
    agent.start()
    judged.requested(3)
    assert agent.stop() == 0
    for request in seen:
        judged.ledger.sent(request)
    judged.ledger.judge(judged.aggregator, [agent.spool], forget=True)
    for request in seen:
        judged.ledger.sent(request)
    assert not judged.ledger.batches


def test_a_loss_after_a_judgement_is_found(judged: Lab) -> None:
    _change(judged, "DELETE FROM journal WHERE id = (SELECT max(id) - 1 FROM journal)")
    assert _broken(judged) == "acked_lost"


def test_a_row_of_before_a_judgement_that_came_twice_is_a_duplicate(judged: Lab) -> None:
    _change(judged, _TWICE)
    assert _broken(judged) == "duplicates"


def test_a_spool_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4
    stream = "ab" * 16
    records = [
        Record(GZIP_BATCH, stream, seq, 1000 * seq, zlib.compress(b"x" * 300_000, 0), 3)
        for seq in range(1, 6)
    ]
    write_spool(tmp_path, records)
    assert len(list(tmp_path.glob("segment-*"))) == 2
    assert read_spool(tmp_path).batches == {(stream, record.seq): record for record in records}
