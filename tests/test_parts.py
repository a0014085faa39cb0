"""Statement S49: what it is all built from, by version and hash, and the list of parts that goes with it."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    return json.loads(_sbom())


def _sbom() -> str:
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, str(ROOT / "tools" / "sbom.py")]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def _lock(purpose: str) -> dict[str, str]:
    return dict(LOCKED.findall((ROOT / "tools" / "lock" / f"{purpose}.txt").read_text()))


def test_s49_what_pyproject_asks_for_is_locked() -> None:
    wanted = runpy.run_path(str(ROOT / "tools" / "lock.py"))["requirements"]()
    assert set(wanted) == {path.stem for path in (ROOT / "tools" / "lock").iterdir()}
    for purpose, texts in wanted.items():
        locked = {**_lock("run"), **_lock(purpose)}
        for need in map(Requirement, texts):
            version = locked.get(canonicalize_name(need.name))
            assert version and need.specifier.contains(version), f"{need} is not in tools/lock: make lock"


def test_s49_every_package_that_is_installed_has_its_hashes() -> None:
    for path in (ROOT / "tools" / "lock").iterdir():
        entries = re.split(r"^(?=[\w])", path.read_text(), flags=re.MULTILINE)[1:]
        assert entries
        for entry in entries:
            assert LOCKED.match(entry)
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    installs = re.findall(r"pip install.*", (ROOT / "tools" / "setup.sh").read_text())
    assert installs
    assert [line for line in installs if "--require-hashes" not in line] == []


def test_s49_the_list_of_parts_has_all_that_is_compiled_in(parts: dict[str, Any]) -> None:
    found = {part["name"].lower() for part in parts["components"]}
    licences = (ROOT / "packaging" / "licenses.txt").read_text()
    named = set(re.findall(r"^  ([\w+-]+)   +Copyright", licences, re.MULTILINE))
    assert {"yaml-cpp", "pybind11", "xxHash"} < named
    for name in named:
        assert found & {name.lower(), f"{name}3"}, name
    assert [name for name in found if name.startswith("gcc-")]  # of which libstdc++ and libgcc come


def test_s49_the_list_of_parts_has_what_pip_installs_and_what_the_page_is_bundled_from(
    parts: dict[str, Any],
) -> None:
    urls = {part.get("purl", "") for part in parts["components"]}
    python = {f"pkg:pypi/{name}@{version}" for name, version in _lock("run").items()}
    only_builds = {"scikit-build-core", "pathspec", "packaging"}
    assert {re.sub(r".*/(.*)@.*", r"\1", url) for url in python - urls} == only_builds
    page = json.loads((ROOT / "web" / "package.json").read_text())["dependencies"]
    assert {f"pkg:npm/{name.replace('@', '%40')}@{version}" for name, version in page.items()} <= urls
    for part in parts["components"]:
        if part.get("purl", "").startswith(("pkg:pypi", "pkg:npm")):
            assert part["hashes"], part["name"]


def test_s49_the_same_parts_give_the_same_list(parts: dict[str, Any]) -> None:
    assert json.loads(_sbom()) == parts
