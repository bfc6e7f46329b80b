"""Clearances that an operator took back: of one challenge, of an address or network, of a whole zone.

One that was given later counts again. The table is as large as the notices that fill it, of which there is a bound.
"""

from __future__ import annotations

from hashlib import sha256
from ipaddress import ip_network
from typing import Final, Literal, NamedTuple, final

import orjson

from botproxy.cookies.clearance import JS_SECONDS
from botproxy.errors import OperatorError
from botproxy.model import Address, Clearance

TOPIC: Final = "revoked"
"""Of the notices by which workers and nodes hear of it."""

Kind = Literal["ray", "ip", "zone"]
_KINDS: Final[tuple[Kind, ...]] = ("ray", "ip", "zone")
_HEX: Final = frozenset("0123456789abcdef")
_LONGEST: Final = 200


class Revocation(NamedTuple):
    """What is taken back, and when. `value` is a ray, an address or network in canonical text, or a zone's name."""

    kind: Kind
    value: str
    at: float  # seconds since the epoch

    @property
    def name(self) -> bytes:
        """By which the same thing, taken back again, replaces this."""
        return sha256(f"{self.kind}:{self.value}".encode()).digest()[:16]

    def encode(self) -> bytes:
        """At most 256 bytes, for a notice."""
        return orjson.dumps([self.kind, self.value, self.at])


def revocation(kind: Kind, value: str, at: float) -> Revocation:
    """A revocation that an operator asks for. Raises `OperatorError` for a value that is none of its kind."""
    text = value.strip()
    if kind == "ray":
        text = text.lower().partition("-")[0]  # as Cf-Ray shows it, with the location
        if len(text) != 16 or not _HEX.issuperset(text):
            raise OperatorError(f"{value!r} is no ray id, which has 16 hex digits")
    elif kind == "ip":
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise OperatorError(f"{value!r} is no address or network; write it as 192.0.2.7 or 2001:db8::/48") from None
        text = str(network)
    elif not 0 < len(text.encode()) <= _LONGEST:
        raise OperatorError("a zone's name has 1 to 200 bytes")
    return Revocation(kind, text, at)


def read_revocation(body: bytes) -> Revocation | None:
    """What a notice says, or None when that is no revocation."""
    try:
        kind, value, at = orjson.loads(body)
        if kind not in _KINDS or not isinstance(value, str) or not 0 <= float(at) < 1e11:
            return None
        return revocation(kind, value, float(at))
    except (orjson.JSONDecodeError, TypeError, ValueError, OperatorError):
        return None


@final
class Revocations:
    """All that holds now, to be asked with each clearance that is opened: two or three look-ups."""

    __slots__ = ("_networks", "_prefixes", "_rays", "_zones", "any", "latest")

    def __init__(self) -> None:
        self._rays: Final[dict[str, float]] = {}
        self._zones: Final[dict[str, float]] = {}
        self._networks: Final[dict[tuple[int, int, int], float]] = {}  # version, length of prefix, its bits
        self._prefixes: Final[dict[int, list[int]]] = {4: [], 6: []}
        self.any = False
        """Whether anything was ever taken back."""
        self.latest = 0.0
        """When the newest was, by the clock of whoever did it."""

    def learn(self, said: Revocation) -> None:
        """Have it hold from now on."""
        if said.kind == "ray":
            self._rays[said.value] = said.at
        elif said.kind == "zone":
            self._zones[said.value] = max(said.at, self._zones.get(said.value, 0.0))
        else:
            network = ip_network(said.value)
            length = network.prefixlen
            key = (network.version, length, int(network.network_address) >> (network.max_prefixlen - length))
            self._networks[key] = max(said.at, self._networks.get(key, 0.0))
            lengths = self._prefixes[network.version]
            if length not in lengths:
                lengths.append(length)
        self.any = True
        self.latest = max(self.latest, said.at)

    def revoked(self, clearance: Clearance, zone: str, address: Address | None) -> bool:
        """Whether this clearance, brought by who is at `address`, was taken back after it was given."""
        if clearance.ray in self._rays:
            return True
        given = clearance.issued if clearance.level else clearance.js_expires - JS_SECONDS
        if given <= self._zones.get(zone, -1.0):
            return True
        if address is None or not self._networks:
            return False
        bits = int(address)
        size = address.max_prefixlen
        for length in self._prefixes[address.version]:
            at = self._networks.get((address.version, length, bits >> (size - length)))
            if at is not None and given <= at:
                return True
        return False
