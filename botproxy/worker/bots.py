"""What a worker needs to recognise bots: the directory and the lists of before, a memory, and somebody to ask."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, final

from botproxy.addresses import NetworkSet
from botproxy.bots import Directory, Knowledge, Recogniser, load_directory
from botproxy.bots.asking import Asker
from botproxy.bots.errand import LISTS, describe
from botproxy.bots.published import read_lists, unpack
from botproxy.bots.robots import managed
from botproxy.config import Config
from botproxy.link import Uplink


class Recognition(NamedTuple):
    """The same for all zones of one worker."""

    asker: Asker
    knowledge: Knowledge


@final
class Bots:
    """Loaded before workers fork, which then share it and can tell bots from the first request on."""

    def __init__(self, config: Config) -> None:
        """Raises `DirectoryError`."""
        self._settings: Final = config.bots
        self._directory: Final[Directory | None] = load_directory(config.bots) if config.bots.enabled else None
        self._lists: Final[list[tuple[str, NetworkSet, float]]] = []
        if self._directory is not None:
            found = read_lists(config.data / LISTS, self._directory.lists)
            self._lists.extend((name, NetworkSet(each.networks), each.fetched) for name, each in found.items())

    def errand(self) -> dict[str, Any] | None:
        """What the supervisor is to do about them."""
        return None if self._directory is None else describe(self._settings, self._directory)

    def begin(self, uplink: Uplink) -> Recognition | None:
        """What one worker knows, and its way to the supervisor; None when bots are not recognised."""
        if self._directory is None:
            return None
        knowledge = Knowledge(self._settings.names.addresses)
        for name, networks, fetched in self._lists:
            knowledge.learn_list(name, networks, fetched)

        def learn(payload: bytes) -> None:
            name, fetched, networks = unpack(payload)
            knowledge.learn_list(name, networks, fetched)

        uplink.bots.on_list = learn
        uplink.bots.take_lists()
        return Recognition(Asker(_Supervisor(uplink), knowledge, time.time), knowledge)

    def robots(self, disallowed: frozenset[str]) -> bytes:
        """What a zone asks of bots in robots.txt; b"" for nothing."""
        return b"" if self._directory is None else managed(self._directory.bots, disallowed)

    def recogniser(self, recognition: Recognition | None, disallowed: frozenset[str]) -> Recogniser | None:
        """Of one zone; see `Recogniser`."""
        if recognition is None or self._directory is None:
            return None
        return Recogniser(self._directory, recognition.knowledge, self._settings, disallowed)


@final
class _Supervisor:
    """See `bots.asking.Oracle`."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink: Final = uplink

    async def verify(self, kind: str, subject: str, details: list[str]) -> Mapping[str, Any]:
        return await self._uplink.bots.verify(kind, subject, details)

    async def burn(self, key: bytes, ttl: float) -> bool:
        return await self._uplink.burn(key, ttl)
