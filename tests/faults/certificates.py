"""Certificates made by openssl while the tests run: of an authority, or of nobody."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK: Final = "IP:127.0.0.1"
_KEY: Final = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
_SETTINGS: Final = """
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
"""


class Authority:
    """Keeps its key and all it has issued in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.certificate = self_signed(folder, "ca")
        (folder / "index").touch()

    def issue(self, name: str, whom: str = LOOPBACK, from_day: int = -1, to_day: int = 1) -> Path:
        """A certificate and its key in one file; `whom` is a subjectAltName, the days count from now."""
        settings = self._folder / f"{name}.cnf"
        settings.write_text(f"{_SETTINGS}[leaf]\nsubjectAltName = {whom}\n")
        _openssl(self._folder, f"req -new {_KEY} -keyout {name}.key -out {name}.csr -subj /CN={name}")
        _openssl(
            self._folder,
            f"ca -batch -config {name}.cnf -extensions leaf -notext -in {name}.csr -out {name}.crt"
            f" -startdate {_date(from_day)} -enddate {_date(to_day)}",
        )
        return with_key(self._folder / f"{name}.crt")


def self_signed(folder: Path, name: str) -> Path:
    """name.crt, which is its own authority, beside name.key."""
    command = f"req -x509 {_KEY} -days 2 -keyout {name}.key -out {name}.crt -subj /CN={name}"
    _openssl(folder, f"{command} -addext subjectAltName={LOOPBACK}")
    return folder / f"{name}.crt"


def with_key(certificate: Path) -> Path:
    """A certificate and its key in one file, as a server wants them."""
    whole = certificate.with_suffix(".pem")
    whole.write_text(certificate.read_text() + certificate.with_suffix(".key").read_text())
    return whole


def _date(day: int) -> str:
    return (datetime.now(UTC) + timedelta(days=day)).strftime("%Y%m%d%H%M%SZ")


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(["openssl", *shlex.split(arguments)], cwd=folder, check=True, capture_output=True)
