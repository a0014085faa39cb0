"""Checks of the way to the aggregator: name, connection, token, clock, and a sample there and back."""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sysmon import __version__
from sysmon.doctor.result import Finding, failed, good, odd, skipped
from sysmon.errors import ApiError
from sysmon.format import duration

if TYPE_CHECKING:
    from sysmon.doctor.subject import RoundTrip, Subject

_PROXIES: Final = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_ODD_CLOCK_S: Final = 5.0
_WRONG_CLOCK_S: Final = 600.0  # samples that far ahead are refused
_NOWHERE: Final = "this host pushes to no aggregator, and none runs on this machine"


def check_versions(subject: Subject) -> Finding:
    """Agent and aggregator are of one version."""
    if subject.client is None:
        return good(f"sysmon {__version__} here, and no aggregator")
    try:
        theirs = subject.client.health().get("version")
    except ApiError as error:
        return skipped(f"sysmon {__version__} here; the aggregator did not say its own: {error}")
    if theirs is None:
        return skipped(f"sysmon {__version__} here; the aggregator tells its version to who may read")
    if theirs != __version__:
        return odd(
            f"the aggregator has {theirs}, this machine {__version__}",
            "upgrade the older one: pip install --upgrade sysmon",
        )
    return good(f"aggregator and this machine: {theirs}")


def check_reach(subject: Subject) -> Finding:
    """The aggregator's name, port and certificate, and that what answers is one."""
    if subject.url is None or subject.client is None:
        return skipped(f"{_NOWHERE} (sysmon up, or sysmon config set aggregator_url …)")
    parts = urlsplit(subject.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    begun = time.monotonic()
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        return failed(f"the name {host} does not resolve: {error.strerror}", f"getent hosts {host}; see DNS")
    resolved = time.monotonic()
    try:
        with socket.create_connection((host, port), subject.timeout_s) as plain:
            connected = time.monotonic()
            if parts.scheme == "https":
                _shake_hands(subject, plain, host)
    except ssl.SSLError as error:
        return failed(
            f"TLS with {host}:{port}: {error.reason or error}",
            "its certificate must be for that name and of an authority in tls.ca_file or the system's",
        )
    except OSError as error:
        why = error.strerror or str(error)
        return failed(
            f"{host} ({addresses[0][4][0]}), port {port}: {why}",
            "is sysmon-aggregator running there, on that address? A firewall between?",
        )
    done = time.monotonic()
    try:
        subject.client.health()
    except ApiError as error:
        return failed(str(error), "is that the aggregator's URL and port? sysmon config get aggregator_url")
    legs = f"DNS {duration(resolved - begun)}, TCP {duration(connected - resolved)}"
    if parts.scheme == "https":
        legs += f", TLS {duration(done - connected)}"
    unused = [name for name in _PROXIES if subject.environment.get(name)]
    if unused and not subject.configuration.get("proxy"):
        return odd(
            f"{subject.url} answers ({legs}); {unused[0]} is set and not obeyed",
            "if a proxy is needed: sysmon config set proxy URL",
        )
    return good(f"{subject.url} answers: {legs}")


def _shake_hands(subject: Subject, plain: socket.socket, host: str) -> None:
    settings = subject.configuration
    context = ssl.create_default_context(cafile=settings.get("tls.ca_file") or None)
    if settings.get("tls.cert_file"):
        context.load_cert_chain(settings.get("tls.cert_file"), settings.get("tls.key_file") or None)
    with context.wrap_socket(plain, server_hostname=host):
        pass


def check_token(subject: Subject) -> Finding:
    """The aggregator takes the agent's token."""
    if subject.url is None:
        return skipped(_NOWHERE)
    if subject.pusher is None:
        if subject.configuration.get("mode") == "distributed":
            return failed("there is no token", "sysmon config set auth_token (it asks for it)")
        return skipped("this host has no token: it pushes to no aggregator")
    try:
        subject.pusher.push(b"{}", {})  # whoever is refused is refused before the body is looked at
    except ApiError as error:
        if error.status in {401, 403}:
            return failed(
                f"{subject.url} refuses the token",
                "put the aggregator's token here: sysmon config set auth_token; or was it changed there?",
            )
        if error.status not in {400, 422}:
            return failed(str(error), "see the check `reach`")
    return good(f"{subject.url} takes it")


def check_clock(subject: Subject) -> Finding:
    """This machine and the aggregator's agree on the time."""
    trip = _trip(subject)
    if isinstance(trip, Finding):
        return trip
    offset = trip.clock_offset_s
    text = f"the aggregator's clock is {duration(abs(offset))} {'ahead' if offset > 0 else 'behind'}"
    fix = "run an NTP client on both: timedatectl set-ntp true"
    if abs(offset) >= _WRONG_CLOCK_S:
        return failed(f"{text}: the times of samples are corrected, or they are refused", fix)
    return odd(text, fix) if abs(offset) >= _ODD_CLOCK_S else good(text)


def check_round_trip(subject: Subject) -> Finding:
    """A marked sample is acknowledged, and is there."""
    trip = _trip(subject)
    if isinstance(trip, Finding):
        return trip
    acked = f"a sample was stored and acknowledged in {duration(trip.ack_s)}"
    if trip.read_s is None:
        return good(f"{acked}; reading it back needs a read token (SYSMON_READ_TOKEN)")
    return good(f"{acked}, and read back in {duration(trip.read_s)}")


def _trip(subject: Subject) -> RoundTrip | Finding:
    if subject.url is None:
        return skipped(_NOWHERE)
    trip = subject.round_trip
    if trip is None:
        return skipped("this host has no token to push with")
    if isinstance(trip, ApiError):
        return failed(str(trip), "the checks `reach` and `token` say more; else the aggregator's log does")
    return trip
