"""The keys that an agent publishes (Web Bot Auth): its directory, fetched, read and kept.

A directory that was fetched and lacks a key is evidence. One that could not be fetched is none: the last keys stand.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, final

import orjson

from botproxy.bots.settings import SignatureSettings
from botproxy.bots.signatures import genuine, out_of_time, read_signatures, thumbprint
from botproxy.bots.structured import Item
from botproxy.bots.verifying.guarded import Fetcher, FetchError, Say
from botproxy.errors import BotproxyError
from botproxy.model import Headers

PATH: Final = "/.well-known/http-message-signatures-directory"
TYPES: Final = frozenset(
    ("application/http-message-signatures-directory+json", "application/jwk-set+json", "application/json")
)
MAX_KEYS: Final = 32

_TAG: Final = "http-message-signatures-directory"
_SKEW: Final = 60.0
_LONGEST: Final = 400 * 86400.0
"""Seconds for which a directory may sign itself: those that are files are signed once a year."""

_X: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_MAX_AGE: Final = re.compile(r"(?:^|[ ,])max-age=([0-9]{1,9})(?:$|[ ,])")
_SHORTEST: Final = 60.0


class KeysError(BotproxyError):
    """What was served is no directory of keys. The text says why."""


class Kept(NamedTuple):
    """What is known of an agent."""

    keys: tuple[str, ...] | None  # `x` of each, None when they were never fetched
    fetched: float  # when they were
    until: float  # when the next attempt may be made for its own sake
    attempted: float


def parse_keys(body: bytes, content_type: str, now: float) -> tuple[str, ...]:
    """The Ed25519 keys of a directory, as the `x` of each, without those out of their time. Raises `KeysError`."""
    if content_type not in TYPES:
        raise KeysError(f"its type is {content_type[:80] or 'not said'}")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise KeysError(f"it is broken JSON: {error}") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise KeysError("it has no `keys`")
    if len(entries) > MAX_KEYS:
        raise KeysError(f"it has more than {MAX_KEYS} keys")
    return tuple([entry["x"] for entry in entries if _usable(entry, now)])


def signed_keys(
    keys: tuple[str, ...], signed: tuple[tuple[bytes, bytes], ...], authority: str, now: float
) -> tuple[str, ...]:
    """Those of the keys that signed the directory themselves, for this authority and this time; all of them where it is
    not signed at all, because then TLS alone says whose they are. Raises `KeysError` when it is signed by none of them.

    The signature is that of draft-meunier-http-message-signatures-directory, of which each key makes one: who copies
    another's keys into a directory cannot make it.
    """
    signatures = [each for each in read_signatures(Headers(signed), MAX_KEYS) if each.tag == _TAG]
    if not signatures:
        return keys
    by_name = {thumbprint(x): x for x in keys}
    proven: list[str] = []
    for each in signatures:
        x = by_name.get(each.key_id)
        if x is None or out_of_time(each, now, _SKEW, _LONGEST, True):
            continue
        lines = [_signed_line(item, authority) for item in each.components]
        if not lines or None in lines:
            continue
        base = "\n".join([*map(str, lines), f'"@signature-params": {each.parameters}']).encode("ascii")
        if genuine("ed25519", base64.urlsafe_b64decode(x + "="), base, each.value):
            proven.append(x)
    if not proven:
        raise KeysError("it is signed, and by none of its keys")
    return tuple([x for x in keys if x in proven])


def _signed_line(item: Item, authority: str) -> str | None:
    """The line of the signature base for the one component that such a signature has: `"@authority";req`."""
    of_request = item.value.text == "@authority" and item.parameter("req") is not None and len(item.parameters) == 1
    return f"{item.serialised()}: {authority}" if of_request else None


def _usable(entry: Any, now: float) -> bool:
    if not isinstance(entry, dict) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
        return False
    x = entry.get("x")
    if not isinstance(x, str) or _X.match(x) is None:
        return False
    try:
        if len(base64.urlsafe_b64decode(x + "=")) != 32:
            return False
    except (binascii.Error, ValueError):
        return False
    begins, ends = _seconds(entry.get("nbf")), _seconds(entry.get("exp"))
    return (begins is None or begins <= now) and (ends is None or ends > now)


def _seconds(value: Any) -> float | None:
    """A time of a key; some publish it in milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value / 1000 if value > 1e11 else float(value)


@final
class AgentKeyStore:
    """Keeps the keys of the agents of a directory; asked about anybody else, it fetches nothing."""

    def __init__(
        self,
        agents: frozenset[str],
        fetcher: Fetcher,
        settings: SignatureSettings,
        say: Say,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._agents: Final = agents
        self._fetcher: Final = fetcher
        self._settings: Final = settings
        self._say: Final = say
        self._clock: Final = clock
        self._kept: Final[dict[str, Kept]] = {}
        self._fetching: Final[dict[str, asyncio.Task[Kept]]] = {}

    async def get(self, agent: str, again: bool) -> Kept | None:
        """The keys of an agent, fetched when that is due; None for a stranger. `again` says that a key was missing."""
        if agent not in self._agents:
            return None
        kept = self._kept.get(agent)
        now = self._clock()
        if kept is not None:
            due = now >= kept.until or (again and now - kept.attempted >= self._settings.retry)
            if not due:
                return kept
        fetching = self._fetching.get(agent)
        if fetching is None:
            fetching = asyncio.get_running_loop().create_task(self._fetch(agent))
            self._fetching[agent] = fetching
            fetching.add_done_callback(lambda _: self._fetching.pop(agent, None))
        return await asyncio.shield(fetching)

    async def close(self) -> None:
        """Give up what is being fetched."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(self, agent: str) -> Kept:
        settings = self._settings
        accept = "application/http-message-signatures-directory+json, application/json"
        try:
            answer = await self._fetcher.get(agent + PATH, size=settings.size, seconds=settings.timeout, accept=accept)
            now = self._clock()
            found_keys = parse_keys(answer.body, answer.content_type, now)
            keys = signed_keys(found_keys, answer.signed, agent.removeprefix("https://").removesuffix(":443"), now)
        except (FetchError, KeysError) as error:
            self._say("the keys of an agent could not be had", {"agent": agent, "error": str(error)})
            now = self._clock()
            last = self._kept.get(agent)
            kept = Kept(last.keys if last else None, last.fetched if last else 0.0, now + settings.retry, now)
        else:
            found = _MAX_AGE.search(answer.cache_control)
            keep = settings.keep_keys if found is None else min(settings.keep_keys, max(_SHORTEST, float(found[1])))
            kept = Kept(keys, now, now + keep, now)
        self._kept[agent] = kept
        return kept
