"""The lock on a data folder: one process writes to what is in it."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from sysmon.aggregator.storage import DataDirBusyError
from sysmon.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def lock_folder(folder: Path) -> int:
    """Makes the folder (mode 0700) if it is missing, and takes its lock: a descriptor, which holds it.

    Raises:
        DataDirBusyError: another process has it.
        StorageError: the folder cannot be made or opened.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder itself carries the lock: no file that could be left behind, or deleted under us.
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise DataDirBusyError(f"{folder} is in use by another aggregator") from None
    return fd


def is_held(folder: Path) -> bool:
    """Whether a process holds the lock of a folder that exists, at this moment."""
    try:
        os.close(lock_folder(folder))
    except DataDirBusyError:
        return True
    return False
