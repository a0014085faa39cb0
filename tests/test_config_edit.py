"""Edits of a settings file: one line changes, everything else stays."""

from __future__ import annotations

import difflib
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sysmon import agent_settings
from sysmon.config import key_path, parse_value
from sysmon.config_edit import line_of, render, set_value, unset_value, write_private
from sysmon.errors import ConfigError

FILE = """\
# how this host reports
agent:              # the agent
  mode: local       # for now
  host_tags:  # tags
    role: web   # r
    dc: x
  # before spool
  spool: {dir: /x, max_bytes: 1MiB}  # sp
  proxy:
# tail
"""
SPOOL = "-  spool: {dir: /x, max_bytes: 1MiB}  # sp"


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        ("mode", "distributed", ["-  mode: local       # for now", "+  mode: distributed       # for now"]),
        ("host_tags.role", "db", ["-    role: web   # r", "+    role: db   # r"]),
        ("host_tags.rack", "b7", ["+    rack: b7"]),
        ("host_tags", {"a": "b"},
         ["-  host_tags:  # tags", "-    role: web   # r", "-    dc: x", "+  host_tags: {a: b}  # tags"]),
        ("spool.dir", "/y", [SPOOL, "+  spool: {dir: /y, max_bytes: 1MiB}  # sp"]),
        ("spool.sync", "always", [SPOOL, "+  spool: {dir: /x, max_bytes: 1MiB, sync: always}  # sp"]),
        ("proxy", "http://p:1", ["-  proxy:", "+  proxy: http://p:1"]),
        ("tls.ca_file", "/ca", ["+  tls:", "+    ca_file: /ca"]),
        ("collectors.disable", ["disk", "a b"], ["+  collectors:", '+    disable: [disk, "a b"]']),
    ],
)  # fmt: skip
def test_setting_a_key_changes_its_line_alone(path: str, value: Any, lines: list[str]) -> None:
    assert changed(FILE, set_value(FILE, ("agent", *path.split(".")), value)) == lines


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("mode", ["-  mode: local       # for now"]),
        ("host_tags.role", ["-    role: web   # r"]),
        ("spool.dir", ["-  spool: {dir: /x, max_bytes: 1MiB}  # sp", "+  spool: {max_bytes: 1MiB}  # sp"]),
        ("spool.max_bytes", ["-  spool: {dir: /x, max_bytes: 1MiB}  # sp", "+  spool: {dir: /x}  # sp"]),
        ("proxy", ["-  proxy:"]),
        ("tls.ca_file", []),
    ],
)
def test_unsetting_a_key_removes_its_line_alone(path: str, lines: list[str]) -> None:
    assert changed(FILE, unset_value(FILE, ("agent", *path.split(".")))) == lines


def test_a_parent_left_empty_goes_too() -> None:
    assert (
        unset_value("agent:\n  spool:\n    dir: /x\n  mode: local\n", ("agent", "spool", "dir"))
        == "agent:\n  mode: local\n"
    )
    assert unset_value("# c\nagent:\n  mode: local\n", ("agent", "mode")) == "# c\n"


@pytest.mark.parametrize(
    "text", ["", "agent:", "agent:\n", "# only a comment\n", "agent: {}\n", "agent:\n  # all off\n"]
)
def test_the_first_key_of_an_empty_file_is_added(text: str) -> None:
    edited = set_value(text, ("agent", "mode"), "local")
    assert yaml.safe_load(edited) == {"agent": {"mode": "local"}}
    comments = [line for line in text.splitlines() if "#" in line]
    assert [line for line in edited.splitlines() if "#" in line] == comments


def test_text_without_a_last_line_break_is_edited() -> None:
    assert set_value("agent:\n  mode: local", ("agent", "proxy"), "x") == "agent:\n  mode: local\n  proxy: x"
    assert set_value("agent:\n  mode: local", ("agent", "mode"), "x") == "agent:\n  mode: x"


def test_a_block_text_is_replaced_whole() -> None:
    text = "agent:\n  hostname: |\n    web\n    01\n  mode: local\n"
    assert set_value(text, ("agent", "hostname"), "web01") == "agent:\n  hostname: web01\n  mode: local\n"


@pytest.mark.parametrize(
    "text", ["- a\n- b\n", "agent: text\n", "agent:\n  mode: &a local\n  proxy: *a\n", "agent: [\n"]
)
def test_what_cannot_be_edited_line_by_line_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        set_value(text, ("agent", "mode"), "distributed")


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from(["mode", "proxy", "host_tags.a", "host_tags.b", "spool.dir"]),
        st.text(max_size=20),
        min_size=1,
    )
)
def test_what_is_set_is_what_is_read(values: dict[str, str]) -> None:
    text = FILE
    for key, value in values.items():
        text = set_value(text, ("agent", *key.split(".")), value)
    loaded = yaml.safe_load(text)["agent"]
    for key, value in values.items():
        found = loaded
        for part in key.split("."):
            found = found[part]
        assert str(found) == value or render(value) == str(found)


def test_lines_are_counted_from_one() -> None:
    assert line_of(FILE, ("agent", "mode")) == 3
    assert line_of(FILE, ("agent", "host_tags", "dc")) == 6
    assert line_of(FILE, ("agent", "tls")) is None


def test_a_written_file_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "agent.yaml"
    write_private(path, "agent:\n")
    path.chmod(0o644)
    write_private(path, "agent: {}\n")
    assert path.read_text() == "agent: {}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["agent.yaml"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "agent.yaml"
    real.write_text("a: 1\n")
    link.symlink_to(real)
    write_private(link, "a: 2\n")
    assert link.is_symlink()
    assert real.read_text() == "a: 2\n"


def test_every_setting_comes_and_goes_without_a_trace_in_the_example() -> None:
    """Comments and order are the user's: whatever is set and taken back leaves the file as it was."""
    text = (Path(__file__).parent.parent / "config" / "agent.yaml.example").read_text()
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    for setting in agent_settings():
        path = key_path(setting["key"])
        value = parse_value(setting["default"] or "a=b" * (setting["unit"] == "map") or "x", setting["unit"])
        edited = set_value(text, path, value)
        assert set_value(edited, path, value) == edited
        if line_of(text, path) is None:
            assert unset_value(edited, path) == text, setting["key"]
        kept = [line.partition("#")[2] for line in edited.splitlines() if "#" in line]
        assert kept == comments, setting["key"]
        others = [line for line in edited.splitlines() if line in text.splitlines()]
        assert others == [line for line in text.splitlines() if line in others], setting["key"]
