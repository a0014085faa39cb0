"""Runs clang-tidy over the C++ sources, in parallel, and only over what changed since it last passed.

    tools/tidy.py [CHECKS]      CHECKS replaces those of .clang-tidy: "-*,clang-analyzer-*"

A file's verdict is kept under .cache/tidy, by the hash of its text, all our headers, and the configuration.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "debug"
CACHE = ROOT / ".cache" / "tidy"
CONFIG = [ROOT / ".clang-tidy", ROOT / "pyproject.toml"]


def digest(paths: list[Path]) -> bytes:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.digest()


def check(source: Path, common: bytes, options: list[str]) -> str:
    """Return clang-tidy's complaints about `source`; empty if there are none."""
    verdict = CACHE / hashlib.sha256(common + source.read_bytes() + str(source).encode()).hexdigest()
    if verdict.exists():
        return ""
    run = subprocess.run(
        [ROOT / ".venv/bin/clang-tidy", "-quiet", *options, "-p", BUILD, source],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == 0:
        verdict.touch()
        return ""
    return run.stdout or run.stderr


def main() -> int:
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cmake", "--preset", "debug"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    headers = sorted(p for folder in ("include", "src") for p in (ROOT / folder).rglob("*.hpp"))
    sources = [*sorted((ROOT / "src/core").rglob("*.cpp")), *sorted((ROOT / "src/agent").glob("*.cpp"))]
    options = [f"-checks={checks}" for checks in sys.argv[1:]]
    common = digest([*CONFIG, *headers]) + "".join(options).encode()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = [
            text for text in pool.map(lambda source: check(source, common, options), sources) if text
        ]
    sys.stderr.write("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
