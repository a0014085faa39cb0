"""`python -m bench`: what it says when it cannot measure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bench import __main__, process

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("subject", ["collect", "decode"])
def test_a_program_that_is_not_built_is_one_line(
    subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "CPP", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", subject])
    assert __main__.main() == 1
    assert capsys.readouterr().err == f"bench: there is no {tmp_path}/sysmon_bench: run `make bench` first\n"
