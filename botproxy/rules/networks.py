"""Address literals, networks, ranges and sets of addresses."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final, final

from botproxy.model import Address
from botproxy.rules.cursor import HEX_DIGITS, Cursor
from botproxy.rules.numbers import IntSet

_ADDRESS_CHARACTERS: Final = HEX_DIGITS | frozenset(":.")
_DIGITS: Final = frozenset("0123456789")
_BAD_ADDRESS: Final = "couldn't parse address in network: invalid IP address syntax"

IpRange = tuple[int, int, int]
"""Version (4 or 6), first and last address as integers, both included."""


@final
class IpSet:
    """An immutable set of addresses of both families."""

    __slots__ = ("v4", "v6")

    def __init__(self, ranges: Iterable[IpRange]) -> None:
        members = list(ranges)
        self.v4: Final = IntSet((first, last) for version, first, last in members if version == 4)
        self.v6: Final = IntSet((first, last) for version, first, last in members if version == 6)

    def __contains__(self, address: Address) -> bool:
        return int(address) in (self.v4 if address.version == 4 else self.v6)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IpSet) and self.v4 == other.v4 and self.v6 == other.v6

    def __hash__(self) -> int:
        return hash((self.v4, self.v6))


def ip_literal(cursor: Cursor) -> Address:
    """Read a whole address; networks and shortened forms are refused."""
    start = cursor.at
    text = cursor.take_while(_ADDRESS_CHARACTERS)
    if not text:
        cursor.fail("expected IP address character", start)
    if cursor.ahead("/"):
        cursor.fail("a network can only stand in a set: in {…}", start)
    return _address(cursor, text, start)


def ip_item(cursor: Cursor) -> IpRange:
    """Read one member of a set: an address, a network without host bits, or a range `first..last`.

    As in the original, IPv4 may be shortened at its end there: `10/8` is `10.0.0.0/8`.
    """
    start = cursor.at
    text = cursor.take_while(_ADDRESS_CHARACTERS)
    if not text:
        cursor.fail("expected IP address character", start)
    before, dots, after = text.partition("..")
    if dots:
        first = _address(cursor, before, start)
        last = _address(cursor, after, start + len(before) + 2)
        if first.version != last.version or int(first) > int(last):
            cursor.fail("incompatible range bounds", start, cursor.at)
        return first.version, int(first), int(last)
    address = _short(text) or _address(cursor, text, start)
    width = 32 if address.version == 4 else 128
    length = width
    if cursor.take("/"):
        digits = cursor.take_while(_DIGITS)
        if not digits:
            cursor.fail("couldn't parse length in network: cannot parse integer from empty string")
        length = int(digits) if len(digits) <= 3 else width + 1
        if length > width:
            cursor.fail(f"invalid length for network: {digits} is too long (maximum: {width})", start, cursor.at)
    hosts = (1 << (width - length)) - 1
    number = int(address)
    if number & hosts:
        cursor.fail("host part of address was not zero", start, cursor.at)
    return address.version, number, number | hosts


def is_address(text: str) -> bool:
    """Whether this is an address and nothing else."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _address(cursor: Cursor, text: str, start: int) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        cursor.fail(_BAD_ADDRESS, start, start + len(text))


def _short(text: str) -> IPv4Address | IPv6Address | None:
    parts = text.split(".")
    if len(parts) > 4 or not all(part.isdecimal() and len(part) <= 3 for part in parts):
        return None
    try:
        return IPv4Address(".".join(str(int(part)) for part in parts) + ".0" * (4 - len(parts)))
    except AddressValueError:
        return None
