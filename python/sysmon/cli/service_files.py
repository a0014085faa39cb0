"""The files of a systemd service: its unit from sysmon/units, what it reads in /etc/sysmon, and systemctl."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sysmon.cli.base import require
from sysmon.cli.exits import CliError, Code
from sysmon.cli.token import TOKEN_BYTES
from sysmon.config import load
from sysmon.config_edit import write_private
from sysmon.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_HIDDEN_FROM_AGGREGATOR: Final = ("/home", "/root", "/run/user")  # by ProtectHome=yes
_AGGREGATOR_FILE: Final = "# Settings of sysmon-aggregator; the token is in /etc/sysmon/token.\n"


@dataclass(frozen=True)
class Service:
    """One unit below a root; `dry_run` says what would be done and does nothing."""

    name: str
    root: Path
    dry_run: bool

    @property
    def unit(self) -> Path:
        return self.root / "etc/systemd/system" / f"{self.name}.service"

    @property
    def drop_in(self) -> Path:
        return self.unit.with_name(f"{self.unit.name}.d") / "behind-proxy.conf"

    @property
    def settings(self) -> Path:
        return self.root / "etc/sysmon" / f"{self.name.removeprefix('sysmon-')}.yaml"

    @property
    def token(self) -> Path:
        return self.root / "etc/sysmon/token"

    @property
    def is_aggregator(self) -> bool:
        return self.name == "sysmon-aggregator"


def install_service(service: Service, *, behind_proxy: bool, start: bool) -> Iterator[str]:
    """Does it, and says each step.

    Raises:
        CliError: something is missing, or systemctl refuses.
    """
    _need_root(service)
    require(
        service.is_aggregator or not behind_proxy,
        "--behind-proxy is the aggregator's",
        "sysmon agent service install aggregator --behind-proxy",
    )
    program = _program(service)
    has_token = yield from _settings(service)
    text = (files("sysmon.units") / f"{service.name}.service").read_text(encoding="utf-8")
    text = text.replace("@program@", str(program))
    if not has_token:
        text = text.replace("LoadCredential=auth_token:/etc/sysmon/token\n", "")
    yield from _write(service, service.unit, text)
    if behind_proxy:
        drop_in = (files("sysmon.units") / "behind-proxy.conf").read_text(encoding="utf-8")
        yield from _write(service, service.drop_in, drop_in)
    yield from _systemctl(service, "daemon-reload")
    if start:
        yield from _systemctl(service, "enable", f"{service.name}.service")
        yield from _systemctl(service, "restart", f"{service.name}.service")


def remove_service(service: Service) -> Iterator[str]:
    """Does it, and says each step. Raises CliError."""
    _need_root(service)
    if not service.unit.exists():
        raise CliError(Code.NOT_FOUND, f"there is no {service.unit}")
    yield from _systemctl(service, "disable", "--now", f"{service.name}.service")
    for path in (service.drop_in, service.unit):
        if path.exists():
            yield f"{'would delete' if service.dry_run else 'deleted'} {path}"
            if not service.dry_run:
                path.unlink()
    if not service.dry_run and service.drop_in.parent.exists() and not any(service.drop_in.parent.iterdir()):
        service.drop_in.parent.rmdir()
    yield from _systemctl(service, "daemon-reload")
    yield f"{service.settings.parent} and the service's data in /var/lib stay"


def _need_root(service: Service) -> None:
    if os.geteuid() != 0 and not service.dry_run and service.root == Path("/"):
        raise CliError(Code.NOT_ALLOWED, "a service is root's to install", "sudo sysmon agent service …")


def _program(service: Service) -> Path:
    """The executable, where the service can see it."""
    found = shutil.which(service.name, path=sysconfig.get_path("scripts")) or shutil.which(service.name)
    if found is None:
        raise CliError(Code.NOT_FOUND, f"there is no {service.name} here", "pip install sysmon")
    path = Path(found).absolute()
    if service.is_aggregator:
        for needed in (path, Path(sys.executable).resolve(), Path(sys.base_prefix)):
            if str(needed).startswith(tuple(f"{hidden}/" for hidden in _HIDDEN_FROM_AGGREGATOR)):
                raise CliError(
                    Code.USAGE,
                    f"the service sees no home folders, and {needed} is in one",
                    "python3 -m venv /opt/sysmon; /opt/sysmon/bin/pip install sysmon; use that one",
                )
    return path


def _settings(service: Service) -> Generator[str, None, bool]:
    """Looks after /etc/sysmon; returns whether there is a token file."""
    if service.is_aggregator:
        if not service.settings.exists():
            yield from _write(service, service.settings, _AGGREGATOR_FILE, private=True)
        if not service.token.exists():
            yield from _write(service, service.token, secrets.token_urlsafe(TOKEN_BYTES) + "\n", private=True)
            yield f"the agents need the new token too: {service.token}"
        return True
    path = service.settings
    fix = f"sysmon --config {path} config set mode distributed, and so for aggregator_url"
    if not path.exists():
        raise CliError(Code.CONFIG, f"there is no {path}", fix)
    try:
        settings = load(path, environment={})
    except ConfigError as error:
        raise CliError(Code.CONFIG, str(error).splitlines()[0], f"sysmon config validate {path}") from error
    if settings.get("mode") != "distributed" or not settings.get("aggregator_url"):
        raise CliError(Code.CONFIG, f"{path} pushes to no aggregator", fix)
    has_own = bool(settings.get("auth_token") or settings.get("auth_token_file"))
    if not service.token.exists() and not has_own:
        raise CliError(
            Code.CONFIG,
            f"there is no token in {service.token}",
            f"(umask 077; cat > {service.token}), and paste the aggregator's",
        )
    return service.token.exists()


def _write(service: Service, path: Path, text: str, *, private: bool = False) -> Iterator[str]:
    yield f"{'would write' if service.dry_run else 'wrote'} {path}"
    if service.dry_run:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o755)  # its files are private, their names are not
        if private:
            write_private(path, text)
        else:
            partial = path.with_name(path.name + ".new")
            partial.write_text(text, encoding="utf-8")
            partial.chmod(0o644)
            partial.replace(path)
    except OSError as error:
        raise CliError(Code.UNEXPECTED, f"{path} cannot be written: {error.strerror}") from error


def _systemctl(service: Service, *words: str) -> Iterator[str]:
    """Runs it where systemd runs, and says so."""
    command = ["systemctl", *words]
    if not _runs_here(service):
        yield f"systemd does not run here; not done: {' '.join(command)}"
        return
    yield f"{'would run' if service.dry_run else 'ran'} {' '.join(command)}"
    if service.dry_run:
        return
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CliError(Code.UNEXPECTED, f"{' '.join(command)}: {reason[0]}", f"journalctl -u {service.name}")


def _runs_here(service: Service) -> bool:
    return service.root == Path("/") and Path("/run/systemd/system").exists()
