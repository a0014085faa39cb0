"""The aggregator's settings: flags over `SYSMON_*` variables over ~/.sysmon/aggregator.yaml over defaults."""

from __future__ import annotations

import difflib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import yaml

from sysmon.errors import ConfigError, UnsafeFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sysmon.aggregator.storage import Tier

DEFAULT_FILE = Path("~/.sysmon/aggregator.yaml")
_ENV = "SYSMON_"
_MAX_TOKEN_FILE_BYTES = 64 * 1024
_AGE = re.compile(r"([0-9]{1,6})([hdy])")
_AGE_UNIT_MS = {"h": 3_600_000, "d": 86_400_000, "y": 365 * 86_400_000}
_LEAST_RAW_MS = 3 * 86_400_000


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request, a host and a query may cost (docs/formats/wire.md); past it an error with a code."""

    body_bytes: int = 1 << 20
    inflated_bytes: int = 8 << 20
    ratio: int = 100
    batches: int = 64
    samples: int = 20_000
    metrics_per_batch: int = 2_000
    tags_per_metric: int = 16
    series_per_host: int = 2_000
    new_key_sets_per_hour: int = 1_000
    hosts: int = 20_000
    requests_per_second: int = 10  # per host, enforced only while the commit queue is more than half full
    queue_requests: int = 1_024
    queue_bytes: int = 32 << 20
    bundles: int = 8  # that are worked on at once
    journal_bytes: int = 256 << 20  # past three quarters of it hosts are compacted before their hour is over
    min_free_bytes: int = 512 << 20  # and 5 % of the disk: with less left nothing is stored
    sample_age_s: float = 30 * 86_400
    sample_ahead_s: float = 600
    body_timeout_s: float = 10
    query_series: int = 500
    query_points: int = 12_000
    query_s: float = 10
    queries: int = 4
    federate_series: int = 200_000
    unread_s: float = 60  # a connection whose peer takes nothing for so long is cut
    ws_clients: int = 64
    ws_clients_per_address: int = 8
    ws_message_bytes: int = 4_096
    ws_queue: int = 256
    watch_s: int = 30  # a host that somebody looks at ticks every second for so long after its last push


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each tier is kept, like `30d` or `36h`."""

    raw: str = "30d"
    five_minutes: str = msgspec.field(default="90d", name="5m")
    hour: str = msgspec.field(default="2y", name="1h")

    def __post_init__(self) -> None:
        if self.ages_ms["raw"] < _LEAST_RAW_MS:
            raise ValueError("raw: at least 3d, so that every day is rolled up before its samples go")

    @property
    def ages_ms(self) -> dict[Tier, int]:
        """Raises ValueError."""
        return {"raw": _age_ms(self.raw), "5m": _age_ms(self.five_minutes), "1h": _age_ms(self.hour)}


