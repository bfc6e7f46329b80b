"""Who is who on the admin listener: tokens, identities that a proxy in front vouches for, and this machine."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, NamedTuple

from aiohttp import web

from botproxy.admin.operator import LOOPBACK, Operator

Network = IPv4Network | IPv6Network

MAX_IDENTITY: Final = 200


class Token(NamedTuple):
    """A token and who has it."""

    text: str
    operator: Operator


class Identity(NamedTuple):
    """Where an identity stands, and whose it may be."""

    header: str
    users: Mapping[str, Operator]
    others: str  # "none", "read" or "operator"


class Refusal(NamedTuple):
    """Why somebody may not ask."""

    status: int
    error: str


class Access(NamedTuple):
    """Everything that decides who asks. Without tokens and an identity the listener is on loopback."""

    tokens: tuple[Token, ...] = ()
    proxies: tuple[Network, ...] = ()
    identity: Identity | None = None
    plain_for_proxies: bool = False  # nobody but these proxies, and this machine, may connect

    @property
    def asks(self) -> bool:
        """Whether it is asked who asks."""
        return bool(self.tokens) or self.identity is not None

    def admits(self, peer: str | None) -> Refusal | None:
        """Whether this address may connect at all."""
        if not self.plain_for_proxies or _within(peer, self.proxies) or _loopback(peer):
            return None
        return Refusal(403, "without TLS this listener is for the proxies of admin.proxies")

    def who(self, request: web.Request) -> Operator | Refusal:
        """Who asks this."""
        if not self.asks:
            return LOOPBACK
        given = request.headers.get("Authorization", "")
        key = request.headers.get("X-Auth-Key", "")  # the older form of the original, beside X-Auth-Email
        if given or key:
            return self._of_token(given or f"Bearer {key}")
        if self.identity is not None and _within(request.remote, self.proxies):
            found = request.headers.getall(self.identity.header, [])
            if found:
                return self._of_identity(found)
        return Refusal(401, "this address needs the admin token: Authorization: Bearer TOKEN")

    def _of_token(self, given: str) -> Operator | Refusal:
        sent = given.encode("utf-8", "surrogateescape")
        found: Operator | None = None
        for token in self.tokens:  # all of them, so that time says nothing
            if hmac.compare_digest(sent, f"Bearer {token.text}".encode()):
                found = token.operator
        return found or Refusal(401, "this address needs the admin token: Authorization: Bearer TOKEN")

    def _of_identity(self, found: list[str]) -> Operator | Refusal:
        assert self.identity is not None
        name = found[0].strip()
        if len(found) != 1 or not name or len(name) > MAX_IDENTITY or not name.isprintable():
            return Refusal(403, f"{self.identity.header} has to be there once, with one identity")
        known = self.identity.users.get(name)
        if known is not None:
            return known
        if self.identity.others == "none":
            return Refusal(403, "this identity may not ask here: add it to admin.identity.users")
        return Operator(name, "operator" if self.identity.others == "operator" else "read")


def of_token(token: str | None) -> Access:
    """Access with one token for everything, or on loopback without any."""
    return Access() if token is None else Access((Token(token, Operator("token")),))


def _within(peer: str | None, networks: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)


def _loopback(peer: str | None) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
