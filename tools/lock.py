"""Writes tools/lock/: every Python package that tools/setup.sh installs, its version, its files' hashes.

    .venv/bin/python tools/lock.py [--upgrade]

What pyproject.toml asks for is resolved once, for every Python and processor, so that all purposes agree.
What is locked stays unless pyproject.toml no longer allows it; --upgrade takes the newest that it allows.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from itertools import chain
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
LOCKS = REPOSITORY / "tools" / "lock"
HEADER = "# Made by tools/lock.py from pyproject.toml.\n"


def requirements() -> dict[str, list[str]]:
    """What pyproject.toml asks for, by purpose; .venv holds the build's needs, for nothing is isolated."""
    file = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    extras = file["project"]["optional-dependencies"]
    node = [
        need
        for override in file["tool"]["scikit-build"]["overrides"]
        for need in override.get("build", {}).get("requires", [])
    ]
    return {
        "run": file["build-system"]["requires"] + file["project"]["dependencies"],
        "node": node,
        "docs": extras["docs"],
        "test": extras["dev"],
    }


def packages(lock: str) -> dict[str, str]:
    """`name==version`, with the condition under which it is installed → that and the hashes of its files."""
    entries = re.split(r"^(?=[^\s#])", lock, flags=re.MULTILINE)
    return {entry.partition(" \\")[0]: entry for entry in entries if "==" in entry}


def resolve(wanted: list[str], held: str, *options: str) -> str:
    """The lock of `wanted`; `held` is a lock whose versions are kept where they can be."""
    with tempfile.TemporaryDirectory() as folder:
        asked, lock = Path(folder, "asked.in"), Path(folder, "lock.txt")
        asked.write_text("\n".join(wanted))
        lock.write_text(held)
        uv = Path(sysconfig.get_path("scripts")) / "uv"
        command = [
            uv,
            "pip",
            "compile",
            "--quiet",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
        ]
        command += ["--no-header", "--no-annotate", *options, "-o", lock, asked]
        subprocess.run(command, check=True)
        return lock.read_text()


def main() -> None:
    by_purpose = requirements()
    held = "".join(path.read_text() for path in LOCKS.glob("*.txt"))
    upgrade = ["--upgrade"] if "--upgrade" in sys.argv[1:] else []
    everything = resolve([*chain(*by_purpose.values())], held, *upgrade)
    LOCKS.mkdir(exist_ok=True)
    base: dict[str, str] = {}
    for purpose, wanted in by_purpose.items():
        found = packages(resolve(wanted, everything))
        (LOCKS / f"{purpose}.txt").write_text(
            HEADER + "".join(text for key, text in found.items() if key not in base)
        )
        base = base or found  # what every purpose has stands in the first file alone


if __name__ == "__main__":
    main()
