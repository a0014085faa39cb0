"""Where the aggregator's settings come from, which wins, and what is refused."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sysmon.aggregator.settings import KEYS, LimitSettings, Settings, load_settings
from sysmon.errors import ConfigError, UnsafeFileError


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_flags_over_variables_over_file_over_defaults(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "port: 1\nhost: 127.0.0.2\nstale_min_s: 3\nallowed_hosts: [a, b]\n")
    env = {"SYSMON_PORT": "2", "SYSMON_STALE_MIN_S": "4", "SYSMON_AUTH_TOKEN": "one, two"}
    settings, warnings = load_settings({"port": 3, "host": None}, env, file)
    assert (settings.port, settings.host, settings.stale_min_s) == (3, "127.0.0.2", 4.0)
    assert settings.auth_tokens == ("one", "two")
    assert settings.allowed_hosts == ("a", "b")
    assert settings.offline_min_s == 60
    assert warnings == []


def test_the_file_may_have_one_section(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "aggregator:\n  auth_token: abc\n  limits: {query_points: 5}\n")
    settings, _ = load_settings({}, {}, file)
    assert settings.auth_tokens == ("abc",)
    assert settings.limits.query_points == 5


def test_unknown_settings_are_named_with_a_guess(tmp_path: Path) -> None:
    _, warnings = load_settings({}, {}, write(tmp_path / "a.yaml", "prot: 1\n"))
    assert len(warnings) == 1
    assert "'prot'" in warnings[0]
    assert "did you mean port" in warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "port: many",
        "- a\n",
        "a: [",
        "limits: {nonsense: 1}",
        "limits: {ratio: many}",
        "read_auth: perhaps",
        "port: [1]",
    ],
)
def test_what_is_not_a_setting_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load_settings({}, {}, write(tmp_path / "a.yaml", text))


def test_a_missing_file_is_an_error_only_when_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({}, {}).__class__ is tuple
    with pytest.raises(ConfigError):
        load_settings({}, {}, tmp_path / "none.yaml")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_secrets_that_others_may_touch_are_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnsafeFileError):
        load_settings({}, {}, write(tmp_path / "a.yaml", "auth_token: abc", mode))
    token = write(tmp_path / "token", "abc", mode)
    with pytest.raises(UnsafeFileError):
        load_settings({}, {"SYSMON_AUTH_TOKEN_FILE": str(token)})
    settings, _ = load_settings({}, {}, write(tmp_path / "b.yaml", "port: 1", mode))
    assert settings.port == 1  # no secret in it


def test_token_files(tmp_path: Path) -> None:
    env = {
        "SYSMON_AUTH_TOKEN_FILE": str(write(tmp_path / "push", "one\ntwo\n")),
        "SYSMON_READ_TOKEN_FILE": str(write(tmp_path / "read", "three")),
        "SYSMON_ADMIN_TOKEN_FILE": str(write(tmp_path / "admin", "four\n")),
    }
    settings, _ = load_settings({}, env)
    assert settings.auth_tokens == ("one", "two")
    assert settings.read_tokens == ("three",)
    assert settings.admin_token == "four"
    with pytest.raises(ConfigError):
        load_settings({}, {"SYSMON_AUTH_TOKEN_FILE": str(write(tmp_path / "empty", "\n"))})
    with pytest.raises(ConfigError):
        load_settings({}, {"SYSMON_AUTH_TOKEN_FILE": str(tmp_path / "none")})


def test_a_systemd_credential_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "auth_token", "abc", 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings, _ = load_settings({}, os.environ)
    assert settings.auth_tokens == ("abc",)


@pytest.mark.parametrize(
    ("given", "are_open"),
    [
        ({}, True),
        ({"host": "localhost"}, True),
        ({"host": "::1"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"trusted_hops": 1}, False),
        ({"host": "0.0.0.0", "read_auth": "open"}, True),
        ({"read_auth": "token"}, False),
    ],
)
def test_when_reads_are_open(given: dict[str, str], are_open: bool) -> None:
    settings, _ = load_settings(given, {}, Path(os.devnull))
    assert settings.reads_are_open is are_open


EXAMPLE = Path(__file__).parent.parent / "config" / "aggregator.yaml.example"


def test_the_example_shows_the_defaults() -> None:
    settings, warnings = load_settings({"data_dir": "x"}, {}, EXAMPLE)
    assert warnings == []
    assert settings == Settings(data_dir=Path("x"))


def test_the_example_has_every_setting() -> None:
    named = set(re.findall(r"(?:^#? ?|also |, )([a-z_]+)(?=:|,|;|\s)", EXAMPLE.read_text(), re.MULTILINE))
    assert set(KEYS) - named == set()
    shown = re.findall(r"^  ([a-z_]+):", EXAMPLE.read_text(), re.MULTILINE)
    assert shown == list(LimitSettings.__struct_fields__)
