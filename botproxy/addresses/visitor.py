"""Whose request it is: the peer's, or the visitor's that listed peers vouch for with X-Forwarded-For."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from botproxy.addresses.networks import NetworkSet, parse_address
from botproxy.model import Address

_ENTRY: Final = re.compile(
    rb"(?:([0-9.]{7,15})(?::[0-9]{1,5})?|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45}))\Z"
)


class Visitor(NamedTuple):
    """Who is calling and how. `text` is the canonical text of `address`."""

    address: Address
    text: str
    secure: bool  # https towards the visitor


def client_address(
    peer: Address,
    forwarded_for: Sequence[bytes],
    forwarded_proto: Sequence[bytes],
    trusted: NetworkSet,
    hops: int,
    secure: bool,
) -> Visitor:
    """The visitor behind `peer`; header values as received, in order; `secure` says whether our own connection is TLS.

    From right to left, an entry of X-Forwarded-For is believed as long as the address that reported it is listed and at
    most `hops` entries were taken. An entry that is no address (`unknown`, `_hidden`, garbage) ends the walk at the
    address that reported it. `peer` must be canonical.
    """
    if peer not in trusted:
        return Visitor(peer, str(peer), secure)
    address = peer
    text = ""
    taken = 0
    for entry in _from_right(forwarded_for, hops):
        if taken and address not in trusted:
            break
        behind = _read(entry) if len(entry) <= _LONGEST else None
        if behind is None:
            break
        address, text = behind
        taken += 1
    schemes = _from_right(forwarded_proto, taken or 1)
    if schemes:
        secure = _SECURE.get(schemes[-1].lower(), secure)
    return Visitor(address, text or str(address), secure)


def parse_entry(entry: bytes) -> Address | None:
    """One entry of X-Forwarded-For: an address, with or without port, IPv6 with or without brackets; else None."""
    behind = _read(entry) if len(entry) <= _LONGEST else None
    return None if behind is None else behind[0]


_LONGEST: Final = 53
"""Bytes of the longest entry: the longest IPv6 address in brackets, a colon and five digits."""

_SECURE: Final = {b"https": True, b"http": False}


@lru_cache(maxsize=4096)
def _read(entry: bytes) -> tuple[Address, str] | None:
    """An entry's address and its canonical text; the last 4,096 entries are remembered, right and wrong ones."""
    found = _ENTRY.match(entry)
    if found is None:
        return None
    dotted: bytes | None = found[1]
    if dotted is not None:
        text = dotted.decode("ascii")
        try:
            return IPv4Address(text), text  # it takes no other spelling than the canonical one
        except ValueError:
            return None
    address = parse_address((found[2] or found[3]).decode("ascii"))
    return None if address is None else (address, str(address))


def _from_right(values: Sequence[bytes], limit: int) -> list[bytes]:
    """At most `limit` entries of a list header, the last first; only as much is split as is asked for."""
    if len(values) == 1 and b"," not in values[0]:
        return [values[0].strip(b" \t")]
    entries: list[bytes] = []
    for value in reversed(values):
        wanted = limit - len(entries)
        if wanted <= 0:
            break
        parts = value.rsplit(b",", wanted)
        parts.reverse()
        entries.extend(part.strip(b" \t") for part in parts[:wanted])
    return entries
