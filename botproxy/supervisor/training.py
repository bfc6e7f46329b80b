"""Constant training as the supervisor sees it: once an hour a process of the lowest priority, and what came of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, final

import orjson

from botproxy.supervisor.children import Children
from botproxy.supervisor.nursery import import_path
from botproxy.telemetry import log

EVERY_SECONDS: Final = 3600.0
LONGEST_SECONDS: Final = 4 * 3600.0
"""Of one step; a process that takes longer is killed."""

_MODULE: Final = "botproxy.training.constant"
_LOUD: Final = frozenset(("promoted", "demoted", "dropped", "trained"))

_log = logging.getLogger(__name__)


@final
class Training:
    """Starts steps. One at a time; nothing waits for it."""

    def __init__(self, children: Children, clock: Callable[[], float] = time.time) -> None:
        self._children: Final = children
        self._clock: Final = clock
        self._settings: Mapping[str, Any] | None = None
        self._data = Path()
        self._process = 0
        self._began = 0.0
        self._last = 0
        self.counts: Final[dict[tuple[str, ...], int]] = {}
        """For metrics: steps by what they did."""
        self._gauges: dict[str, float] = {}

    def configure(self, settings: Mapping[str, Any] | None, data: Path) -> None:
        """Train with these settings from now on; None stops it after the step that runs."""
        if settings is not None and find_spec("catboost") is None:
            _log.error("no model is trained: pip install 'botproxy[train]'")
            settings = None
        if settings is not None and self._settings is None:
            self._last = self._hour()  # the first step is at the next full hour
        self._settings, self._data = settings, data

    def tick(self) -> None:
        """Called about once a second."""
        if self._process:
            if self._clock() - self._began > LONGEST_SECONDS:
                _log.error("a step of training takes too long and is ended")
                self.end()
            return
        if self._settings is None or self._hour() == self._last:
            return
        self._last = self._hour()
        self._start(self._settings)

    def end(self) -> None:
        """End the step that runs; the next one begins anew."""
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)

    def gauges(self) -> dict[str, float]:
        """For metrics; nothing before the first step."""
        return self._gauges

    def _hour(self) -> int:
        return int(self._clock() // EVERY_SECONDS)

    def _start(self, settings: Mapping[str, Any]) -> None:
        order = orjson.dumps({"data": str(self._data.absolute()), "settings": settings}).decode()
        try:
            started = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-P", "-m", _MODULE, order],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": import_path()},
            )
        except OSError as error:
            _log.error("no step of training can be started", extra=log.fields(error=error))
            self._count("failed")
            return
        self._process, self._began = started.pid, self._clock()
        started.returncode = 0  # it is reaped with all other children
        self._children.watch(started.pid, self._ended)

    def _ended(self, status: int) -> None:
        self._process = 0
        outcome = self._outcome() if status == 0 else {}
        what = str(outcome.get("what") or "failed")
        self._count(what)
        seconds = self._clock() - self._began
        self._gauges["training_seconds"] = round(seconds, 1)
        for name, key in (("model_drift", "drift"), ("training_model", "model")):
            if isinstance(outcome.get(key), int | float):
                self._gauges[name] = float(outcome[key])
        say = _log.error if what == "failed" else _log.warning if what in _LOUD else _log.info
        say(
            "a step of training",
            extra=log.fields(
                what=what,
                why=outcome.get("why", f"status {status}"),
                model=outcome.get("model", 0),
                took=f"{seconds:.0f}s",
            ),
        )

    def _outcome(self) -> dict[str, Any]:
        try:
            said = orjson.loads((self._data / "models" / "constant.json").read_bytes())["outcome"]
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            return {}
        return said if isinstance(said, dict) else {}

    def _count(self, what: str) -> None:
        self.counts["training", what] = self.counts.get(("training", what), 0) + 1
