"""Fetching from addresses of the internet alone: whoever chooses a URL does not choose what inside of here is asked.

Names are resolved once, every address is looked at, and the connection goes to the address that was looked at. Answers
are bounded in bytes and time, come over verified TLS, and are never unpacked.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple, final
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from botproxy.addresses import NetworkSet, canonical
from botproxy.errors import BotproxyError
from botproxy.model import Address
from botproxy.outgoing import DIRECT, Outgoing, said

AGENT: Final = "botproxy (verifying bots)"
_CONNECTIONS: Final = 8
_CHUNK: Final = 64 * 1024
_SIGNED: Final = (b"signature", b"signature-input")
_INNER: Final = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp")
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


Say = Callable[[str, Mapping[str, str]], None]
"""Tells an operator what happened: a sentence, and what it is about."""


class FetchError(BotproxyError):
    """Something could not be fetched. The text says why."""


class Answer(NamedTuple):
    """What was fetched, with status 200."""

    body: bytes
    content_type: str  # lower case, without parameters
    cache_control: str
    signed: tuple[tuple[bytes, bytes], ...] = ()  # its Signature and Signature-Input headers


def forbidden(address: Address, allowed: NetworkSet) -> bool:
    """Whether this address is not one of the internet, and not in a network that the operator allowed."""
    address = canonical(address)
    if address in allowed:
        return False
    if isinstance(address, IPv6Address):
        for inside in (address.sixtofour, (address.teredo or (None, None))[1]):
            if inside is not None and forbidden(inside, allowed):
                return True
        if int(address) >> 32 == 0x64FF9B << 64:  # NAT64 (RFC 6052): the IPv4 address is in the last 32 bits
            return forbidden(ip_address(int(address) & 0xFFFFFFFF), allowed)
    return not address.is_global or address.is_multicast


@final
class _GuardedResolver(AbstractResolver):
    """Another resolver's addresses, without those that are not to be connected to."""

    def __init__(self, inner: AbstractResolver, allowed: NetworkSet) -> None:
        self._inner: Final = inner
        self._allowed: Final = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        good = [each for each in found if not forbidden(ip_address(each["host"].partition("%")[0]), self._allowed)]
        if not good:
            raise OSError(None, f"{host} has no address of the internet")
        return good

    async def close(self) -> None:
        await self._inner.close()


@final
class Fetcher:
    """One for all fetching, on the loop that it is made on."""

    def __init__(
        self,
        servers: Sequence[str] = (),
        allowed: NetworkSet | None = None,
        ca_file: Path | None = None,
        outgoing: Outgoing = DIRECT,
    ) -> None:
        """`servers` are resolvers, none for the system's; `allowed` are networks that are not part of the internet and
        may be asked all the same; `ca_file` holds authorities beside the system's. Raises OSError for that file.

        By way of a proxy it is that one which resolves names and has to refuse those of inside; addresses, and names
        that can only be inside, are refused here all the same.
        """
        self._outgoing: Final = outgoing
        self._allowed: Final = allowed if allowed is not None else NetworkSet()
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
        inner: AbstractResolver
        inner = aiohttp.AsyncResolver(nameservers=list(servers)) if servers else aiohttp.DefaultResolver()
        self._session: Final = _session(_GuardedResolver(inner, self._allowed), context)
        # Here it is the proxy alone that is resolved and connected to, and that one is usually inside.
        self._by_proxy: Final = _session(inner, context) if outgoing else None

    async def get(self, url: str, *, size: int, seconds: float, redirects: int = 0, accept: str = "*/*") -> Answer:
        """At most `size` bytes in at most `seconds` over all; at most `redirects` to other https URLs are followed.

        Raises `FetchError`.
        """
        try:
            async with asyncio.timeout(seconds):
                for _ in range(redirects + 1):
                    found = await self._once(url, size, accept)
                    if isinstance(found, Answer):
                        return found
                    url = found
        except TimeoutError:
            raise FetchError(f"no answer within {seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(said(error) or _words(error)) from None
        raise FetchError("it redirects" if redirects == 0 else "it redirects too often")

    async def _once(self, url: str, size: int, accept: str) -> Answer | str:
        """The answer, or where it redirects to."""
        parsed = URL(url)
        if parsed.scheme != "https" or parsed.host is None or parsed.user is not None:
            raise FetchError(f"{url} is no https URL")
        self._refuse_literal(parsed.host)
        headers = {"Accept": accept}
        timeout = aiohttp.ClientTimeout(total=None)
        by: dict[str, Any] = self._outgoing.options(url)
        session = self._session
        if by and self._by_proxy is not None:
            session = self._by_proxy
            _refuse_inner(parsed.host)
        async with session.get(parsed, headers=headers, allow_redirects=False, timeout=timeout, **by) as response:
            if response.status in _REDIRECTS and "Location" in response.headers:
                return urljoin(url, response.headers["Location"])
            if response.status != 200:
                raise FetchError(f"status {response.status}")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise FetchError("it is compressed, which was not asked for")
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > size:
                    raise FetchError(f"more than {size} bytes")
            return Answer(
                bytes(body),
                response.content_type.lower(),
                response.headers.get("Cache-Control", "")[:200].lower(),
                tuple([item for item in response.raw_headers if item[0].lower() in _SIGNED]),
            )

    def _refuse_literal(self, host: str) -> None:
        """An address in the place of a name does not pass through a resolver."""
        try:
            address = ip_address(host.strip("[]"))
        except ValueError:
            return
        if forbidden(address, self._allowed):
            raise FetchError(f"{host} is not an address of the internet")

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        if self._by_proxy is not None:
            await self._by_proxy.close()


def _session(resolver: AbstractResolver, context: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, ssl=context, limit=_CONNECTIONS, force_close=True
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


def _refuse_inner(host: str) -> None:
    name = host.rstrip(".").lower()
    if ":" not in name and ("." not in name or name.endswith(_INNER)):
        raise FetchError(f"{host} is not a name of the internet")


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    return said or type(error).__name__
