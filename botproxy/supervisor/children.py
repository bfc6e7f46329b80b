"""Reaping: every child of this process, those inherited as process 1 included."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import final

Ended = Callable[[int], None]
"""Called with an exit status as `os.waitstatus_to_exitcode` gives it: negative for a signal."""


@final
class Children:
    """Who is told when which child ends."""

    def __init__(self) -> None:
        self._ended: dict[int, Ended] = {}

    def watch(self, process: int, ended: Ended) -> None:
        """Tell `ended` once this child has been reaped. To be called before the loop runs again after the start."""
        self._ended[process] = ended

    def reap(self) -> None:
        """Reap whoever has ended; for SIGCHLD."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            ended = self._ended.pop(process, None)
            if ended is not None:
                ended(os.waitstatus_to_exitcode(status))
