"""Asks about a configuration: in a process of its own, because compiling one takes long and weighs much."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any, Final, final

import orjson

from botproxy.errors import OperatorError
from botproxy.supervisor.nursery import import_path

MODULE: Final = "botproxy.worker.consulting"
SECONDS: Final = 120.0
AT_ONCE: Final = 2
WAITING: Final = 16


@final
class Consulting:
    """At most `AT_ONCE` questions at a time, and `WAITING` that wait."""

    def __init__(self) -> None:
        self._room: Final = asyncio.Semaphore(AT_ONCE)
        self._asked = 0

    async def ask(self, question: str, **given: Any) -> dict[str, Any]:
        """The answer. Raises OperatorError when none is to be had."""
        if self._asked >= AT_ONCE + WAITING:
            raise OperatorError("too many questions about the configuration at a time")
        self._asked += 1
        try:
            async with self._room:
                return await asyncio.to_thread(_asked, orjson.dumps({"question": question, **given}))
        finally:
            self._asked -= 1


def _asked(question: bytes) -> dict[str, Any]:
    try:
        # The supervisor reaps all its children, so the exit status may be gone; what was answered says enough.
        done = subprocess.run(  # noqa: S603 - this program itself
            [sys.executable, "-P", "-m", MODULE],
            input=question,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": import_path()},
            timeout=SECONDS,
            check=False,
        )
        answer = orjson.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise OperatorError(f"looking at the configuration took longer than {SECONDS:.0f} s") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise OperatorError(f"the configuration could not be looked at ({error}), see the log") from None
    if not isinstance(answer, dict):
        raise OperatorError("the configuration could not be looked at, see the log")
    return answer
