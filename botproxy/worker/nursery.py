"""Where the workers of one generation come from: a process that loads the configuration once and then only forks.

It has one thread and no event loop, because a fork copies neither; what it loaded is shared by its workers until
somebody writes to it.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import select
import signal
import socket
import threading
from contextlib import suppress
from typing import Any, final

import orjson

from botproxy.errors import OperatorError
from botproxy.link import receive, send, send_plan
from botproxy.link.control import MAX_PROBLEM
from botproxy.telemetry import log
from botproxy.worker import process
from botproxy.worker.contract import Blueprint

MAX_PROBLEMS = 1000

_log = logging.getLogger(__name__)


@final
class Nursery:
    """Obeys the supervisor at the other end of `control`; when it is gone, waits for the last worker and ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._supervised = True
        self._workers: dict[int, int] = {}  # process id -> worker's number
        self._wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> int:
        """Load, then fork and reap until the end; the exit status."""
        # A service manager or a terminal signals the whole group; when to end is the supervisor's to say.
        for each in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        # Without a handler of its own, SIGCHLD would not wake the select below.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        blueprint = self._load()
        if blueprint is None:
            return 1
        while self._supervised or self._workers:
            watched: list[Any] = [self._wake, self._control] if self._supervised else [self._wake]
            ready, _, _ = select.select(watched, [], [])
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._reap()
            if self._control in ready:
                self._obey(blueprint)
        return 0

    def _load(self) -> Blueprint | None:
        factory, source = _order()
        # Nothing that is loaded is garbage, and looking for some while loading costs a third of the time.
        gc.disable()
        try:
            module, _, name = factory.partition(":")
            blueprint: Blueprint = getattr(importlib.import_module(module), name)(source)
            plan = blueprint.plan
        except OperatorError as error:
            self._refuse([str(problem) for problem in getattr(error, "problems", ())] or [str(error)])
            return None
        except Exception as error:
            _log.exception("the configuration could not be loaded")
            self._refuse([f"{type(error).__name__}: {error} (a fault of this program, see the log)"])
            return None
        if threading.active_count() > 1:
            _log.warning("a thread was started while loading; forked workers do not have it")
        gc.collect()
        gc.freeze()
        gc.enable()
        try:
            send_plan(self._control, plan)
        except OSError:
            return None
        return blueprint

    def _refuse(self, problems: list[str]) -> None:
        with suppress(OSError):
            for problem in problems[:MAX_PROBLEMS]:
                send(self._control, "problem", problem[:MAX_PROBLEM])
            send(self._control, "failed")

    def _obey(self, blueprint: Blueprint) -> None:
        packet = receive(self._control)
        if packet is None:
            self._supervised = False
            self._control.close()
            return
        word, values, sockets = packet
        if word == "fork":
            self._fork(blueprint, values[0], values[1], sockets)
        for each in sockets:
            each.close()

    def _fork(self, blueprint: Blueprint, number: int, addresses: list[str], sockets: list[socket.socket]) -> None:
        link, *bound = sockets
        try:
            child = os.fork()
        except OSError as error:
            _log.error("no worker can be forked", extra=log.fields(error=error))
            self._tell("exited", number, 1)
            return
        if child == 0:
            status = 1
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.close(self._wake)
                os.close(self._woken)
                self._control.close()
                status = process.run(number, blueprint, link, dict(zip(addresses, bound, strict=True)))
            finally:
                process.leave(status)
        self._workers[child] = number
        self._tell("forked", number, child)

    def _reap(self) -> None:
        while self._workers:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._workers.clear()
                return
            if child == 0:
                return
            number = self._workers.pop(child, None)
            if number is not None:
                self._tell("exited", number, os.waitstatus_to_exitcode(status))

    def _tell(self, word: str, *values: Any) -> None:
        if not self._supervised:
            return
        try:
            send(self._control, word, *values)
        except OSError:
            self._supervised = False


def _order() -> tuple[str, Any]:
    """Whom to ask for a blueprint, and of what: from the file that was given as standard input, left empty after."""
    with open(0, "rb", closefd=False) as given:
        factory, source = orjson.loads(given.read())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return factory, source


def main(descriptor: int) -> int:
    """Be a nursery whose supervisor is at the other end of this descriptor."""
    log.configure("nursery")
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    return Nursery(control).run()
