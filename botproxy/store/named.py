"""An address that a text names, whatever the text is about: found, and taken out. Pure.

Whole addresses alone are found: 192.0.2.1 is not in 192.0.2.10, and an address of IPv6 is found however it is spelled.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from typing import Final, final

FORGOTTEN: Final = b"(forgotten)"
"""What stands in the place of an address that was taken out."""

_SIXTH: Final = re.compile(rb"[0-9A-Fa-f]*:[0-9A-Fa-f:.]+")
_MAX_TEXT: Final = 45  # of an address of IPv6


@final
class Named:
    """These addresses in texts."""

    def __init__(self, addresses: Collection[str]) -> None:
        parsed = [ip_address(address) for address in addresses]
        fourth = sorted({str(each) for each in parsed if each.version == 4})
        self._sixth = frozenset(each for each in parsed if isinstance(each, IPv6Address))
        any_of = b"|".join(re.escape(each.encode()) for each in fourth)
        self._fourth = re.compile(rb"(?<![0-9.])(?:" + any_of + rb")(?![0-9]|\.[0-9])") if fourth else None

    def __call__(self, text: bytes) -> bool:
        """Whether this text names one of them."""
        if self._fourth is not None and self._fourth.search(text) is not None:
            return True
        return bool(self._sixth) and any(self._address(found[0]) for found in _SIXTH.finditer(text))

    def without(self, text: bytes) -> bytes:
        """The text with `FORGOTTEN` in the place of each."""
        if self._fourth is not None:
            text = self._fourth.sub(FORGOTTEN, text)
        if self._sixth:
            text = _SIXTH.sub(lambda found: FORGOTTEN if self._address(found[0]) else found[0], text)
        return text

    def _address(self, text: bytes) -> bool:
        if len(text) > _MAX_TEXT:
            return False
        try:
            return ip_address(text.decode()) in self._sixth
        except ValueError:
            return False
