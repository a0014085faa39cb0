"""The settings of this machine's agent, and where each comes from.

Flags > environment `SYSMON_*` > one file > defaults. The file is the first that exists of `--config`,
`~/.sysmon/agent.yaml` and `/etc/sysmon/agent.yaml`: files are not merged. What a key means, whether a value
is good and how it is spelled is decided by the native core alone, which the agent runs on too.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import yaml

from sysmon import agent_settings, validate_agent_config
from sysmon.config_edit import line_of, set_value
from sysmon.errors import ConfigError, UnsafeFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sysmon import ConfigIssue

SYSTEM_FILE = Path("/etc/sysmon/agent.yaml")
ROOT_KEY = "agent"

# What other settings may ask for beside themselves.
_COMPLETE = """\
agent:
  aggregator_url: http://aggregator:9000
  tls: {cert_file: /cert.pem, key_file: /key.pem}
"""


@dataclass(frozen=True)
class Setting:
    """One setting as it holds now.

    Attributes:
        value: in the core's canonical spelling (`10s`, `64MiB`, `a,b`, `k=v,k=v`); "" where there is none.
        origin: `default`, `environment SYSMON_…`, `flag` or `FILE:LINE`.
    """

    key: str
    value: str
    default: str
    unit: str
    help: str
    secret: bool
    origin: str

    @property
    def shown(self) -> str:
        """The value for eyes: a secret only by its fingerprint."""
        return masked(self.value) if self.secret and self.value else self.value


@dataclass(frozen=True)
class Configuration:
    """All settings and what they were made of.

    Attributes:
        file: where they were read from; None: there is none.
        warnings: what is odd about it.
        elsewhere: a flag names another aggregator than the file and the environment do.
    """

    settings: tuple[Setting, ...]
    file: Path | None
    warnings: tuple[str, ...]
    environment: Mapping[str, str]
    elsewhere: bool

    def find(self, key: str) -> Setting | None:
        return next((setting for setting in self.settings if setting.key == key), None)

    def get(self, key: str) -> str:
        """The value of a setting; "" where it has none. Raises KeyError for an unknown key."""
        setting = self.find(key)
        if setting is None:
            raise KeyError(key)
        return setting.value

    @property
    def spool_folder(self) -> Path:
        """Where the agent keeps what it could not send; one that runs as a service has another."""
        if given := self.get("spool.dir"):
            return Path(given).expanduser()
        if os.geteuid() == 0:
            return Path("/var/lib/sysmon/agent")
        return Path(self.environment.get("HOME") or Path.home()) / ".local" / "share" / "sysmon" / "agent"

    def read_token(self) -> str | None:
        """The token for reading: SYSMON_READ_TOKEN, else the agent's own.

        A token from the file goes to the file's aggregator only, not to another that a flag names.

        Raises:
            UnsafeFileError: the file that holds it may be read or changed by others.
        """
        return self.environment.get("SYSMON_READ_TOKEN") or self.push_token()

    def push_token(self) -> str | None:
        """The agent's own token; None where there is none for the aggregator that is asked.

        Raises:
            UnsafeFileError: the file that holds it may be read or changed by others.
        """
        if self.elsewhere and not any(
            variable(key) in self.environment for key in ("auth_token", "auth_token_file")
        ):
            return None
        if token := self.get("auth_token"):
            return token
        name = self.get("auth_token_file")
        if not name:
            return None
        path = Path(name).expanduser()
        check_private(path)
        try:
            return path.read_text(encoding="utf-8").strip() or None
        except OSError as error:
            raise ConfigError(f"auth_token_file {path} cannot be read: {error.strerror}") from error

    def admin_token(self, url: str, folder: Path | None = None) -> str | None:
        """SYSMON_ADMIN_TOKEN, else on loopback the one that this user's aggregator left in its data folder.

        Args:
            folder: the data folder, if it is not the user's own.

        Raises:
            UnsafeFileError: others may read or change that file.
        """
        return self.environment.get("SYSMON_ADMIN_TOKEN") or self.local_admin_token(url, folder)

    def local_admin_token(self, url: str, folder: Path | None = None) -> str | None:
        """What this user's aggregator left in its data folder, for URLs on loopback; it may read, too.

        Raises:
            UnsafeFileError: others may read or change that file.
        """
        if urlsplit(url).hostname not in {"localhost", "127.0.0.1", "::1"}:
            return None
        path = (folder or data_folder(self.environment)) / "admin_token"
        try:
            text = path.read_text(encoding="utf-8").strip()
            owner = path.parent.stat().st_uid
        except OSError:
            return None
        check_private(path, owner)  # root looks after a service that runs as somebody else
        return text or None


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where an aggregator of this user keeps its data unless told otherwise."""
    if given := environment.get("SYSMON_DATA_DIR"):
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/sysmon")
    return Path(environment.get("HOME") or Path.home()) / ".local" / "share" / "sysmon"


