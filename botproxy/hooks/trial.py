"""Whether a hook can be imported, found out in a process that ends afterwards: its code is never run in ours."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import Final, final

from botproxy.hooks.frames import BadFrame, Decoder
from botproxy.hooks.importing import Fault
from botproxy.hooks.settings import Settings
from botproxy.hooks.spawn import spawn

IMPORT_SECONDS: Final = 10.0

_LIMIT: Final = 64 * 1024


@final
class Trial:
    """A hook that is being imported; several can be at it together."""

    def __init__(self, settings: Settings, seconds: float = IMPORT_SECONDS) -> None:
        """Start its process. What it prints is thrown away."""
        self._seconds: Final = seconds
        self._until: Final = time.monotonic() + seconds
        self._fault: Fault | None = None
        directory = settings.directory
        if directory is not None and not directory.is_dir():
            self._fault = Fault(f"there is no directory {str(directory)!r:.200}", "the directory that the module is in")
            return
        try:
            with open(os.devnull, "wb") as nowhere:
                self._process, self._link = spawn(settings, nowhere.fileno())
        except OSError as problem:
            self._fault = Fault(f"its process cannot be started: {problem.strerror}")

    def result(self) -> Fault | None:
        """What is wrong with the hook, or None; waits for it. To be asked once."""
        if self._fault is not None:
            return self._fault
        message = None
        late = False
        with self._link:
            try:
                message = _first(self._link, self._until)
            except TimeoutError:
                late = True
            except (BadFrame, OSError):
                pass
            finally:
                status = _end(self._process, patient=message is None and not late)
        if late:
            return Fault(f"importing it takes longer than {self._seconds:g} s")
        match message:
            case {"ready": True}:
                return None
            case {"refused": [str(what), str(right), str(file), int(line)]}:
                return Fault(what, right, file, line)
        return Fault(f"its process ended while importing it, with status {status}")


def _first(link: socket.socket, until: float) -> object:
    decoder = Decoder(_LIMIT)
    while True:
        link.settimeout(max(0.001, until - time.monotonic()))
        data = link.recv(65536)
        if not data:
            return None
        for message, _ in decoder.feed(data):
            return message


def _end(process: subprocess.Popen[bytes], patient: bool) -> int:
    """The exit status; `patient` where it has one of its own, and is given a moment for it."""
    if patient:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(1)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
