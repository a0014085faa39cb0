"""docs/security.md: every statement of this phase has a test, and every test that is named exists."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"
# S30 to S43 belong to later phases: TLS of our own, keys per host, users.
STATEMENTS = {*range(1, 30), *range(44, 51)}
WITHOUT_TEST = {26}  # webhooks do not exist yet


def test_every_statement_names_tests_that_exist() -> None:
    text = PAGE.read_text()
    rows = {int(number): row for number, row in re.findall(r"^\| S(\d+) \|(.*)$", text, re.M)}
    assert set(rows) >= STATEMENTS - WITHOUT_TEST
    for number in WITHOUT_TEST - set(rows):
        assert f"S{number} is about" in text
    for number, row in rows.items():
        named = re.findall(r"`([\w/]+\.(?:py|cpp))::([^`]+)`", row)
        assert named, f"S{number} names no test"
        for file, name in named:
            source = (TESTS / file).read_text()
            begins = f'TEST_CASE("{name}' if file.endswith(".cpp") else f"def {name}("
            assert begins in source, f"S{number}: there is no {file}::{name}"


def test_every_numbered_test_is_on_the_page() -> None:
    text = PAGE.read_text()
    for file in TESTS.glob("test_security_*.py"):
        for name in re.findall(r"^def (test_s\d\d_\w+)\(", file.read_text(), re.M):
            assert f"{file.name}::{name}" in text, name
