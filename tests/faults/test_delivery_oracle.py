"""The oracle finds what it is for: each kind of loss, made on purpose."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import apsw
import pytest

from faults.agents import AGENT, Lab
from faults.oracle import BrokenError
from faults.spool_file import GZIP_BATCH, Record, crc32c, read_spool, write_spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(not AGENT.exists(), reason="sysmon-agent is not built: pip install -e ."),
]


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


def test_what_is_well_is_found_well(lab: Lab) -> None:
    tally = lab.judge()
    assert tally.sealed == tally.stored == tally.acked >= 10


def test_a_row_that_is_gone_is_an_acknowledged_batch_lost(lab: Lab) -> None:
    assert lab.aggregator.stop() == 0
    with apsw.Connection(str(lab.aggregator.data / "sysmon.db")) as db:
        db.execute("DELETE FROM journal WHERE id = 3")
    lab.aggregator.start()
    assert _broken(lab) == "acked_lost"


def test_a_row_that_came_twice_is_a_duplicate(lab: Lab) -> None:
    assert lab.aggregator.stop() == 0
    with apsw.Connection(str(lab.aggregator.data / "sysmon.db")) as db:
        db.execute("INSERT INTO journal SELECT id + 1000, host_id, time_ms, payload FROM journal LIMIT 1")
    lab.aggregator.start()
    assert _broken(lab) == "duplicates"


def test_a_number_that_nobody_speaks_of_any_more_is_lost(lab: Lab) -> None:
    stream, top = max(lab.ledger.batches)
    lab.ledger.declared[stream, top + 2] = "spool_full"  # so the one before it was sealed, too
    assert _broken(lab) == "undeclared_lost"


def test_another_value_is_corrupt(lab: Lab) -> None:
    lab.ledger.seed += 1
    assert _broken(lab) == "corrupt"


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
