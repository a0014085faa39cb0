"""Makes database-v<version>.db and its .json from the code of today; run once, when a schema version is new.

    PYTHONPATH=tests .venv/bin/python tests/data/make_database.py

A file that is there is never made again: what an earlier program wrote is the point of it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from past_fleet import answers, push_all
from service_kit import ServiceKit
from sysmon.aggregator.schema import MIGRATIONS


def make(folder: Path) -> Path:
    """The new database's path. Raises FileExistsError if this version has one."""
    target = folder / f"database-v{len(MIGRATIONS)}.db"
    if target.exists():
        raise FileExistsError(target)
    with tempfile.TemporaryDirectory() as temporary:
        kit = ServiceKit(Path(temporary))
        push_all(kit)
        kit.service.storage.maintain("compact")
        expected = answers(kit)
        kit.service.close()
        shutil.copyfile(Path(temporary) / "sysmon.db", target)
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    target.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return target


if __name__ == "__main__":
    print(make(Path(__file__).parent))
