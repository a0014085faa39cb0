"""Where a setting's value comes from, and what the native core says of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from sysmon import config
from sysmon._core import agent_settings, validate_agent_config
from sysmon.errors import ConfigError, UnsafeFileError

EXAMPLE = Path(__file__).parent.parent / "config" / "agent.yaml.example"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a place where /etc/sysmon/agent.yaml would be."""
    monkeypatch.setattr(config, "SYSTEM_FILE", tmp_path / "etc" / "agent.yaml")
    return tmp_path


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def load(
    home: Path, explicit: Path | None = None, flags: dict[str, str] | None = None, **environment: str
) -> config.Configuration:
    return config.load(explicit, flags=flags, environment={"HOME": str(home), **environment})


def test_without_anything_every_setting_has_its_default(home: Path) -> None:
    current = load(home)
    assert current.file is None
    assert {setting.origin for setting in current.settings} == {"default"}
    assert [setting.key for setting in current.settings] == [entry["key"] for entry in agent_settings()]
    assert (current.get("mode"), current.get("push_interval")) == ("local", "10s")


def test_flags_win_over_environment_over_file_over_defaults(home: Path) -> None:
    path = write(
        home / ".sysmon" / "agent.yaml",
        "agent:\n  push_interval: 20s\n  aggregator_url: http://file:1\n  hostname: h\n",
    )
    current = load(
        home,
        flags={"aggregator_url": "http://flag:3"},
        SYSMON_AGGREGATOR_URL="http://env:2",
        SYSMON_PUSH_INTERVAL="30s",
    )
    found = {
        key: (current.get(key), current.find(key).origin)
        for key in ("aggregator_url", "push_interval", "hostname", "mode")
    }  # type: ignore[union-attr]
    assert found == {
        "aggregator_url": ("http://flag:3", "flag"),
        "push_interval": ("30s", "environment SYSMON_PUSH_INTERVAL"),
        "hostname": ("h", f"{path}:4"),
        "mode": ("local", "default"),
    }


def test_one_file_is_read_the_first_that_exists(home: Path) -> None:
    explicit = write(home / "mine.yaml", "agent:\n  hostname: mine\n")
    write(config.SYSTEM_FILE, "agent:\n  hostname: etc\n  proxy: http://etc:1\n")
    assert load(home).get("hostname") == "etc"
    write(home / ".sysmon" / "agent.yaml", "agent:\n  hostname: own\n")
    own = load(home)
    assert (own.get("hostname"), own.get("proxy")) == ("own", "")  # files are not merged
    assert load(home, explicit).get("hostname") == "mine"
    with pytest.raises(ConfigError, match="there is no file"):
        load(home, home / "nowhere.yaml")


def test_nested_keys_have_their_variable_and_their_line(home: Path) -> None:
    path = write(home / ".sysmon" / "agent.yaml", "agent:\n  spool:\n    max_bytes: 1MiB\n    max_age: 1d\n")
    current = load(home, SYSMON_SPOOL_MAX_BYTES="2MiB", SYSMON_HOST_TAGS="role=web,rack=b7")
    assert current.get("spool.max_bytes") == "2MiB"
    assert current.find("spool.max_age").origin == f"{path}:4"  # type: ignore[union-attr]
    assert current.get("host_tags") == "role=web,rack=b7"


def test_a_wrong_value_names_its_place(home: Path) -> None:
    path = write(home / ".sysmon" / "agent.yaml", "agent:\n  push_interval: soon\n")
    with pytest.raises(ConfigError, match=re.escape(f"{path}:2:")):
        load(home)
    path.unlink()
    with pytest.raises(ConfigError, match=r"environment SYSMON_PUSH_INTERVAL: .*soon"):
        load(home, SYSMON_PUSH_INTERVAL="soon")


def test_what_is_unfinished_is_a_warning(home: Path) -> None:
    write(home / ".sysmon" / "agent.yaml", "agent:\n  mode: distributed\n  tls: {cert_file: /c}\n")
    current = load(home)
    assert current.get("mode") == "distributed"
    assert "aggregator_url" in current.warnings[0]


def test_an_unknown_key_is_a_warning_at_run(home: Path) -> None:
    write(home / ".sysmon" / "agent.yaml", "agent:\n  push_intervall: 10s\n")
    (warning,) = load(home).warnings
    assert "push_intervall" in warning
    assert "push_interval" in warning.replace("push_intervall", "")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_token_that_others_may_read_is_refused(home: Path, mode: int) -> None:
    write(home / ".sysmon" / "agent.yaml", "agent:\n  auth_token: secret123\n", mode)
    with pytest.raises(UnsafeFileError, match="chmod 600"):
        load(home)


def test_without_a_token_the_mode_does_not_matter(home: Path) -> None:
    write(home / ".sysmon" / "agent.yaml", "agent:\n  hostname: h\n", 0o644)
    assert load(home).get("hostname") == "h"


