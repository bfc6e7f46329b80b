"""Who counts as one caller, and as one network: from an address in text, the same in supervisor and worker."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address


def caller_of(text: str) -> str:
    """An address of IPv4; of IPv6 its /64, of which one caller has every address."""
    return _sixty_four(text) if ":" in text else text


def network_of(text: str) -> str:
    """The /24 of an address of IPv4, the /48 of one of IPv6."""
    return _forty_eight(text) if ":" in text else text[: text.rfind(".") + 1]


@lru_cache(4096)
def _sixty_four(text: str) -> str:
    return IPv6Address(text).packed[:8].hex()


@lru_cache(4096)
def _forty_eight(text: str) -> str:
    return IPv6Address(text).packed[:6].hex()
