"""Prints what pyproject.toml asks for, a requirement a line: to build, to run, to develop, to make the site.

    requirements.py [run|test|docs]

`make` builds without isolation so that a second build takes seconds; so .venv holds the build's needs too.
"""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
requirements = project["build-system"]["requires"] + project["project"]["dependencies"]
if not (shutil.which("node") and shutil.which("npm")):
    for override in project["tool"]["scikit-build"]["overrides"]:
        requirements += override.get("build", {}).get("requires", [])
for purpose, extra in (("test", "dev"), ("docs", "docs")):
    if purpose in sys.argv[1:]:
        requirements += project["project"]["optional-dependencies"][extra]
print("\n".join(requirements))
