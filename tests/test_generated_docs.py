"""The pages made from the code are the ones in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from sysmon.docs import PAGES, main

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_the_generated_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("COLUMNS", "NO_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == PAGES[name](), "run: make docs"


def test_pages_are_written_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["metrics"]) == 0
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["metrics.md"]
    assert main(["nothing"]) == 2
