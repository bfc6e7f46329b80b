"""Who answers the questions of workers, once for all of them; no answer takes longer than the settings say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, final

import orjson

from botproxy.addresses import parse_address
from botproxy.bots.knowledge import AGAIN, AWAY_SECONDS, KEYS, NAMES, Bounded, NameVerdict
from botproxy.bots.settings import NameSettings
from botproxy.bots.verifying.agent_keys import AgentKeyStore
from botproxy.bots.verifying.names import Resolver

_MAX_DOMAINS: Final = 64


@final
class Verifier:
    """Remembers what it found; the last good verdict on an address stands while its resolver is away."""

    def __init__(
        self, resolver: Resolver, keys: AgentKeyStore, settings: NameSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self._resolver: Final = resolver
        self._keys: Final = keys
        self._settings: Final = settings
        self._clock: Final = clock
        self._verdicts: Final[Bounded[NameVerdict]] = Bounded(settings.addresses // 2)
        self._asking: Final[dict[str, asyncio.Task[NameVerdict]]] = {}
        self.asked = 0
        self.confirmed = 0
        self.refused = 0
        self.away = 0

    async def answer(self, kind: str, subject: str, details: list[str]) -> dict[str, Any]:
        """What is known, or can be found out, about a question; see `asking.take`. {} when nobody can say."""
        if kind == NAMES and len(details) <= _MAX_DOMAINS:
            verdict = await self._name(subject, tuple(details))
            return {"confirmed": verdict.confirmed, "seconds": max(1.0, verdict.until - self._clock())}
        if kind == KEYS:
            kept = await self._keys.get(subject, AGAIN in details)
            if kept is None:
                return {}
            now = self._clock()
            reached = kept.keys is not None and kept.fetched == kept.attempted
            return {
                "keys": list(kept.keys) if kept.keys is not None else None,
                "reached": reached,
                "age": max(0.0, now - kept.fetched),
                "seconds": max(1.0, kept.until - now),
            }
        return {}

    def confirmed_names(self) -> bytes:
        """The good verdicts, to be kept over a restart: while DNS is away they go on standing."""
        good = {key: verdict.until for key, verdict in self._verdicts.items().items() if verdict.confirmed}
        return orjson.dumps({"version": 1, "confirmed": good})

    def take_names(self, content: bytes) -> int:
        """Take up what `confirmed_names` gave; how many there were. What cannot be understood is passed over."""
        try:
            said = orjson.loads(content)
            good = {str(key): float(until) for key, until in said["confirmed"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return 0
        latest = self._clock() + self._settings.keep_confirmed
        for key, until in good.items():
            self._verdicts.put(key, NameVerdict(True, min(until, latest)))
        return len(good)

    async def close(self) -> None:
        """Give up every question."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._keys.close()
        await self._resolver.close()

    async def _name(self, subject: str, domains: tuple[str, ...]) -> NameVerdict:
        key = f"{subject} {' '.join(domains)}"
        known = self._verdicts.get(key)
        if known is not None and self._clock() < known.until:
            return known
        asking = self._asking.get(key)
        if asking is None:
            if len(self._asking) >= self._settings.at_once:
                self.away += 1
                return NameVerdict(known.confirmed if known is not None else None, self._clock() + 1.0)
            asking = asyncio.get_running_loop().create_task(self._ask(key, subject, domains))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def _ask(self, key: str, subject: str, domains: tuple[str, ...]) -> NameVerdict:
        address = parse_address(subject)
        confirmed = await self._resolver.confirmed(address, domains) if address is not None else False
        now = self._clock()
        self.asked += 1
        if confirmed is None:
            self.away += 1
            known = self._verdicts.get(key)
            verdict = NameVerdict(known.confirmed if known is not None else None, now + AWAY_SECONDS)
        elif confirmed:
            self.confirmed += 1
            verdict = NameVerdict(True, now + self._settings.keep_confirmed)
        else:
            self.refused += 1
            verdict = NameVerdict(False, now + self._settings.keep_refused)
        self._verdicts.put(key, verdict)
        return verdict
