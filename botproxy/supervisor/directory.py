"""The data directory: one supervisor at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import final

from botproxy.supervisor.nursery import Refused

LOCK = "lock"


@final
class Directory:
    """Claimed with the first configuration, kept until the end."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock = -1

    @property
    def path(self) -> Path:
        """The directory. Only after it was claimed."""
        assert self._path is not None
        return self._path

    def claim(self, path: Path) -> bool:
        """Make it ours, and make it if it is not there; whether that was news. Raises `Refused`."""
        path = path.absolute()
        if self._path is not None:
            if path != self._path:
                raise Refused([f"data: cannot change from {self._path} to {path} while running, restart for that"])
            return False
        try:
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else str(error)
            raise Refused([f"data: {path} cannot be written to: {said}"]) from None
        try:
            # The kernel lets go of it when we die, however we die.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Refused([f"data: {path} is in use by another botproxy, give each its own directory"]) from None
        self._path, self._lock = path, lock
        return True

    def release(self) -> None:
        """Let another one have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