def host_name(configured: str) -> str:
    """The name this host is known by: the setting `hostname`, else the kernel's as the agent spells it."""
    if configured:
        return configured
    name = re.sub(r"[^A-Za-z0-9.]", "-", socket.gethostname())[:253]
    return name.strip("-.") or "localhost"


def user_file(environment: Mapping[str, str]) -> Path:
    """`~/.sysmon/agent.yaml` of the user who runs this."""
    return Path(environment.get("HOME") or Path.home()) / ".sysmon" / "agent.yaml"


def settings_file(explicit: Path | None, environment: Mapping[str, str]) -> Path:
    """The file that is read, or that `config set` would make."""
    if explicit is not None:
        return explicit
    own = user_file(environment)
    return SYSTEM_FILE if not own.exists() and os.access(SYSTEM_FILE, os.F_OK) else own


def aggregator_file(environment: Mapping[str, str]) -> Path | None:
    """The settings file of this machine's aggregator: the user's own, else a service's; None for none."""
    own = user_file(environment).with_name("aggregator.yaml")
    service = SYSTEM_FILE.with_name("aggregator.yaml")
    return next((path for path in (own, service) if os.access(path, os.R_OK)), None)


def variable(key: str) -> str:
    """The environment variable of a setting: `SYSMON_SPOOL_MAX_BYTES`."""
    return "SYSMON_" + key.upper().replace(".", "_")


def masked(secret: str) -> str:
    """`•••• (sha256:ab12…)`: enough to tell two secrets apart, nothing to use."""
    return f"•••• (sha256:{hashlib.sha256(secret.encode()).hexdigest()[:8]}…)"


