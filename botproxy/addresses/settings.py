"""Whose word about the visitor's address is taken."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import BeforeValidator, Field

from botproxy.schema import Section


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError("a network is a text such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32")
    try:
        return ip_network(value.strip(" "))
    except ValueError as problem:
        raise ValueError(f"not a network ({problem}); write 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32") from None


NetworkText = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
"""A network, or one address, as operators write it."""


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")]
"""The name of a header, in letters, digits and hyphens."""


class VouchedSettings(Section):
    """Names of the headers in which listed peers say what only they can see, because TLS ends with them. From anyone
    else these headers are taken out, and the origin never gets them."""

    ja3: HeaderName | None = None
    """Header with the visitor's JA3, 32 hex digits."""

    ja4: HeaderName | None = None
    """Header with the visitor's JA4."""

    bot_score: HeaderName | None = None
    """Header with a bot score from 1 to 99, recorded in events beside ours (`CF-Bot-Score` behind Cloudflare)."""


class Settings(Section):
    """Load balancers and CDNs in front of this proxy, whose `X-Forwarded-*` headers are believed."""

    trusted: list[NetworkText] = Field(default_factory=list)
    """Networks of the peers whose X-Forwarded-For and X-Forwarded-Proto count; from anyone else they are replaced."""

    hops: Annotated[int, Field(ge=1, le=16)] = 1
    """How many listed peers may stand in a row between the visitor and this proxy."""

    headers: VouchedSettings = VouchedSettings()
    """What else listed peers say of a visitor."""
