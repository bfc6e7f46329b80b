"""Verifying bots for all workers: questions are answered, lists fetched and handed down. Outlives every generation.

A new configuration replaces what verifies only if it says something else, so that what is known survives a reload.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, final

import orjson

from botproxy.addresses import NetworkSet
from botproxy.bots.errand import LISTS, NAMES, understand
from botproxy.bots.published import Fetched, pack
from botproxy.bots.verifying.agent_keys import AgentKeyStore
from botproxy.bots.verifying.guarded import Fetcher
from botproxy.bots.verifying.keeper import ListKeeper
from botproxy.bots.verifying.names import Resolver
from botproxy.bots.verifying.verifier import Verifier
from botproxy.link.frames import FrameError, Kind
from botproxy.outgoing import DIRECT, Outgoing
from botproxy.store import whole_file
from botproxy.telemetry import log

MAX_QUESTIONS: Final = 1024
MAX_UNREAD: Final = 256 * 1024
"""Bytes that may wait for a worker before it is told a further list."""

KEEP_SECONDS: Final = 600.0
"""Between two writings of what was confirmed."""

MAX_NAMES_FILE: Final = 64 * 1024**2

_LATER: Final = 0.1

_log = logging.getLogger(__name__)


class Link(Protocol):
    """The way down to a worker."""

    @property
    def unread(self) -> int:
        """Bytes that wait for it."""
        ...

    def tell(self, kind: Kind, payload: bytes) -> None:
        """Send a frame."""
        ...


class _Running(NamedTuple):
    """What verifies under one configuration."""

    fetcher: Fetcher
    keeper: ListKeeper
    verifier: Verifier
    names: Path


@final
class Bots:
    """One for the supervisor, on its loop."""

    def __init__(self) -> None:
        self._said: Mapping[str, Any] = {}
        self._running: _Running | None = None
        self._outgoing = DIRECT
        self._configured: Final = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._links: Final[dict[int, Link]] = {}
        self._owed: Final[dict[int, dict[str, None]]] = {}  # lists that a worker has yet to be told
        self._answering: Final[set[asyncio.Task[None]]] = set()
        self._closing: Final[set[asyncio.Task[None]]] = set()

    def configure(self, said: Mapping[str, Any], data: Path, outgoing: Outgoing = DIRECT) -> None:
        """Verify as `bots.errand.describe` said, {} for not at all; `data` is the data directory, `outgoing` says which
        way fetching goes."""
        self._configured.set()
        if said == self._said and outgoing == self._outgoing and (self._running is not None or not said):
            return
        self._outgoing = outgoing
        previous = self._running
        self._stop()
        self._said = said
        if not said:
            return
        errand = understand(said)
        settings = errand.settings
        names, signatures = settings.names, settings.signatures
        fetcher = Fetcher(names.servers, NetworkSet(signatures.private_networks), signatures.ca_file, outgoing)
        keeper = ListKeeper(errand.lists, data / LISTS, fetcher, settings.lists, self._on_list, _say)
        keys = AgentKeyStore(errand.agents, fetcher, signatures, _say)
        verifier = Verifier(Resolver(names.servers, names.timeout), keys, names)
        self._running = _Running(fetcher, keeper, verifier, data / NAMES)
        verifier.take_names(_read(data / NAMES) if previous is None else previous.verifier.confirmed_names())
        keeper.start()
        self._timer = asyncio.get_running_loop().call_later(KEEP_SECONDS, self._keep)

    def join(self, worker: int, link: Link) -> None:
        """A worker that begins: it is told every list that there is."""
        self._links[worker] = link
        if self._running is not None:
            self._owe(worker, self._running.keeper.known)

    def leave(self, worker: int) -> None:
        """A worker that is gone."""
        self._links.pop(worker, None)
        self._owed.pop(worker, None)

    def take(self, worker: int, payload: bytes) -> None:
        """A question of a worker. Raises FrameError when it is none."""
        question = orjson.loads(payload)
        if not isinstance(question, list) or len(question) != 4:
            raise FrameError("a question about bots that is none")
        if len(self._answering) >= MAX_QUESTIONS:
            return  # as if this supervisor were away: the worker knows what to do
        task = asyncio.get_running_loop().create_task(self._answer(worker, *question))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def counts(self) -> dict[tuple[str, ...], int]:
        """What was verified so far, for metrics."""
        running = self._running
        if running is None:
            return {}
        verifier = running.verifier
        return {
            ("bot_names", "confirmed"): verifier.confirmed,
            ("bot_names", "refused"): verifier.refused,
            ("bot_names", "away"): verifier.away,
        }

    async def end(self) -> None:
        """Stop everything."""
        self._stop()
        for task in list(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, *self._closing, return_exceptions=True)

    async def _answer(self, worker: int, number: int, kind: str, subject: str, details: list[str]) -> None:
        answer: dict[str, Any] = {}
        # Workers serve a moment before the first configuration is taken for good.
        await self._configured.wait()
        running = self._running
        if running is not None:
            try:
                answer = await running.verifier.answer(kind, subject, details)
            except Exception:
                _log.exception("a question about a bot could not be answered")
        link = self._links.get(worker)
        if link is not None:
            link.tell(Kind.BOT_ANSWER, orjson.dumps([number, answer]))

    def _on_list(self, fetched: Fetched) -> None:
        _log.info("list fetched", extra=log.fields(list=fetched.name, networks=len(fetched.networks)))
        for worker in self._links:
            self._owe(worker, [fetched.name])

    def _owe(self, worker: int, names: Iterable[str]) -> None:
        owed = self._owed.get(worker)
        if owed is None:
            owed = self._owed[worker] = {}
            asyncio.get_running_loop().call_soon(self._pay, worker)
        owed.update(dict.fromkeys(names))

    def _pay(self, worker: int) -> None:
        """Tell a worker what it is owed, one list a turn, as fast as it reads."""
        link, owed = self._links.get(worker), self._owed.get(worker)
        if link is None or owed is None:
            return
        if not owed:
            del self._owed[worker]
            return
        if link.unread > MAX_UNREAD:
            asyncio.get_running_loop().call_later(_LATER, self._pay, worker)
            return
        name = next(iter(owed))
        del owed[name]
        fetched = self._running.keeper.known.get(name) if self._running is not None else None
        if fetched is not None:
            link.tell(Kind.BOT_LIST, pack(fetched))
        asyncio.get_running_loop().call_soon(self._pay, worker)

    def _keep(self) -> None:
        running = self._running
        if running is not None:
            self._timer = asyncio.get_running_loop().call_later(KEEP_SECONDS, self._keep)
            task = asyncio.get_running_loop().create_task(_write(running))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        running, self._running = self._running, None
        if running is not None:
            task = asyncio.get_running_loop().create_task(_close(running))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_NAMES_FILE)
    except OSError:
        return b""


async def _write(running: _Running) -> None:
    """Keep what was confirmed; that it cannot be written costs a question for each address after a restart."""
    content = running.verifier.confirmed_names()
    try:
        await asyncio.to_thread(_replace, running.names, content)
    except OSError as error:
        _log.warning("confirmed names of bots cannot be kept", extra=log.fields(file=running.names, error=error))


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write(path, content)


async def _close(running: _Running) -> None:
    await _write(running)
    await running.keeper.close()
    await running.verifier.close()
    await running.fetcher.close()


def _say(what: str, about: Mapping[str, str]) -> None:
    _log.warning(what, extra=log.fields(**about))