def _age_ms(text: str) -> int:
    match = _AGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an age: 36h, 30d, 2y")
    return int(match[1]) * _AGE_UNIT_MS[match[2]]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the aggregator can be told. Secrets are values here, wherever they came from."""

    host: str = "127.0.0.1"
    port: int = 9000
    data_dir: Path = Path("~/.local/share/sysmon")
    auth_tokens: tuple[str, ...] = ()
    read_tokens: tuple[str, ...] = ()
    admin_token: str | None = None
    read_auth: Literal["open", "token"] | None = None  # None: open on loopback, see `reads_are_open`
    allowed_hosts: tuple[str, ...] = ()
    trusted_hops: int = 0
    stale_min_s: float = 15
    offline_min_s: float = 60
    retention: RetentionSettings = RetentionSettings()
    max_db_bytes: int | None = None
    limits: LimitSettings = LimitSettings()

    @property
    def on_loopback(self) -> bool:
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def reads_are_open(self) -> bool:
        """Reads need no token: because it was written down, or on a loopback address nobody proxies to."""
        if self.read_auth is not None:
            return self.read_auth == "open"
        return self.on_loopback and not self.allowed_hosts and not self.trusted_hops


# How each setting is spelled in the file and the environment. A value is a scalar, or a list (in a variable:
# commas).
_SCALARS = {
    "host": str,
    "port": int,
    "data_dir": Path,
    "read_auth": str,
    "trusted_hops": int,
    "stale_min_s": float,
    "offline_min_s": float,
    "admin_token": str,
    "max_db_bytes": int,
}
_LISTS = ("allowed_hosts", "auth_tokens", "read_tokens")
_ALIASES = {"auth_token": "auth_tokens", "read_token": "read_tokens"}
_TOKEN_FILES = {
    "auth_token_file": "auth_tokens",
    "read_token_file": "read_tokens",
    "admin_token_file": "admin_token",
}
_SECRETS = {"auth_tokens", "read_tokens", "admin_token"}
_STRUCTS = {"limits": LimitSettings, "retention": RetentionSettings}
KEYS = (*_SCALARS, *_LISTS, *_ALIASES, *_TOKEN_FILES, *_STRUCTS)


def default_data_dir() -> Path:
    """/var/lib/sysmon as root, else ~/.local/share/sysmon."""
    return Path("/var/lib/sysmon") if os.geteuid() == 0 else Path("~/.local/share/sysmon").expanduser()


def load_settings(
    flags: Mapping[str, Any], env: Mapping[str, str], file: Path | None = None
) -> tuple[Settings, list[str]]:
    """The settings in force and what is odd about their sources.

    Args:
        flags: settings given on the command line; None values are as if absent.
        env: usually os.environ.
        file: the file named by --config; None is ~/.sysmon/aggregator.yaml, which may be missing.

    Raises:
        ConfigError: a file cannot be read or parsed, or a value is not what the setting takes.
        UnsafeFileError: a file with a secret may be read or changed by others.
    """
    warnings: list[str] = []
    merged: dict[str, Any] = {"data_dir": default_data_dir()}
    merged |= _from_file(file, warnings)
    merged |= _from_env(env)
    merged |= {key: value for key, value in flags.items() if value is not None}
    merged["data_dir"] = Path(merged["data_dir"]).expanduser()
    try:
        return msgspec.convert(merged, Settings, strict=False), warnings
    except msgspec.ValidationError as error:
        raise ConfigError(f"aggregator settings: {error}") from None


def _from_file(file: Path | None, warnings: list[str]) -> dict[str, Any]:
    path = (file or DEFAULT_FILE).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if file is None:
            return {}
        raise ConfigError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    if parsed is None:
        return {}
    if isinstance(parsed, dict) and isinstance(parsed.get("aggregator"), dict):
        parsed = parsed["aggregator"]
    if not isinstance(parsed, dict):
        raise ConfigError(f"{path}: expected `setting: value` lines, got {type(parsed).__name__}")
    found = _settings_of({str(key): value for key, value in parsed.items()}, str(path), warnings)
    if _SECRETS & {_ALIASES.get(key, key) for key in parsed}:
        check_secret_file(path)
    return found


def _from_env(env: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key in KEYS:
        text = env.get(_ENV + key.upper())
        if text and key not in _STRUCTS:
            given[key] = text
    credential = (
        Path(env["CREDENTIALS_DIRECTORY"]) / "auth_token" if env.get("CREDENTIALS_DIRECTORY") else None
    )
    if credential and "auth_token" not in given and "auth_token_file" not in given and credential.exists():
        given["auth_token_file"] = str(credential)
    return _settings_of(given, "environment", [])


def _settings_of(given: dict[str, Any], origin: str, warnings: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key in _TOKEN_FILES:
            tokens = read_token_file(Path(str(value)).expanduser())
            target = _TOKEN_FILES[key]
            found[target] = tokens if target != "admin_token" else tokens[0]
        elif key in _SCALARS:
            found[key] = _scalar(key, value, origin)
        elif _ALIASES.get(key, key) in _LISTS:
            found[_ALIASES.get(key, key)] = _list(value)
        elif key in _STRUCTS:
            try:
                found[key] = msgspec.convert(value, _STRUCTS[key])
            except msgspec.ValidationError as error:
                raise ConfigError(f"{origin}: {key}: {error}") from None
        else:
            near = difflib.get_close_matches(key, KEYS, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            warnings.append(f"{origin}: unknown setting {key!r} is ignored{hint}")
    return found


def _scalar(key: str, value: object, origin: str) -> object:
    try:
        return _SCALARS[key](value)
    except (TypeError, ValueError):
        raise ConfigError(f"{origin}: {key}: {value!r} is not a valid {_SCALARS[key].__name__}") from None


def _list(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else str(value).split(",")
    return tuple(text for item in items if (text := str(item).strip()))


def read_token_file(path: Path) -> tuple[str, ...]:
    """The tokens in a file, one a line or separated by commas.

    Raises:
        ConfigError: it cannot be read or holds none.
        UnsafeFileError: see `check_secret_file`.
    """
    check_secret_file(path)
    try:
        text = path.read_bytes()[:_MAX_TOKEN_FILE_BYTES].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    tokens = _list(text.replace("\n", ","))
    if not tokens:
        raise ConfigError(f"{path}: holds no token; `sysmon token new > {path}` makes one")
    return tokens


def check_secret_file(path: Path) -> None:
    """A file with a secret is ours (or root's), and nobody else may read or write it.

    Raises:
        UnsafeFileError: it is not so.
        ConfigError: it cannot be looked at.
    """
    try:
        info = path.stat()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if info.st_uid not in (0, os.geteuid()):
        raise UnsafeFileError(f"{path}: holds a secret but belongs to user {info.st_uid}; chown it")
    # A systemd credential is 0440, root's, in a directory that only the service can enter.
    in_credentials = path.parent == Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent"))
    if stat.S_IMODE(info.st_mode) & 0o077 and not in_credentials:
        mode = stat.S_IMODE(info.st_mode)
        raise UnsafeFileError(f"{path}: holds a secret but has mode {mode:04o}; fix: chmod 600 {path}")
