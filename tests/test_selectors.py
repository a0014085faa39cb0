"""`match[]`: what the subset of PromQL's selectors selects, and what it says to everything else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysmon.aggregator.refusal import Refusal
from sysmon.prometheus.selectors import NAME, Selector

SERIES = {NAME: "sysmon_cpu_usage_ratio", "host": "web01", "role": "web", "path": 'C:\\a "b"\n'}


def selects(text: str, labels: dict[str, str] = SERIES) -> bool:
    return all(matcher.matches(labels.get(matcher.label, "")) for matcher in Selector(text).matchers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sysmon_cpu_usage_ratio", True),
        ("sysmon_cpu_usage", False),
        ("  sysmon_cpu_usage_ratio { } ", True),
        ('sysmon_cpu_usage_ratio{host="web01"}', True),
        ('sysmon_cpu_usage_ratio{host="web01",role!="db",}', True),
        ('sysmon_cpu_usage_ratio{host="web01",role!="web"}', False),
        ('{__name__=~"sysmon_cpu.*"}', True),
        ('{__name__=~"cpu.*"}', False),  # the whole value, as in Prometheus
        ('{__name__=~"a|sysmon_cpu_usage_ratio|b"}', True),
        ("{host=~'web0[1-3]'}", True),
        ("{host=~`web\\d+`}", True),
        ('{host=~"web\\\\d+"}', True),
        ('sysmon_cpu_usage_ratio{host!~"web.*"}', False),
        ('{host="web01",absent=""}', True),
        ('{host="web01",absent!=""}', False),
        ('{host="web01",absent!~".+"}', True),
        ('{path="C:\\\\a \\"b\\"\\n"}', True),
        ('{host="\\x77eb\\u00301"}', True),
    ],
)
def test_what_is_selected(text: str, expected: bool) -> None:
    assert selects(text) is expected


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "expected a selector"),
        ("{}", "expected a selector"),
        ('{host=""}', "selects everything"),
        ('{host=~".*"}', "selects everything"),
        ("{host}", "expected label"),
        ('{host="a"', "expected , or }"),
        ('{host="a" role="b"}', "expected , or }"),
        ('{host=="a"}', "expected label"),
        ("{host=a}", "expected label"),
        ('{"host"="a"}', "expected label"),
        ("a b", "expected a selector"),
        ("rate(a[5m])", "expected something else"),
        ("a > 1", "expected something else"),
        ('{host="a', "expected something else"),
        ('{host=~"a("}', "not a regular expression"),
        ('{host=~"a)|(b"}', "not a regular expression"),
        ('{host=~"a{2}"}', "not supported"),
        ('{host=~"(?i)a"}', "not supported"),
        ('{host="\\q"}', "unknown escape"),
        ('{host="\\ud800"}', "not a character"),
        ("a" * 1_001, "at most 1000"),
        ('{host=~"' + "a" * 257 + '"}', "at most 256"),
    ],
)
def test_what_is_refused_and_why(text: str, because: str) -> None:
    with pytest.raises(Refusal, match="match") as refused:
        Selector(text)
    assert refused.value.status == 400
    assert because in str(refused.value)


@given(st.text())
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    for given_text in (text, f"{{a=~{text}}}", f'{{a=~"{text}"}}', f"a{{{text}}}"):
        try:
            Selector(given_text).matchers[0].matches("aaa")
        except Refusal as refused:
            assert refused.status == 400


def test_no_pattern_takes_forever() -> None:
    """These take a backtracking matcher longer than the sun will shine; here they merely end."""
    begun = time.process_time()
    for pattern in ("(a+)+", "(a|aa)+", "(.*)*x", "(a*)*(a*)*(a*)*b"):
        selects(f'{{host=~"{pattern}"}}', {"host": "a" * 200 + "!"})
    assert time.process_time() - begun < 60
