"""Checks of what is written down: the configuration, and who can reach and read what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sysmon import validate_agent_config
from sysmon.config import check_private, read_file, settings_file
from sysmon.doctor.result import Finding, failed, good, odd, skipped
from sysmon.errors import SysmonError, UnsafeFileError

if TYPE_CHECKING:
    from sysmon.doctor.subject import Subject

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def check_configuration(subject: Subject) -> Finding:
    """Both files parse, have no unknown keys, and keep their secrets."""
    path = settings_file(subject.config_file, subject.environment)
    try:
        configuration = subject.configuration
        _ = subject.store  # the aggregator's file is read by it
        token_file = configuration.get("auth_token_file")
        if token_file:
            check_private(Path(token_file).expanduser())
        configuration.push_token()
    except UnsafeFileError as error:
        return failed(str(error), "chmod 600 that file: it holds a token")
    except SysmonError as error:
        return failed(str(error).splitlines()[0], "sysmon config validate lists every mistake")
    issues = validate_agent_config(read_file(path), str(path))
    if any(issue.level == "error" for issue in issues):
        first = next(issue for issue in issues if issue.level == "error")
        return failed(str(first), "sysmon config validate lists every mistake")
    if issues:
        return odd(str(issues[0]), "sysmon config validate lists all of it")
    if configuration.file is None:
        return good("no file: this machine watches itself (sysmon up)")
    return good(f"{configuration.file}: mode {configuration.get('mode')}")


def check_exposure(subject: Subject) -> Finding:
    """Nobody reaches more than was meant, and tokens are not to be guessed."""
    from sysmon.aggregator.auth import weak_token_warnings

    found: list[tuple[str, str]] = []
    token = subject.configuration.push_token()
    store = subject.store
    tokens = [token] if token else []
    if store is not None:
        tokens += [*store.auth_tokens, *store.read_tokens]
        if store.reads_are_open and not (store.on_loopback and not store.trusted_hops):
            found.append(
                (
                    f"anybody who reaches {store.host}:{store.port} can read everything (read_auth: open)",
                    "set read_auth: token and read_tokens in aggregator.yaml",
                )
            )
    found += [
        (text, "sysmon token new, at the aggregator and at its agents")
        for text in weak_token_warnings(tokens)
    ]
    url = subject.configuration.get("aggregator_url")
    if token and url and urlsplit(url).scheme == "http" and urlsplit(url).hostname not in _LOOPBACK:
        found.append(
            (
                f"the token goes to {url} in the clear",
                "put TLS in front of the aggregator and use https://, or a private network",
            )
        )
    if found:
        return odd("; ".join(text for text, _ in found), found[0][1])
    if store is None and not tokens:
        return skipped("no token, and no aggregator on this machine")
    return good("tokens are long, and reads are as closed as they should be")
