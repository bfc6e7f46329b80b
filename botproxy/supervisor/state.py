"""What this node shares with others over Redis or Valkey: keys used once, notices, counters. Outlives every generation.

The rule of this file: everything is done here first, and told to others as well where that can be. So a node whose
server is away goes on alone, says so once, and is together with the others again as soon as it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from botproxy.errors import OperatorError
from botproxy.store import Notice, StoreAway, StoreFull
from botproxy.store.memory import MemoryNotices, MemoryStore
from botproxy.store.settings import StateSettings
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import Rates
from botproxy.telemetry import log
from botproxy.traffic import RecordError, ToldError

if TYPE_CHECKING:
    from botproxy.store.redis import Entry, RedisStore

TICK: Final = 0.1
"""Seconds between two times that this node tells and hears; no node knows less of another than this, and the way, ago.
"""

KEYS_A_TICK: Final = 2_000
"""Counters that go to other nodes in one tick: 5,000 in a quarter of a second."""

KEYS_AN_ENTRY: Final = 500
READS_A_TICK: Final = 10
PROFILES_A_TICK: Final = 16
"""Payloads of what callers did, of 128 keys at most: 5,000 keys in a quarter of a second."""

PART_SECONDS: Final = 5.0
"""For which the end of sharing waits for what was being asked."""

AGAIN_SECONDS: Final = 1.0
"""Between two attempts to reach a server that is away."""

BEGIN_SECONDS: Final = 5.0
"""For everything to be read that other nodes counted, before the first worker of this one serves."""

MAX_NODES: Final = 1_000
STREAM: Final = "rates"
TOPICS: Final = ("revoked",)
"""Topics whose notices other nodes are asked for."""

_NODE: Final = b"n"
_HELLO: Final = b"h"
_RATES: Final = b"r"
_PROFILES: Final = b"p"

_log = logging.getLogger(__name__)


def _nothing(topic: str) -> None:
    return


class Link(Protocol):
    """The way down to a worker."""

    def notices(self, topic: str, notices: Sequence[Notice]) -> None:
        """Tell notices."""
        ...


@final
class SharedState:
    """`KeyValue` and `Notices` of this machine, and of all nodes where `configure` names a server."""

    def __init__(self, rates: Rates, profiles: SharedProfiles) -> None:
        self.local: Final = MemoryStore()
        self.board: Final = MemoryNotices()
        self._rates: Final = rates
        self._profiles: Final = profiles
        self._node: Final = os.urandom(16)
        self._nodes: Final[dict[bytes, int]] = {}
        self._links: Final[dict[int, Link]] = {}
        self._said: Mapping[str, Any] | None = None
        self._password: str | None = None
        self._remote: RedisStore | None = None
        self._reaching = False
        self._ever = False
        self._why = ""
        self._after = b"0"
        self._greeted = False
        self._versions: dict[str, bytes] = {}
        self._unposted: dict[tuple[str, bytes], Notice] = {}
        self._living: asyncio.Task[None] | None = None
        self._closing: Final[set[asyncio.Task[None]]] = set()
        self.counts: Final[dict[tuple[str, ...], int]] = {}
        """For metrics."""
        self.learned: Callable[[str], None] = _nothing
        """Called with the topic of notices that other nodes posted."""

    # What workers and operators ask for

    async def burn(self, key: bytes, ttl: float) -> bool:
        """See `KeyValue.burn`: once on all nodes; once on this one while the server is away."""
        if not self.local.burn_now(key, ttl):
            return False
        remote = self._remote
        if remote is None:
            return True
        if self._reaching:
            try:
                return await remote.burn(key, ttl)
            except StoreAway as away:
                self._away(str(away))
        self._count("state_alone", "burn")
        return True

    async def own(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `OwnedKeys.own`, and `burn`."""
        if not self.local.own_now(key, owner, ttl):
            return False
        remote = self._remote
        if remote is None:
            return True
        if self._reaching:
            try:
                return await remote.own(key, owner, ttl)
            except StoreAway as away:
                self._away(str(away))
        self._count("state_alone", "burn")
        return True

    async def post(self, topic: str, notice: Notice) -> None:
        """See `Notices.post`: on this node at once, on the others as soon as they can be reached."""
        if self.board.post_now(topic, notice):
            self._tell(topic, [notice])
        remote = self._remote
        if remote is None:
            return
        try:
            if self._reaching:
                await remote.post(topic, notice)
                return
        except StoreAway as away:
            self._away(str(away))
        self._unposted[topic, notice.id] = notice
        self._count("state_alone", "notice")

    async def posted(self, topic: str) -> list[Notice]:
        """See `Notices.posted`: as this node knows them."""
        return self.board.posted_now(topic)

    async def document(self, name: str, known: bytes) -> tuple[bytes, bytes] | None:
        """See `RedisStore.document`. Raises StoreAway, without a server too."""
        return await self._reached().document(name, known)

    async def put_document(self, name: str, before: bytes, version: bytes, body: bytes) -> bool:
        """See `RedisStore.put_document`. Raises StoreAway, without a server too."""
        try:
            return await self._reached().put_document(name, before, version, body)
        except StoreFull as full:
            raise StoreAway(str(full)) from None

    def _reached(self) -> RedisStore:
        if self._remote is None or not self._reaching:
            raise StoreAway(self._why or "it was not reached yet")
        return self._remote

    def join(self, worker: int, link: Link) -> None:
        """A worker that begins: it is told every live notice."""
        self._links[worker] = link
        for topic in self.board.topics:
            link.notices(topic, self.board.posted_now(topic))

    def leave(self, worker: int) -> None:
        """A worker that is gone."""
        self._links.pop(worker, None)

    # What the fleet does

    async def configure(self, said: Mapping[str, Any] | None, secret: str) -> None:
        """Share with the server of these settings, None for nobody; returns once this node knows what others counted,
        or could not hear it. `secret`, in hex digits, is what all nodes hash with. Raises OperatorError for files that
        cannot be read."""
        if secret:
            self._rates.share_secret(bytes.fromhex(secret))
        password = None
        if said is not None:
            from botproxy.store.redis import RedisStore, read_password  # for who has a server alone

            settings = StateSettings.model_validate(said)
            try:
                password = read_password(settings)
            except (OSError, UnicodeDecodeError) as error:
                raise OperatorError(f"state.password_file: {settings.password_file}: {error}") from None
        if said == self._said and password == self._password:
            return
        self._stop()
        self._said, self._password = said, password
        if said is None:
            return
        try:
            self._remote = RedisStore(settings, password)
        except OSError as error:  # of TLS, too
            raise OperatorError(f"state.ca_file: {settings.ca_file}: {error}") from None
        self._rates.share_with_nodes(True)
        self._profiles.share_with_nodes(True)
        began = asyncio.Event()
        self._living = asyncio.get_running_loop().create_task(self._live(self._remote, began))
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await began.wait()
        except TimeoutError:
            _log.warning("workers begin without all that other nodes counted")

    async def end(self) -> None:
        """Tell what is left, and stop."""
        remote = self._remote
        if remote is not None and self._reaching:
            with contextlib.suppress(StoreAway, StoreFull):
                await self._turn(remote)
        self._stop()
        await asyncio.gather(*self._closing, return_exceptions=True)

    @property
    def status(self) -> str:
        """`alone` without a server; `shared`; `away`."""
        return "alone" if self._remote is None else "shared" if self._reaching else "away"

    def gauges(self) -> dict[str, float]:
        """For metrics; nothing without a server."""
        if self._remote is None:
            return {}
        return {"state_reachable": float(self._reaching), "state_nodes": len(self._nodes)}

    def _stop(self) -> None:
        living, self._living = self._living, None
        if living is not None:
            living.cancel()
        remote, self._remote = self._remote, None
        self._reaching = self._ever = self._greeted = False
        self._after = b"0"
        self._versions.clear()
        self._why = ""
        self._rates.share_with_nodes(False)
        self._profiles.share_with_nodes(False)
        if remote is not None:
            task = asyncio.get_running_loop().create_task(_part(living, remote))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    # Living with a server

    async def _live(self, remote: RedisStore, began: asyncio.Event) -> None:
        while remote is self._remote:  # a cancellation that comes with an answer or a time-out may be lost on the way
            try:
                await self._turn(remote)
                if not self._reaching and remote is self._remote:
                    await self._back(remote)
                wait = TICK
            except (StoreAway, StoreFull) as away:
                if remote is not self._remote:
                    return
                self._away(str(away))
                wait = AGAIN_SECONDS
            except Exception:
                _log.exception("sharing state with other nodes failed in an unforeseen way")
                wait = AGAIN_SECONDS
            began.set()
            await asyncio.sleep(wait)

    async def _turn(self, remote: RedisStore) -> None:
        """Tell what changed here, and hear what others said until there is no more, or enough for one turn."""
        entries: list[dict[bytes, bytes]] = []
        if not self._greeted:
            entries.append({_NODE: self._node, _HELLO: b"1"})
        elif self._reaching:
            for _ in range(KEYS_A_TICK // KEYS_AN_ENTRY):
                payload = self._rates.tell_nodes(KEYS_AN_ENTRY)
                if not payload:
                    break
                entries.append({_NODE: self._node, _RATES: payload})
            for _ in range(PROFILES_A_TICK):
                payload = self._profiles.tell_nodes()
                if not payload:
                    break
                entries.append({_NODE: self._node, _PROFILES: payload})
        try:
            heard, versions = await remote.exchange(STREAM, entries, self._after, TOPICS)
        except StoreAway:
            # What was to be told is told again when the server is back.
            raise
        self._greeted = True
        self._count("state_told", "", sum(_HELLO not in entry for entry in entries))
        self._hear(heard)
        for _ in range(READS_A_TICK if self._reaching else 10_000):
            if not heard:
                break
            heard, _versions = await remote.exchange(STREAM, (), self._after)
            self._hear(heard)
            await asyncio.sleep(0)
        for topic, version in zip(TOPICS, versions, strict=True):
            if version != self._versions.get(topic):
                self._learn(topic, await remote.posted(topic))
                self._versions[topic] = version

    def _hear(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._after = entry.id
            name = entry.fields.get(_NODE, b"")
            if name == self._node or len(name) != len(self._node):
                continue
            number = self._number(name)
            if number is None:
                self._count("state_refused", "")
                continue
            if _HELLO in entry.fields:
                self._rates.tell_nodes_again()
            try:
                payload = entry.fields.get(_RATES)
                if payload:
                    self._rates.take_from_node(number, payload)
                    self._count("state_heard", "")
                payload = entry.fields.get(_PROFILES)
                if payload:
                    self._profiles.take_from_node(payload)
                    self._count("state_heard", "")
            except (RecordError, ToldError):
                self._count("state_refused", "")

    def _number(self, name: bytes) -> int | None:
        number = self._nodes.get(name)
        if number is None and len(self._nodes) < MAX_NODES:
            number = self._nodes[name] = -1 - len(self._nodes)
        return number

    def _learn(self, topic: str, notices: Sequence[Notice]) -> None:
        new: list[Notice] = []
        for notice in notices:
            try:
                if self.board.post_now(topic, notice):
                    new.append(notice)
            except (ValueError, StoreFull):
                self._count("state_refused", "")
        self._tell(topic, new)
        if new:
            self.learned(topic)

    def _tell(self, topic: str, notices: Sequence[Notice]) -> None:
        if notices:
            for link in self._links.values():
                link.notices(topic, notices)

    def _away(self, why: str) -> None:
        if self._reaching or not self._why:
            _log.error("shared state is away, this node goes on alone", extra=log.fields(problem=why))
        if self._reaching:
            self._count("state_lost", "")
        self._why = why or "unknown"
        self._reaching = False

    async def _back(self, remote: RedisStore) -> None:
        self._reaching = True
        for (topic, name), notice in list(self._unposted.items()):
            if notice.expires > time.time():
                await remote.post(topic, notice)
            del self._unposted[topic, name]
        if self._ever or self._why:
            # Others heard nothing of what was counted here meanwhile.
            self._rates.tell_nodes_again()
        self._ever = True
        self._why = ""
        _log.info("state is shared with other nodes", extra=log.fields(nodes=len(self._nodes)))
        forgetful = await remote.forgetful()
        if forgetful:
            _log.warning("the server of shared state may forget what is wanted", extra=log.fields(problem=forgetful))

    def _count(self, name: str, label: str, number: int = 1) -> None:
        key = (name, label) if label else (name,)
        self.counts[key] = self.counts.get(key, 0) + number


async def _part(living: asyncio.Task[None] | None, remote: RedisStore) -> None:
    """Close what reaches a server, once nobody asks it any more: a connection that is just being made belongs to nobody
    else, and would stay open.
    """
    if living is not None:
        await asyncio.wait((living,), timeout=PART_SECONDS)
    await remote.close()
