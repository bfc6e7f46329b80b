"""The script as it is served: built once, with the program of the day in it."""

from __future__ import annotations

import gzip
from typing import Final, NamedTuple, final

from botproxy.challenges.assets import Bundle
from botproxy.scoring.jsd import PUBLIC, Programs, placed


class Script(NamedTuple):
    """Ready to be served."""

    content: bytes
    packed: bytes  # the same as gzip
    version: str


@final
class Scripts:
    """One built script. Making it ready takes some milliseconds, once a day; only the newest is kept."""

    __slots__ = ("_bundle", "_number", "_programs", "_script")

    def __init__(self, bundle: Bundle, programs: Programs = PUBLIC) -> None:
        self._bundle: Final = bundle
        self._programs: Final = programs
        self._number = -1
        self._script = Script(b"", b"", "")

    def current(self, now: float) -> Script:
        """The one for `now`, seconds since the epoch."""
        program = self._programs.current(now)
        if program.number != self._number:
            content = placed(self._bundle.content, program)
            version = Bundle.of(content).version
            self._script = Script(content, gzip.compress(content, 6, mtime=0), version)
            self._number = program.number
        return self._script
