"""What is examined: this machine's configuration, its aggregator and its data, each looked at once."""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sysmon.client import Client
from sysmon.config import aggregator_file, host_name, load
from sysmon.errors import ApiError, SysmonError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sysmon.aggregator.settings import Settings
    from sysmon.client import Json
    from sysmon.config import Configuration

MARK = "doctor.round_trip"  # the type of the sample that is sent and read back


class RoundTrip(NamedTuple):
    """A marked sample's way: seconds until it was acknowledged, and until it was read back."""

    ack_s: float
    read_s: float | None  # None where reading is not allowed
    clock_offset_s: float  # the aggregator's clock less ours


@dataclass
class Subject:
    """All that checks look at. Properties are made at their first use, and then stay.

    Attributes:
        config_file, flags: what the command line says of the configuration.
        root: "/" or a tree that stands for it.
    """

    environment: Mapping[str, str]
    config_file: Path | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 5.0
    root: Path = Path("/")

    @cached_property
    def _loaded(self) -> Configuration | SysmonError:
        try:
            return load(self.config_file, flags=self.flags, environment=self.environment)
        except SysmonError as error:
            return error

    @property
    def configuration(self) -> Configuration:
        """Raises SysmonError if it cannot be read."""
        if isinstance(self._loaded, SysmonError):
            raise self._loaded
        return self._loaded

    @cached_property
    def hostname(self) -> str:
        return host_name(self.configuration.get("hostname"))

    @cached_property
    def store(self) -> Settings | None:
        """The settings of this machine's aggregator; None where it has none."""
        from sysmon.aggregator.settings import load_settings

        settings, _ = load_settings({}, self.environment, aggregator_file(self.environment))
        return settings if os.access(settings.data_dir / "sysmon.db", os.R_OK) else None

    @cached_property
    def url(self) -> str | None:
        """The aggregator of this host, or the one on this machine; None where there is neither."""
        from sysmon.aggregator.address import url_on_this_machine
        from sysmon.aggregator.folder_lock import is_held

        if url := self.configuration.get("aggregator_url"):
            return url
        if self.store is not None and is_held(self.store.data_dir):
            return url_on_this_machine(self.store)
        return None

    @cached_property
    def client(self) -> Client | None:
        """A client that may read what we may."""
        if self.url is None:
            return None
        token = self.configuration.environment.get("SYSMON_READ_TOKEN")
        token = token or self.configuration.local_admin_token(self.url) or self.configuration.push_token()
        return Client(self.url, token, self.timeout_s)

    @cached_property
    def pusher(self) -> Client | None:
        """A client with the agent's token; None where there is no aggregator or no token."""
        token = self.configuration.push_token()
        return Client(self.url, token, self.timeout_s) if self.url is not None and token else None

    @cached_property
    def latest(self) -> list[Json] | None:
        """The agent's own metrics as the aggregator has them; None where it may not be asked."""
        if self.client is None:
            return None
        try:
            return list(self.client.latest(host=self.hostname, types=["agent.*"])["metrics"])
        except ApiError as error:
            if error.status in {401, 403}:
                return None
            if error.status == 404:
                return []
            raise

    @cached_property
    def watched_hosts(self) -> list[str]:
        """Whose books are looked at: this host's, or where the aggregator itself runs, all of the fleet's."""
        if self.client is None:
            return []
        if self.store is None:
            return [self.hostname]
        return [str(host["hostname"]) for host in self.client.hosts()["hosts"]]

    @cached_property
    def round_trip(self) -> RoundTrip | ApiError | None:
        """Sends one marked sample of this host and reads it back; None where there is no token to push."""
        if self.pusher is None or self.client is None:
            return None
        mark = random.randrange(1 << 40) / 8  # noqa: S311 - to know it again
        begun, sent = time.time(), time.monotonic()
        body = {"hostname": self.hostname, "timestamp": begun, "metrics": [{"type": MARK, "value": mark}]}
        try:
            reply = self.pusher.push(json.dumps(body).encode(), {})
            acked = time.monotonic()
            offset = float(reply["server_time"]) - (begun + (acked - sent) / 2)
            return RoundTrip(acked - sent, self._read_back(mark, begun), offset)
        except ApiError as error:
            return error

    def _read_back(self, mark: float, then: float) -> float | None:
        """Seconds. Raises ApiError: it is not there."""
        assert self.client is not None  # noqa: S101 - looked at before
        begun = time.monotonic()
        try:
            answer = self.client.metrics(types=[MARK], host=self.hostname, start=then - 600, end=then + 600)
        except ApiError as error:
            if error.status in {401, 403}:
                return None
            raise
        if not any(mark in series["values"] for series in answer["series"]):
            raise ApiError(200, "not_there", "the sample was acknowledged and is not there")
        return time.monotonic() - begun
