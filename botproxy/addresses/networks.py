"""Lists of networks, searched by bisection; an IPv4-mapped IPv6 address is the IPv4 address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, final

from botproxy.model import Address

Network = IPv4Network | IPv6Network

MAX_TEXT: Final = 45
"""Characters of the longest textual IPv6 address."""


def canonical(address: Address) -> Address:
    """The address itself, or the IPv4 address that an IPv4-mapped IPv6 address stands for (RFC 4291, 2.5.5.2)."""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is not None:
            return mapped
        if address.scope_id is not None:
            return IPv6Address(int(address))
    return address


def holder(address: Address) -> Address | int:
    """Who is counted when addresses are: an IPv4 address itself, of an IPv6 address its /64 as a number.

    Whoever has one address of a /64 usually has them all (RFC 6177), so a bound for each of them would be none.
    """
    return int(address) >> 64 if isinstance(address, IPv6Address) else address


def parse_address(text: str) -> Address | None:
    """An address from its text, canonical, or None: no port, no brackets, no prefix, no surrounding space."""
    if not text or len(text) > MAX_TEXT or not text.isascii() or "%" in text:
        return None
    try:
        return canonical(ip_address(text))
    except ValueError:
        return None


def parse_network(text: str) -> Network | None:
    """A network, or one address, from its text, or None; bits behind the prefix are refused."""
    if not text or len(text) > MAX_TEXT + 4 or not text.isascii() or "%" in text:
        return None
    try:
        return ip_network(text)
    except ValueError:
        return None


@final
class NetworkSet:
    """An immutable set of networks. Asking costs two bisections at most, however many networks there are."""

    __slots__ = ("_ends4", "_ends6", "_starts4", "_starts6")

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        ranges4: list[tuple[int, int]] = []
        ranges6: list[tuple[int, int]] = []
        for network in networks:
            start, end = int(network.network_address), int(network.broadcast_address)
            if isinstance(network, IPv4Network):
                ranges4.append((start, end))
                continue
            mapped = network.network_address.ipv4_mapped
            if mapped is not None and network.prefixlen >= 96:
                ranges4.append((start & 0xFFFFFFFF, end & 0xFFFFFFFF))
            else:
                ranges6.append((start, end))
        self._starts4, self._ends4 = _merged(ranges4)
        self._starts6, self._ends6 = _merged(ranges6)

    @classmethod
    def of_ranges(
        cls, starts4: Sequence[int], ends4: Sequence[int], starts6: Sequence[int], ends6: Sequence[int]
    ) -> NetworkSet:
        """The set whose `ranges` these are, in their order, as numbers; they are not looked at again."""
        made = cls()
        made._starts4, made._ends4 = list(starts4), list(ends4)
        made._starts6, made._ends6 = list(starts6), list(ends6)
        return made

    def ranges(self) -> list[tuple[Address, Address]]:
        """First and last address of every range, in order, IPv4 before IPv6."""
        low = zip(self._starts4, self._ends4, strict=True)
        high = zip(self._starts6, self._ends6, strict=True)
        return [
            *[(IPv4Address(first), IPv4Address(last)) for first, last in low],
            *[(IPv6Address(first), IPv6Address(last)) for first, last in high],
        ]

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        if isinstance(address, IPv4Address):
            at = bisect_right(self._starts4, number) - 1
            return at >= 0 and number <= self._ends4[at]
        if number >> 32 == 0xFFFF:
            return IPv4Address(number & 0xFFFFFFFF) in self
        at = bisect_right(self._starts6, number) - 1
        return at >= 0 and number <= self._ends6[at]

    def __len__(self) -> int:
        """How many ranges are left after neighbours and nested networks were merged."""
        return len(self._starts4) + len(self._starts6)


def _merged(ranges: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(ranges):
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends
