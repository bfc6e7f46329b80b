"""Reverse DNS with forward confirmation: an address has the name that has the address.

Whoever owns an address chooses its name, so the name alone proves nothing; and a resolver that is away proves nothing
either, which is why there are three answers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, final

import aiodns
import pycares.errno

from botproxy.addresses import parse_address
from botproxy.model import Address

MAX_NAMES: Final = 4
"""Names of one address that are confirmed; whoever has more is no crawler of the known ones."""

MAX_QUERIES: Final = 5_000
"""Questions after which a channel is replaced."""

_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})+\Z")
_NOTHING: Final = frozenset((pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA))
_A, _PTR, _AAAA = 1, 12, 28


def within(name: str, domains: Iterable[str]) -> bool:
    """Whether a name, in lower case and without a dot at its end, is one of these domains or lies below one.

    A `*` in the first label stands for characters of that one label, and then nothing may lie below.
    """
    for domain in domains:
        first, star, rest = domain.partition("*")
        if not star:
            if name == domain or name.endswith("." + domain):
                return True
            continue
        label, _, parent = name.partition(".")
        tail, _, owner = rest.partition(".")
        if parent == owner and len(label) > len(first) + len(tail) and _fits(label, first + "*" + tail):
            return True
    return False


def _fits(label: str, pattern: str) -> bool:
    pieces = pattern.split("*")
    if not label.startswith(pieces[0]) or not label.endswith(pieces[-1]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        at = label.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return at <= len(label) - len(pieces[-1])


@final
class Resolver:
    """Asks about names of addresses, on the loop that it is made on."""

    def __init__(self, servers: Sequence[str], timeout: float) -> None:
        """`servers` are addresses with or without port, none for the system's; `timeout` in seconds, for all questions
        about one address. Raises ValueError for a server that is no address.
        """
        self._timeout: Final = timeout
        self._servers: Final = tuple(servers)
        self._asked = 0
        self._dns = self._made()
        self._retired: Final[set[asyncio.Task[None]]] = set()

    async def confirmed(self, address: Address, domains: Sequence[str]) -> bool | None:
        """Whether the address has a name of these domains that has the address; None when nobody could say."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._confirmed(address, domains)
        except TimeoutError:
            return None

    async def names(self, address: Address) -> list[str] | None:
        """All names of an address, in lower case, not confirmed; None when nobody could say."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._query(address.reverse_pointer, _PTR)
        except TimeoutError:
            return None

    async def close(self) -> None:
        """Give up every question."""
        for task in self._retired:
            task.cancel()
        await asyncio.gather(*self._retired, return_exceptions=True)
        await self._dns.close()

    def _made(self) -> aiodns.DNSResolver:
        half = max(self._timeout / 2, 0.1)  # so that a lost packet is asked for again in time
        try:
            return aiodns.DNSResolver(nameservers=list(self._servers) or None, timeout=half, tries=2)
        except (aiodns.error.DNSError, pycares.AresError) as error:
            raise ValueError(f"{', '.join(self._servers)}: {error}") from None

    def _channel(self) -> aiodns.DNSResolver:
        """The channel to ask on. It remembers answers, of which strangers choose how many there are and for how long,
        and has no bound to set: so it is replaced once in a while.
        """
        self._asked += 1
        if self._asked > MAX_QUERIES:
            self._asked = 0
            task = asyncio.get_running_loop().create_task(self._retire(self._dns))
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)
            self._dns = self._made()
        return self._dns

    async def _retire(self, dns: aiodns.DNSResolver) -> None:
        try:
            await asyncio.sleep(2 * self._timeout)
        finally:
            await dns.close()

    async def _confirmed(self, address: Address, domains: Sequence[str]) -> bool | None:
        names = await self._query(address.reverse_pointer, _PTR)
        if names is None:
            return None
        unsure = False
        candidates = [name for name in names if _NAME.match(name) and within(name, domains)]
        for name in candidates[:MAX_NAMES]:
            found = await self._query(name, _A if address.version == 4 else _AAAA)
            if found is None:
                unsure = True
            elif any(parse_address(text) == address for text in found):
                return True
        return None if unsure else False

    async def _query(self, name: str, kind: int) -> list[str] | None:
        """The answers of one kind; none when there is no such name, None when nobody could say."""
        try:
            result = await self._channel().query_dns(name, {_A: "A", _PTR: "PTR", _AAAA: "AAAA"}[kind])
        except aiodns.error.DNSError as error:
            return [] if error.args and error.args[0] in _NOTHING else None
        return [_text(record.data) for record in result.answer if record.type == kind]


def _text(data: Any) -> str:
    said = getattr(data, "dname", None) or getattr(data, "addr", "")
    return str(said).lower().rstrip(".")
