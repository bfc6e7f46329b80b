"""Items of lists, from text: networks, host names, and what is wrong with what is neither."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

_LONGEST_HOST: Final = 253
_OCTETS: Final = {str(number).encode(): number for number in range(256)}
_HOSTS4: Final = {str(length).encode(): (1 << (32 - length)) - 1 for length in range(33)}
_NAME: Final = re.compile(rb"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")


class ItemError(ValueError):
    """An item that is none of its kind: `what` is wrong, and what would be `right`."""

    def __init__(self, what: str, right: str = "") -> None:
        super().__init__(f"{what} — {right}" if right else what)
        self.what: Final = what
        self.right: Final = right


def network(item: bytes) -> tuple[int, int, int]:
    """Version, first and last address of an address, a network, or a range `first..last`; raises `ItemError`.

    An IPv4-mapped IPv6 network is the IPv4 network, as the address of a visitor is.
    """
    text, slash, digits = item.partition(b"/")
    plain = _quad(text)
    if plain is not None:
        hosts = _HOSTS4.get(digits, 1 << 32) if slash else 0
        if not plain & hosts and hosts < 1 << 32:
            return 4, plain, plain | hosts
    before, dots, after = text.partition(b"..")
    if dots:
        first, last = _address(before, item), _address(after, item)
        if slash or first[0] != last[0] or first[1] > last[1]:
            raise ItemError(f"{shown_item(item)} is no range", "two addresses of one kind, lower one first")
        return first[0], first[1], last[1]
    version, number = _address(text, item)
    width = 32 if version == 4 else 128
    if not slash:
        return version, number, number
    length = int(digits) if digits.isdigit() and len(digits) <= 3 else width + 1
    if version == 4 and b":" in text:
        length -= 96
    if not 0 <= length <= width:
        raise ItemError(f"{shown_item(item)} is no network", f"a length of 0 to {width}")
    hosts = (1 << (width - length)) - 1
    if number & hosts:
        meant = written(version, number & ~hosts, number | hosts)
        raise ItemError(f"{shown_item(item)} has bits set behind its length", meant)
    return version, number, number | hosts


def _address(text: bytes, item: bytes) -> tuple[int, int]:
    plain = _quad(text)
    if plain is not None:
        return 4, plain
    number = _hextets(text)
    try:
        if b":" not in text:
            return 4, int(IPv4Address(text.decode("ascii")))
        if b"%" in text:
            raise AddressValueError
        if number is None:
            number = int(IPv6Address(text.decode("ascii")))
    except ValueError:
        raise ItemError(
            f"{shown_item(item)} is neither an address nor a network", "such as 192.0.2.7 or 2001:db8::/32"
        ) from None
    return (4, number & 0xFFFFFFFF) if number >> 32 == 0xFFFF else (6, number)


def _quad(text: bytes) -> int | None:
    """An IPv4 address, several times as fast as Python's own; None for any other text."""
    parts = text.split(b".")
    if len(parts) != 4:
        return None
    try:
        return _OCTETS[parts[0]] << 24 | _OCTETS[parts[1]] << 16 | _OCTETS[parts[2]] << 8 | _OCTETS[parts[3]]
    except KeyError:
        return None


def _hextets(text: bytes) -> int | None:
    """An IPv6 address of hexadecimal groups alone, several times as fast as Python's own; None for any other text."""
    head, gap, tail = text.partition(b"::")
    left, right = head.split(b":") if head else [], tail.split(b":") if tail else []
    zeros = 8 - len(left) - len(right)
    if zeros < 0 or bool(gap) != (zeros > 0) or b"x" in text or b"X" in text:
        return None
    number = 0
    try:
        for group in left:
            if len(group) > 4 or not group.isalnum():
                return None
            number = number << 16 | int(group, 16)
        number <<= 16 * zeros
        for group in right:
            if len(group) > 4 or not group.isalnum():
                return None
            number = number << 16 | int(group, 16)
    except ValueError:
        return None
    return number


def written(version: int, first: int, last: int) -> str:
    """Text of a range: an address, a network where it is one, or `first..last`."""
    width, make = (32, IPv4Address) if version == 4 else (128, IPv6Address)
    size = last - first + 1
    if size & (size - 1) == 0 and first % size == 0:
        length = width - (size.bit_length() - 1)
        return str(make(first)) if length == width else f"{make(first)}/{length}"
    return f"{make(first)}..{make(last)}"


def hostname(item: bytes) -> bytes:
    """A host name, or `*.` and one, in the form that is compared; raises `ItemError`."""
    name = item.lower().removesuffix(b".")
    if len(name) <= _LONGEST_HOST + 2 and _NAME.match(name):
        return name
    right = "a name such as www.example.com, or *.example.com for every name below it"
    if b"://" in name or b"/" in name:
        right += ", without scheme and path"
    elif not name.isascii():
        right = "its ASCII form, which begins with xn--"
    elif b":" in name:
        right += ", without port"
    raise ItemError(f"{shown_item(item)} is no host name", right)


def shown_item(item: bytes) -> str:
    """An item as a message may repeat it: bounded, and without anything a terminal would obey."""
    text = item[:80].decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"`{text}…`" if len(item) > 80 else f"`{text}`"
