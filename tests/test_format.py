"""Numbers and foreign text as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysmon.format import (
    UNPRINTABLE,
    ago,
    duration,
    meter,
    number,
    parse_duration,
    printable,
    quantity,
    size,
    sparkline,
    tag_text,
)


@given(st.text(alphabet=st.characters()))
def test_no_text_can_steer_a_terminal(text: str) -> None:
    assert not UNPRINTABLE.search(printable(text))


def test_what_is_printable_stays_as_it_is() -> None:
    assert printable("wëb-01 日本 ✓") == "wëb-01 日本 ✓"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\x0ab"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnp", "\\u202egnp"),
        ("\udc80", "\\udc80"),
    ],
)
def test_control_characters_become_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (200 << 20, "200 MiB"),
        (5 << 60, "5120 PiB"),
    ],
)
def test_sizes_are_binary(value: float, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.00004, "40 µs"),
        (0.25, "250 ms"),
        (1.5, "1.5 s"),
        (59.7, "1 min"),
        (65, "1 min 5 s"),
        (3600, "1 h"),
        (86400 + 7200 + 59, "1 d 2 h"),
        (86400 + 59, "1 d"),
        (-5, "-5 s"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("then", "shown"),
    [(None, "never"), (1000.0, "now"), (988.0, "12 s ago"), (1000 - 7300.0, "2 h ago"), (1090.0, "in 1 min")],
)
def test_ago_has_the_largest_unit(then: float | None, shown: str) -> None:
    assert ago(then, 1000.0) == shown


@pytest.mark.parametrize(
    ("value", "unit", "rate", "shown"),
    [
        (None, "percent", False, "-"),
        (4.25, "percent", False, "4.2 %"),
        (1536.0, "bytes", True, "1.5 KiB/s"),
        (1536.0, "bytes_per_second", False, "1.5 KiB/s"),
        (0.5, "seconds", False, "500 ms"),
        (0.5, "seconds", True, "0.5 s/s"),
        (2.4e9, "hertz", False, "2.40 GHz"),
        (1.0, "boolean", False, "yes"),
        (12.5, "watts", False, "12.5 W"),
        (1200.0, "rpm", False, "1,200 rpm"),
        (12345.0, "", True, "12,345/s"),
    ],
)
def test_a_value_has_its_unit(value: float | None, unit: str, rate: bool, shown: str) -> None:
    assert quantity(value, unit, rate=rate) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (4.256, "4.26"), (0.00314, "0.00314"), (999.5, "1000"), (100.4, "100"), (2.0, "2")],
)
def test_numbers_keep_three_digits(value: float, shown: str) -> None:
    assert number(value).replace(",", "") == shown


def test_a_sparkline_has_a_space_where_nothing_was_measured() -> None:
    assert sparkline([0, None, 50, 100], low=0, high=100) == "▁ ▅█"
    assert sparkline([0, None, 50, 100], low=0, high=100, ascii_only=True) == "_ +#"
    assert sparkline([None, None]) == "  "
    assert sparkline([3, 3]) == "▁▁"


def test_a_meter_is_always_as_wide_as_asked() -> None:
    assert meter(25, 8) == "██░░░░░░"
    assert meter(250, 4) == "████"
    assert meter(-3, 4, ascii_only=True) == "...."


def test_tags_are_escaped() -> None:
    assert tag_text({"role": "web\x1b]0;pwned\x07"}) == "role=web\\x1b]0;pwned\\x07"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("5min", 300), ("1h30m", 5400), ("7d", 604800), ("250ms", 0.25)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5s", "five", "1h x", "1x", "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)
