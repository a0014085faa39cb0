"""The list of parts of what is given away, as CycloneDX: `sbom.py [FILE]`, or on stdout.

Three programs and what each is made of: the agent, the aggregator with its command line, the page. What is
compiled or bundled in has the version that this machine built with; what pip installs beside the wheel has
version and hashes of tools/lock/run.txt, with which all was tested. What only builds is left out.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import requires
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REPOSITORY = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

# Debian's packages: what is compiled or linked into agent and extension, and into the extension alone.
# Licences as in packaging/licenses.txt. zlib and libcurl are the host's own.
COMPILER = subprocess.check_output(["g++", "-dumpversion"], text=True).partition(".")[0].strip()
IN_BOTH = {
    "libyaml-cpp-dev": "MIT",
    "nlohmann-json3-dev": "MIT",
    f"libstdc++-{COMPILER}-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
}
IN_THE_EXTENSION = {
    "libsimdjson-dev": "Apache-2.0",
    "libdeflate-dev": "MIT",
    "libxxhash-dev": "BSD-2-Clause",
}
OF_THE_HOST = {"zlib1g-dev": "Zlib", "libcurl4-openssl-dev": "curl"}


def debian(packages: dict[str, str], scope: ComponentScope = ComponentScope.REQUIRED) -> Iterator[Component]:
    """A library a source package, in the version that is installed here."""
    for package, terms in packages.items():
        fields = "${source:Package} ${source:Version} ${Version} ${Architecture}"
        answer = subprocess.check_output(["dpkg-query", "-W", "-f", fields, package], text=True)
        source, of_source, of_package, processor = answer.split()
        yield Component(
            name=source,
            version=of_source,
            type=ComponentType.LIBRARY,
            scope=scope,
            licenses=[LicenseExpression(terms)],
            purl=PackageURL("deb", "debian", package, of_package, {"arch": processor}),
            bom_ref=f"deb:{source}",
        )


def python_packages() -> dict[str, Component]:
    """Everything in tools/lock/run.txt, by name."""
    lock = (REPOSITORY / "tools" / "lock" / "run.txt").read_text()
    entries = re.findall(r"^([\w.-]+)==(\S+).*\n((?:    --hash=.*\n)+)", lock, re.MULTILINE)
    return {
        name: Component(
            name=name,
            version=locked,
            type=ComponentType.LIBRARY,
            hashes=[
                HashType(alg=HashAlgorithm.SHA_256, content=h) for h in re.findall(r"sha256:(\w+)", hashes)
            ],
            purl=PackageURL("pypi", None, name, locked),
            bom_ref=f"pypi:{name}",
        )
        for name, locked, hashes in entries
    }


def add_with_needs(bom: Bom, names: Iterable[str], known: dict[str, Component]) -> list[Component]:
    """Those Python packages, and below each what it needs in turn."""
    parts = [known[canonicalize_name(name)] for name in names]
    bom.components.update(parts)
    for part in parts:
        wanted = [Requirement(text) for text in requires(part.name) or []]
        below = [need.name for need in wanted if not need.marker or need.marker.evaluate({"extra": ""})]
        bom.register_dependency(part, add_with_needs(bom, below, known))
    return parts


def page_packages() -> Iterator[Component]:
    """What the dashboard's page is bundled from, with all that it needs in turn."""
    lock = json.loads((REPOSITORY / "web" / "package-lock.json").read_text())["packages"]
    names = list(lock[""]["dependencies"])
    for name in names:  # grows
        entry = lock[f"node_modules/{name}"]
        names += [below for below in entry.get("dependencies", {}) if below not in names]
        group, _, short = name.rpartition("/")
        digest = base64.b64decode(entry["integrity"].removeprefix("sha512-")).hex()
        yield Component(
            name=short,
            group=group or None,
            version=entry["version"],
            type=ComponentType.LIBRARY,
            licenses=[LicenseExpression(entry["license"])],
            hashes=[HashType(alg=HashAlgorithm.SHA_512, content=digest)],
            purl=PackageURL("npm", group or None, short, entry["version"]),
            bom_ref=f"npm:{name}",
        )


def ours(name: str, kind: ComponentType) -> Component:
    return Component(
        name=name,
        version=PROJECT["version"],
        type=kind,
        licenses=[LicenseExpression(PROJECT["license"])],
        bom_ref=name,
    )


def list_of_parts() -> Bom:
    bom = Bom()
    whole = ours("sysmon", ComponentType.APPLICATION)
    whole.purl = PackageURL("pypi", None, "sysmon", PROJECT["version"])
    bom.metadata.component = whole
    agent = ours("sysmon-agent", ComponentType.APPLICATION)
    aggregator = ours("sysmon-aggregator", ComponentType.APPLICATION)
    page = ours("sysmon-dashboard", ComponentType.APPLICATION)

    both, store, page_parts = list(debian(IN_BOTH)), list(debian(IN_THE_EXTENSION)), list(page_packages())
    host = list(debian(OF_THE_HOST, ComponentScope.OPTIONAL))
    bom.components.update([agent, aggregator, page, *both, *store, *host, *page_parts])
    bindings = ["pybind11"]
    python = [Requirement(text).name for text in PROJECT["dependencies"]]
    beside = add_with_needs(bom, bindings + python, python_packages())

    bom.register_dependency(whole, [agent, aggregator])
    bom.register_dependency(agent, [*both, *host])
    bom.register_dependency(aggregator, [*both, *store, *host, *beside, page])
    bom.register_dependency(page, page_parts)
    # The same parts give the same document, byte by byte.
    made_at = int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now(UTC).timestamp())
    bom.metadata.timestamp = datetime.fromtimestamp(made_at, UTC)
    parts = sorted(f"{part.bom_ref} {part.version}" for part in bom.components)
    bom.serial_number = uuid5(NAMESPACE_URL, "\n".join(parts))
    return bom


def main() -> None:
    text = JsonV1Dot6(list_of_parts()).output_as_string(indent=2) + "\n"
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"sbom: this is no CycloneDX: {wrong}")
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
