"""The supervisor's side of a nursery: starting it, what it says, what it is told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, final

import orjson

import botproxy
from botproxy.errors import OperatorError
from botproxy.link import Plan, read_plan, receive, send
from botproxy.supervisor.children import Children

LOAD_SECONDS = 120.0


class Refused(OperatorError):  # noqa: N818 - what came of a configuration
    """A configuration was not taken; `problems` says why, each on its own."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Parent(Protocol):
    """Who is told of what happens in a nursery."""

    def on_forked(self, number: int, process: int) -> None:
        """This worker runs."""
        ...

    def on_exited(self, number: int, status: int) -> None:
        """This worker is no more."""
        ...

    def on_nursery_ended(self, status: int) -> None:
        """The nursery is no more, told to end or not; nobody can be forked from it."""
        ...


@final
class Nursery:
    """One freshly started process that loads a configuration and forks workers.

    `factory` makes a blueprint of `source`, anything that JSON can hold. Raises OSError when no process can be had.
    """

    def __init__(
        self, parent: Parent, children: Children, loop: asyncio.AbstractEventLoop, factory: str, source: Any
    ) -> None:
        self._parent = parent
        self._loop = loop
        self._problems: list[str] = []
        self._zones: dict[str, str | None] = {}
        self._watched: list[Any] = []
        self._under_attack: list[str] = []
        self._rate_keys = 0
        self._bots: dict[str, Any] | None = None
        self._logpush: list[dict[str, Any]] = []
        self._anomalies: dict[str, dict[str, Any]] = {}
        self._privacy: list[Any] = []
        self._loaded: asyncio.Future[Plan] = loop.create_future()
        self.alive = True
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Room for the orders to fork as many workers as there can be.
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 512 * 1024)
        self._control.setblocking(False)
        with theirs, _in_memory(orjson.dumps([factory, source])) as order:
            started = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-P", "-m", "botproxy.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=order,
                env={**os.environ, "PYTHONPATH": import_path()},
            )
        self.process = started.pid
        # Reaped with all other children, not by the one who started it.
        started.returncode = 0
        children.watch(self.process, self._on_ended)
        loop.add_reader(self._control.fileno(), self._readable)

    async def load(self) -> Plan:
        """The plan of the configuration, once it is loaded. Raises `Refused`."""
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                return await self._loaded
        except TimeoutError:
            raise Refused([f"loading took longer than {LOAD_SECONDS:.0f} s"]) from None

    def fork(self, number: int, link: socket.socket, listening: dict[str, socket.socket]) -> None:
        """Have a worker forked. OSError when the nursery cannot take the order."""
        send(self._control, "fork", number, list(listening), sockets=[link, *listening.values()])

    def close(self) -> None:
        """Let the nursery end once its workers have."""
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control.fileno())
            self._control.close()

    def kill(self) -> None:
        """End it at once."""
        if self.alive:
            os.kill(self.process, signal.SIGKILL)

    def _on_ended(self, status: int) -> None:
        self.alive = False
        self._readable()  # what it said last
        self.close()
        self._parent.on_nursery_ended(status)

    def _readable(self) -> None:
        while self._control.fileno() >= 0:
            try:
                packet = receive(self._control)
            except (BlockingIOError, InterruptedError):
                return
            if packet is None:
                self.close()
                self._settle(Refused(self._problems or ["the process that loads it ended too early, see the log"]))
                return
            word, values, _ = packet
            self._take(word, values)

    def _take(self, word: str, values: list[Any]) -> None:
        match word:
            case "problem":
                self._problems.append(values[0])
            case "zones":
                self._zones |= values[0]
            case "watched":
                self._watched += values[0]
            case "under_attack":
                self._under_attack += values[0]
            case "logpush":
                self._logpush += values
            case "anomalies":
                self._anomalies |= values[0]
            case "privacy":
                self._privacy += values[0]
            case "bots":
                self._bots = values[0]
            case "rate_keys":
                self._rate_keys = values[0]
            case "ready":
                apart = (self._zones, self._watched, self._under_attack, self._rate_keys, self._bots, self._logpush)
                self._settle(read_plan(values[0], *apart, self._anomalies, self._privacy))
            case "failed":
                self._settle(Refused(self._problems))
            case "forked":
                self._parent.on_forked(*values)
            case "exited":
                self._parent.on_exited(*values)

    def _settle(self, result: Plan | Refused) -> None:
        if self._loaded.done():
            return
        if isinstance(result, Refused):
            self._loaded.set_exception(result)
            # Nobody may be waiting any more; that is no reason for a complaint in the log.
            self._loaded.exception()
        else:
            self._loaded.set_result(result)


def _in_memory(content: bytes) -> BinaryIO:
    """A file without a name: a configuration can be larger than any packet, and secrets do not go on a command line."""
    file = os.fdopen(os.memfd_create("botproxy"), "w+b")
    file.write(content)
    file.seek(0)
    return file


def import_path() -> str:
    """PYTHONPATH under which the new process imports this very package, and nothing from the working directory."""
    root = str(Path(botproxy.__file__).resolve().parents[1])
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([root, given] if given else [root])
