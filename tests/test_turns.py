"""The order of compaction, held against a look at every host."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sysmon.aggregator.journal_index import HostChunks, JournalIndex
from sysmon.aggregator.stored_parts import HOUR_MS
from sysmon.aggregator.turns import Turns

HOSTS = st.integers(1, 5)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), HOSTS, st.integers(0, 4 * HOUR_MS)),
        st.tuples(st.just("pack"), HOSTS, st.integers(0, 3)),  # all rows but the newest so many
        st.tuples(st.just("drop"), HOSTS, st.just(0)),
        st.tuples(st.just("take"), HOSTS, st.integers(0, 2 * HOUR_MS)),  # … so much later
    ),
    max_size=60,
)
NEVER = 1 << 40


@given(MOVES)
def test_first_row_and_turns_are_those_of_a_full_look(moves: list[tuple[str, int, int]]) -> None:
    index = JournalIndex()
    turns = Turns(index, journal_bytes=NEVER)
    rows: dict[int, dict[int, int]] = {}  # host -> row id -> time
    taken: dict[int, int] = {}
    next_id, now_ms = 1, 0
    for what, host, number in moves:
        if what == "add":
            index.add(host, next_id, number, 10)
            rows.setdefault(host, {})[next_id] = number
            next_id += 1
        elif what == "pack":
            until = next_id - 1 - number
            index.put_chunks(host, HostChunks(journal_id=until))
            rows[host] = {row: time for row, time in rows.get(host, {}).items() if row > until}
        elif what == "drop":
            index.drop_host(host)
            rows.pop(host, None)
        else:
            now_ms += number
            due = {
                one
                for one, live in rows.items()
                if live and now_ms >= _due_ms(one, min(live.values()), taken.get(one))
            }
            host_id = turns.take(now_ms)
            assert (host_id in due) if due else host_id is None
            if host_id is not None:
                taken[host_id] = now_ms
        live_rows = [(row, one) for one, live in rows.items() for row in live]
        assert (index.first_id(), index.first_host()) == min(live_rows, default=(None, None))


def _due_ms(host_id: int, oldest_ms: int, taken_ms: int | None) -> int:
    """Two minutes after its hour, spread over the half hour after that, and a minute after its last turn."""
    over_ms = (oldest_ms // HOUR_MS + 1) * HOUR_MS + 120_000 + host_id * 7_919_000 % 1_800_000
    return max(over_ms, (taken_ms or 0) + 60_000)


def test_where_the_journal_is_too_large_the_longest_waiting_host_is_taken() -> None:
    index = JournalIndex()
    turns = Turns(index, journal_bytes=100)
    index.add(1, 1, 5_000, 40)
    index.add(2, 2, 1_000, 40)
    assert [turns.take(10_000), turns.take(10_000)] == [1, 1]  # until its rows are packed
    index.put_chunks(1, HostChunks(journal_id=1))
    assert turns.take(10_000) is None  # 40 bytes are few
