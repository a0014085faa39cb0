"""The aggregator as an object: store, decoder, hosts, last values and both applications, put together."""

from __future__ import annotations

import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec

from sysmon import _core
from sysmon.aggregator.asgi import Front
from sysmon.aggregator.auth import Auth, weak_token_warnings
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.hosts import HostDirectory
from sysmon.aggregator.hub import Hub
from sysmon.aggregator.ingest import Ingest
from sysmon.aggregator.live import Live, wall_ms
from sysmon.aggregator.server import create_flask
from sysmon.aggregator.settings import LimitSettings, Settings, check_secret_file

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from flask import Flask

    from sysmon._core import Push
    from sysmon.aggregator.storage import Write
    from sysmon.prometheus.histogram import Histogram

ADMIN_TOKEN_FILE = "admin_token"  # noqa: S105 - the name of a file


class Aggregator:
    """Everything behind the API. Opening takes the data folder and rebuilds memory; no thread runs yet."""

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = wall_ms) -> None:
        """
        Raises:
            DataDirBusyError: another aggregator holds the data folder.
            StorageError: the store cannot be opened.
            UnsafeFileError: the admin token in the data folder may be read by others.
        """
        limits = settings.limits
        self.now_ms = now_ms
        self.started_s = time.monotonic()
        self.directory = HostDirectory(settings)
        self.storage = EmbeddedStorage(
            settings.data_dir,
            limits,
            settings.retention,
            max_db_bytes=settings.max_db_bytes,
            on_commit=self._committed,
            now_ms=now_ms,
        )
        self.settings = self._with_admin_token(settings)
        key_sets = self.storage.key_sets
        self.decoder = _core.PushDecoder(key_sets, native_limits(limits))
        self.auth = Auth(self.settings, lambda: now_ms() / 1000)
        self.live = Live(key_sets, self.directory, now_ms, limits)
        self.ingest = Ingest(self.storage, self.decoder, self.directory, self.live, limits, now_ms)
        self.query_seconds: dict[str, Histogram] = {}  # by route
        self.hub = Hub(self.live, self.directory, limits, now_ms)
        for host, rows in self.storage.load():
            self.directory.put(host)
            self.live.restore(host, rows)
            self.ingest.restore(host, rows)
        self._stop: Callable[[], None] | None = None

    def _committed(self, writes: list[Write]) -> None:
        self.live.committed(writes)

    def _with_admin_token(self, settings: Settings) -> Settings:
        """The settings, with the data folder's own admin token where none was given.

        Who may read that file may administrate, which is how the command line of the same user does.
        """
        if settings.admin_token is not None:
            return settings
        path = settings.data_dir / ADMIN_TOKEN_FILE
        return msgspec.structs.replace(settings, admin_token=_own_token(path))

    def reload(self, settings: Settings) -> None:
        """Takes the tokens of fresh settings; everything else needs a restart."""
        self.settings = self._with_admin_token(settings)
        self.auth.replace_tokens(self.settings)

    @property
    def warnings(self) -> list[str]:
        """What the operator should know and change, in sentences."""
        settings = self.settings
        found = weak_token_warnings([*settings.auth_tokens, *settings.read_tokens])
        of_itself = settings.on_loopback and not settings.trusted_hops and not settings.allowed_hosts
        if settings.reads_are_open and not of_itself:
            found.append("anybody who reaches this address can read everything (read_auth: open)")
        return found + self.storage.warnings

    @cached_property
    def app(self) -> Flask:
        """The complete Flask application, for any WSGI server."""
        return create_flask(self)

    @cached_property
    def asgi(self) -> Front:
        """The same behind the faster front, with the live channel."""
        return Front(self)

    def ingest_local(self, pushes: Sequence[Push], *, facts: bytes | None = None) -> int:
        """Stores batches of this very process, made by `decoder.pack`.

        Args:
            pushes: of one host, oldest first.
            facts: the wire's `facts` as JSON, where they changed or an hour passed.

        Returns:
            How many samples were committed, and fsynced.

        Raises:
            StorageError: they could not be stored; they may be given again.
        """
        return self.ingest.local(pushes, facts, _core.__version__)

    def serve(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        on_start: Callable[[str], Any] = lambda _: None,
        on_reload: Callable[[], Any] = lambda: None,
    ) -> signal.Signals | None:
        """Serves until SIGTERM, SIGINT or `stop`, then answers what is under way, for at most 30 s.

        Args:
            host, port: where to listen, if not as in the settings; port 0 takes a free one.
            on_start: called with the real URL once connections are taken; what it raises ends the server.
            on_reload: called at SIGHUP.

        Returns:
            The signal that ended it; None where `stop` did.

        Raises:
            OSError: the address cannot be bound.
        """
        from sysmon.aggregator.address import leave_url
        from sysmon.aggregator.serve import Serving

        def started(url: str) -> None:
            leave_url(self.settings.data_dir, url)
            on_start(url)

        serving = Serving(self, host, port, started, on_reload)
        self._stop = serving.stop
        self.storage.start()
        return serving.run()

    def stop(self) -> None:
        """Ends `serve`, from any thread."""
        if self._stop is not None:
            self._stop()

    def close(self) -> None:
        """Commits what is queued and gives the data folder back."""
        self.storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def native_limits(limits: LimitSettings) -> _core.Limits:
    return _core.Limits(
        inflated_bytes=limits.inflated_bytes,
        ratio=limits.ratio,
        batches=limits.batches,
        samples=limits.samples,
        metrics_per_batch=limits.metrics_per_batch,
        series_per_host=limits.series_per_host,
        tags_per_metric=limits.tags_per_metric,
    )


def _own_token(path: Path) -> str:
    if path.exists():
        check_secret_file(path)
        token = path.read_text(encoding="ascii").strip()
        if token:
            return token
    token = secrets.token_urlsafe(32)
    path.touch(mode=0o600)
    path.write_text(token + "\n", encoding="ascii")
    return token