def test_the_token_comes_from_variable_value_or_file(home: Path) -> None:
    secret = write(home / "token", "from-file\n")
    path = write(home / ".sysmon" / "agent.yaml", f"agent:\n  auth_token_file: {secret}\n")
    assert load(home).read_token() == "from-file"
    secret.chmod(0o644)
    with pytest.raises(UnsafeFileError):
        load(home).read_token()
    write(path, "agent:\n  auth_token: in-file\n")
    assert load(home).read_token() == "in-file"
    assert load(home, SYSMON_AUTH_TOKEN="agents").read_token() == "agents"
    assert load(home, SYSMON_AUTH_TOKEN="agents", SYSMON_READ_TOKEN="readers").read_token() == "readers"


def test_the_files_token_goes_to_the_files_aggregator_only(home: Path) -> None:
    write(
        home / ".sysmon" / "agent.yaml", "agent:\n  auth_token: in-file\n  aggregator_url: http://mine:9000\n"
    )
    assert load(home, flags={"aggregator_url": "http://mine:9000/"}).read_token() == "in-file"
    assert load(home, flags={"aggregator_url": "http://other:9000"}).read_token() is None


def test_the_admin_token_of_this_machine_never_leaves_it(home: Path) -> None:
    write(home / "data" / "admin_token", "admin\n")
    current = load(home, SYSMON_DATA_DIR=str(home / "data"))
    assert current.admin_token("http://127.0.0.1:9000") == "admin"
    assert current.admin_token("http://central:9000") is None
    assert load(home, SYSMON_ADMIN_TOKEN="given").admin_token("http://central:9000") == "given"


def test_a_secret_is_shown_by_its_fingerprint(home: Path) -> None:
    write(home / ".sysmon" / "agent.yaml", "agent:\n  auth_token: secret123\n")
    setting = load(home).find("auth_token")
    assert setting is not None
    assert setting.shown == "•••• (sha256:fcf730b6…)"


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("a, b,", "list", ["a", "b"]),
        ("[a, 'b, c']", "list", ["a", "b, c"]),
        ("role=web,dc = x=y", "map", {"role": "web", "dc": "x=y"}),
        ("{role: web}", "map", {"role": "web"}),
        ("a,b", "path", "a,b"),
    ],
)
def test_lists_and_maps_are_taken_from_a_line(text: str, unit: str, value: object) -> None:
    assert config.parse_value(text, unit) == value


def test_a_map_without_values_is_refused() -> None:
    with pytest.raises(ConfigError, match="k=v"):
        config.parse_value("role", "map")


def test_the_example_is_valid_and_has_every_setting_with_its_default() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert [str(issue) for issue in validate_agent_config(text, str(EXAMPLE))] == []
    everything = re.sub(r"^  # (?=( {2})?[a-z_]+: )", "  ", text, flags=re.MULTILINE)
    everything = re.sub(r"^  # (?=(spool|collectors|tls):)", "  ", everything, flags=re.MULTILINE)
    everything = everything.replace("  auth_token: secret123 ", "  # ")
    assert [str(issue) for issue in validate_agent_config(everything, "all")] == []
    loaded = yaml.safe_load(everything)["agent"]
    for entry in agent_settings():
        key = entry["key"]
        if key == "auth_token":
            continue
        found = loaded
        for part in key.split("."):
            assert part in found, f"{key} is not in {EXAMPLE.name}"
            found = found[part]
        (line,) = re.findall(rf"^ +(?:# +)?{key.rpartition('.')[2]}: .*# .*$", text, flags=re.MULTILINE) or [
            ""
        ]
        if entry["default"]:
            assert f"[{entry['default']}]" in line, (
                f"{key}: {line!r} does not say its default {entry['default']}"
            )


def test_the_aggregators_own_user_reads_with_the_token_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "admin_token").write_text("left-there")
    (tmp_path / "admin_token").chmod(0o600)
    settings = load(tmp_path, SYSMON_DATA_DIR=str(tmp_path))
    assert settings.local_admin_token("http://127.0.0.1:9000") == "left-there"
    assert settings.local_admin_token("http://central:9000") is None
    (tmp_path / "admin_token").chmod(0o644)
    with pytest.raises(UnsafeFileError):
        settings.local_admin_token("http://127.0.0.1:9000")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
def test_root_takes_the_token_of_a_service_that_runs_as_somebody_else(home: Path) -> None:
    token = write(home / "data" / "admin_token", "t" * 40)
    settings = load(home, SYSMON_DATA_DIR=str(token.parent))
    for path in (token.parent, token):
        os.chown(path, 61_234, 61_234)
    assert settings.local_admin_token("http://127.0.0.1:9000") == "t" * 40
    os.chown(token.parent, 0, 0)
    with pytest.raises(UnsafeFileError):
        settings.local_admin_token("http://127.0.0.1:9000")


def test_a_services_settings_are_those_of_its_aggregator(home: Path) -> None:
    environment = {"HOME": str(home)}
    assert config.aggregator_file(environment) is None
    for folder in ("etc", ".sysmon"):  # the user's own come first
        path = write(home / folder / "aggregator.yaml", "port: 9001\n")
        assert config.aggregator_file(environment) == path
