"""Addresses of visitors as they may be recorded: whole, cut to a network, or replaced by a stand-in. Pure.

A stand-in is itself an address, of the block 2001:db8::/32 that is kept for documentation and that no visitor has, so
that everything that reads addresses goes on reading them. It is keyed with a secret of the proxy, the zone and the day
(UTC): who has the log alone cannot turn it back by trying all addresses, and nobody can be followed from one day to the
next or from one zone to another. Who holds the secret can make it again, which is how a data subject is answered.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, Literal, final

from botproxy.model import Event

Masked = Literal["truncated", "hashed"]

PREFIX: Final = bytes.fromhex("20010db8")
NETWORK: Final = {4: 24, 6: 48}
_DAY: Final = 86400
_ZONE, _ADDRESS, _START = (Event._fields.index(name) for name in ("zone", "client_ip", "start"))
_REMEMBERED: Final = 16_384


@final
class Masking:
    """How the zones record addresses. `zones` has those that do not record them whole; without any, nothing is done."""

    def __init__(self, zones: Mapping[str, Masked] | None = None, key: bytes = b"") -> None:
        self.zones: Final = dict(zones or {})
        self._key = key
        self._masked = lru_cache(_REMEMBERED)(self._mask)

    def __bool__(self) -> bool:
        return bool(self.zones)

    def apply(self, rows: Sequence[list[Any]]) -> None:
        """Change the addresses in rows of events, in place."""
        zones, masked = self.zones, self._masked
        for row in rows:
            how = zones.get(row[_ZONE])
            if how is not None:
                row[_ADDRESS] = masked(how, row[_ZONE], int(row[_START]) // _DAY, row[_ADDRESS])

    def one(self, zone: str, address: str, when: float) -> str:
        """One address as this zone records it; `when` in seconds since 1970."""
        how = self.zones.get(zone)
        return address if how is None else self._masked(how, zone, int(when) // _DAY, address)

    def forms(self, address: str, days: int, now: float | None = None) -> tuple[str, ...]:
        """Every text under which this address alone may have been recorded in the last so many days, whole first."""
        today = int(time.time() if now is None else now) // _DAY
        hashed = [zone for zone, how in self.zones.items() if how == "hashed"]
        made = [self._mask("hashed", zone, today - ago, address) for zone in hashed for ago in range(-1, days + 1)]
        return (address, *dict.fromkeys(made))

    def network(self, address: str) -> str | None:
        """What zones that truncate have recorded of it, which it shares with others; None without such zones."""
        if "truncated" not in self.zones.values():
            return None
        return self._mask("truncated", "", 0, address)

    def _mask(self, how: Masked, zone: str, day: int, text: str) -> str:
        try:
            address = ip_address(text)
        except ValueError:
            return ""  # what is no address is not recorded where addresses are not
        if how == "truncated":
            return str(ip_network((address, NETWORK[address.version]), strict=False).network_address)
        return str(_stand_in(self._key, zone, day, address))


def _stand_in(key: bytes, zone: str, day: int, address: IPv4Address | IPv6Address) -> IPv6Address:
    daily = hmac.digest(key, f"address {day} {zone}".encode(), "sha256")
    return IPv6Address(PREFIX + hmac.digest(daily, address.packed, "sha256")[:12])
