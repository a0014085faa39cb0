"""The embedded store does what any store must."""

from __future__ import annotations

import contextlib
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from storage_conformance import Place, StorageConformance
from sysmon.aggregator.database_file import DATABASE
from sysmon.aggregator.embedded import EmbeddedStorage
from sysmon.aggregator.settings import LimitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sysmon.aggregator.storage import Storage


class Folder:
    """A data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, now_ms: Callable[[], int], *, queue_requests: int = 1_024) -> EmbeddedStorage:
        return EmbeddedStorage(self._path, LimitSettings(queue_requests=queue_requests), now_ms=now_ms)

    @contextlib.contextmanager
    def held(self, storage: Storage) -> Iterator[None]:
        assert isinstance(storage, EmbeddedStorage)
        writer, gate, begun = storage._writer, threading.Event(), threading.Event()

        def wait(_: object) -> None:
            begun.set()
            gate.wait(30)

        job = threading.Thread(target=writer.run, args=(wait,))
        job.start()
        assert begun.wait(30)
        yield
        gate.set()
        job.join()

    def restored(self, backup: Path) -> Folder:
        path = self._path.with_name(self._path.name + "-restored")
        path.mkdir()
        shutil.copy(backup, path / DATABASE)
        return Folder(path)


class TestEmbedded(StorageConformance):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return Folder(tmp_path / "data")
