"""One hook process as its worker sees it: started, asked one thing at a time, ended, reaped. Nothing here waits."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import suppress
from enum import Enum
from typing import Any, Final, Protocol, final

from botproxy.hooks.frames import BadFrame, Decoder
from botproxy.hooks.output import Output
from botproxy.hooks.settings import Settings
from botproxy.hooks.spawn import spawn
from botproxy.telemetry.line_budget import LineBudget

_READ: Final = 64 * 1024
_OVERHEAD: Final = 64 * 1024
"""Bytes of a reply besides a body: permitted headers in JSON, or a traceback."""


class State(Enum):
    """What a process is at."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    ENDED = "ended"  # or about to: it is asked nothing more


class Owner(Protocol):
    """Who is told of what a process does."""

    def on_ready(self, process: HookProcess) -> None:
        """The hook is imported."""
        ...

    def on_reply(self, process: HookProcess, message: Any, body: bytes) -> None:
        """It replied, and is idle."""
        ...

    def on_fault(self, process: HookProcess, detail: str) -> None:
        """It spoke out of turn or no language of ours; it is being ended."""
        ...

    def on_ended(self, process: HookProcess, status: int) -> None:
        """It is no more; as `os.waitstatus_to_exitcode` has it, negative for a signal. Called once."""
        ...


@final
class HookProcess:
    """A running hook. OSError when none can be started."""

    def __init__(
        self, owner: Owner, loop: asyncio.AbstractEventLoop, settings: Settings, zone: str, budget: LineBudget
    ) -> None:
        self._owner: Final = owner
        self._loop: Final = loop
        self.state = State.STARTING
        self._decoder: Final = Decoder(settings.answer_size + _OVERHEAD)
        self._unsent: memoryview | None = None
        self._output: Final = Output(loop, zone, budget)
        try:
            started, self._link = spawn(settings, self._output.writer)
        except BaseException:
            self._output.abandon()
            raise
        self.id: Final = started.pid
        self._output.start(self.id)
        try:
            self._watch = os.pidfd_open(self.id)
        except OSError:  # no descriptors left: nobody would notice its end
            started.kill()
            started.wait()
            self._link.close()
            self._output.close()
            raise
        started.returncode = 0  # reaped here, not by the one who started it
        loop.add_reader(self._watch, self._exited)
        self._link.setblocking(False)
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)
        loop.add_reader(self._link.fileno(), self._readable)

    def ask(self, frame: bytes) -> None:
        """Send it a request; it must be idle."""
        self.state = State.BUSY
        self._send(memoryview(frame))

    def _send(self, data: memoryview) -> None:
        try:
            sent = self._link.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return  # it is ending: `_exited` will say so
        waiting = self._unsent is not None
        self._unsent = data[sent:] if sent < len(data) else None
        if self._unsent is not None and not waiting:
            self._loop.add_writer(self._link.fileno(), self._writable)
        elif self._unsent is None and waiting:
            self._loop.remove_writer(self._link.fileno())

    def _writable(self) -> None:
        if self._unsent is not None:
            self._send(self._unsent)

    def end(self) -> None:
        """End it, and all that it started, at once; `on_ended` follows."""
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self._close_link()
        if self._watch >= 0:
            # Not reaped yet, so the number is still its own.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.id, signal.SIGKILL)

    def _close_link(self) -> None:
        if self._link.fileno() >= 0:
            self._loop.remove_reader(self._link.fileno())
            self._loop.remove_writer(self._link.fileno())
            self._link.close()

    def _readable(self) -> None:
        try:
            data = self._link.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            # It closed its end, or is ending; one that goes on without it is of no use.
            self.end()
            return
        try:
            messages = self._decoder.feed(data)
        except BadFrame as problem:
            self._fault(str(problem))
            return
        for message, body in messages:
            if self.state is State.STARTING and message == {"ready": True}:
                self.state = State.IDLE
                self._owner.on_ready(self)
            elif self.state is State.BUSY and self._unsent is None:
                self.state = State.IDLE
                self._owner.on_reply(self, message, body)
            else:
                self._fault(_refusal(message) if self.state is State.STARTING else "it spoke without being asked")
                return

    def _fault(self, detail: str) -> None:
        self.end()
        self._owner.on_fault(self, detail)

    def _exited(self) -> None:
        self._loop.remove_reader(self._watch)
        # What it started ends with it, or it would hold the output and live on unwatched.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.id, signal.SIGKILL)
        try:
            _, status = os.waitpid(self.id, 0)
        except ChildProcessError:
            status = 0
        os.close(self._watch)
        self._watch = -1
        self.state = State.ENDED
        self._close_link()
        self._output.close()
        self._owner.on_ended(self, os.waitstatus_to_exitcode(status))


def _refusal(message: Any) -> str:
    match message:
        case {"refused": [str(what), _, str(file), int(line)]}:
            return f"it cannot be imported: {file}:{line}: {what}" if file else f"it cannot be imported: {what}"
    return "it spoke without being asked"
