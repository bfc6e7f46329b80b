"""Processes of a benchmark: pinned to a core, waited for until they answer, ended for certain."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

START_SECONDS = 40.0


def cores() -> tuple[int, int]:
    """The core of the proxy, and the core of load generator and origin; the same one on a machine with one core."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 % len(allowed)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A server process and its children; a context manager that ends them."""

    def __init__(self, command: list[str], port: int, pinned: set[int], folder: Path) -> None:
        self.port = port
        self._log = folder / f"{Path(command[0]).name}-{port}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["taskset", "--cpu-list", ",".join(map(str, sorted(pinned))), *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise RuntimeError(f"{command[0]} did not start:\n{self.said()[-2000:]}")
            time.sleep(0.05)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def said(self) -> str:
        """What it wrote to its log so far."""
        return self._log.read_text("utf-8", "replace")

    def members(self) -> list[int]:
        """Process ids of the server and everything below it."""
        waiting, found = [self._process.pid], []
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            with suppress(OSError):
                waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found

    def _accepts(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(8)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, 9)
        self._process.wait()