def read_file(path: Path) -> str:
    """The text of a settings file; "" where there is none. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def check_private(path: Path, owner: int | None = None) -> None:
    """Raises UnsafeFileError if others than its owner (ourselves, root or `owner`) may read or change it."""
    try:
        info = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_IMODE(info.st_mode) & 0o077:
        raise UnsafeFileError(
            f"{path} holds a token but has mode {stat.S_IMODE(info.st_mode):04o}. Fix: chmod 600 {path}"
        )
    if info.st_uid not in {0, os.geteuid(), owner}:
        raise UnsafeFileError(
            f"{path} holds a token but belongs to another user. Fix: chown it to yourself or root"
        )


def unknown(issue: ConfigIssue) -> bool:
    """True for a key that no setting has: an error when validating, a warning at run."""
    return bool(issue.key) and issue.key not in {setting["key"] for setting in agent_settings()}


def is_wrong(issue: ConfigIssue, text: str) -> bool:
    """True for an error in the value itself; False where only something beside it is missing.

    `mode: distributed` without an aggregator's URL is not finished, not wrong: the one who types it goes on.
    """
    if issue.level != "error" or unknown(issue):
        return False
    value = _value_at(text, key_path(issue.key)) if issue.key else None
    if value is None:
        return not issue.key
    beside = set_value(_COMPLETE, key_path(issue.key), value)
    return any(other.level == "error" and other.key == issue.key for other in validate_agent_config(beside))


def load(
    explicit: Path | None = None,
    *,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Reads the settings from everywhere.

    Args:
        explicit: the file that --config names; it must exist.
        flags: key → value given on the command line.
        environment: default: the process's own.

    Raises:
        ConfigError: a value is wrong (the message has every complaint), or the file cannot be read.
        UnsafeFileError: the file holds a token and others may read or change it.
    """
    environment = os.environ if environment is None else environment
    path = settings_file(explicit, environment)
    if explicit is not None and not explicit.exists():
        raise ConfigError(f"there is no file {explicit}")
    text = read_file(path)
    file = path if path.exists() else None

    issues = validate_agent_config(text, str(path))
    if wrong := [str(issue) for issue in issues if is_wrong(issue, text)]:
        raise ConfigError("\n".join(wrong))
    warnings = tuple(str(issue) for issue in issues)

    origins: dict[str, str] = {}
    overlay = text
    in_environment = {
        s["key"]: environment[v] for s in agent_settings() if (v := variable(s["key"])) in environment
    }
    for key, value in {**in_environment, **(flags or {})}.items():
        overlay = set_value(overlay, key_path(key), value)
        origins[key] = "flag" if key in (flags or {}) else f"environment {variable(key)}"
    if overlay is not text:
        found = validate_agent_config(overlay, str(path))
        bad = [issue for issue in found if issue.key in origins and is_wrong(issue, overlay)]
        if bad:
            raise ConfigError("\n".join(f"{origins[issue.key]}: {issue.message}" for issue in bad))

    settings = tuple(
        Setting(
            key=entry["key"],
            value=entry["value"],
            default=entry["default"],
            unit=entry["unit"],
            help=entry["help"],
            secret=entry["secret"],
            origin=origins.get(entry["key"]) or _file_origin(path, text, entry["key"]),
        )
        for entry in agent_settings(overlay, str(path))
    )
    if file is not None and line_of(text, key_path("auth_token")) is not None:
        check_private(file)
    flagged = (flags or {}).get("aggregator_url")
    own = next(entry["value"] for entry in agent_settings(text) if entry["key"] == "aggregator_url")
    own = in_environment.get("aggregator_url", own)
    elsewhere = flagged is not None and flagged.rstrip("/") != own.rstrip("/")
    return Configuration(settings, file, warnings, environment, elsewhere)


def key_path(key: str) -> tuple[str, ...]:
    """Where a setting stands in the file: `spool.dir` → agent, spool, dir."""
    return (ROOT_KEY, *key.split("."))


def parse_value(value: str, unit: str) -> str | list[str] | dict[str, str]:
    """The value as it is written into the file: lists and maps from `a,b` and `k=v,k=v`, or from YAML.

    Raises:
        ConfigError: a map's entry has no `=`.
    """
    if unit not in {"list", "map"}:
        return value
    if value.lstrip()[:1] in {"[", "{"}:
        try:
            loaded = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{value!r} is not YAML; expected {_shape(unit)}") from error
        if isinstance(loaded, list):
            return [str(item) for item in loaded]
        if isinstance(loaded, dict):
            return {str(key): str(item) for key, item in loaded.items()}
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if unit == "list":
        return parts
    if any("=" not in part for part in parts):
        raise ConfigError(f"{value!r} is not a map; expected {_shape(unit)}")
    return {key.strip(): item.strip() for key, _, item in (part.partition("=") for part in parts)}


def _value_at(text: str, path: tuple[str, ...]) -> str | list[str] | dict[str, str] | None:
    """The value as written, all scalars as text; None if there is none."""
    found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text, lists and mappings
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str | list | dict) else None


def _shape(unit: str) -> str:
    return "k=v,k=v" if unit == "map" else "a,b"


def _file_origin(path: Path, text: str, key: str) -> str:
    line = line_of(text, key_path(key))
    return "default" if line is None else f"{path}:{line}"
