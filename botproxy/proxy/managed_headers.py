"""What the origin is told of a request in headers that no visitor can send: bot fields, and where the visitor is.

Names as the original's managed transforms have them (reference: sections 11.2 and 11.3). What is not known gives no
header: a score that was not computed, a fingerprint of a connection without TLS, a place without a database.
"""

from __future__ import annotations

from typing import Final, final

from botproxy.model import Facts, Place
from botproxy.proxy.answers import HeaderList
from botproxy.proxy.settings import ManagedRequestHeaderSettings

_UNKNOWN_COUNTRY: Final = b"XX"


@final
class ManagedRequestHeaders:
    """The headers that one zone has switched on."""

    __slots__ = ("_address", "_bots", "_location")

    def __init__(self, settings: ManagedRequestHeaderSettings) -> None:
        self._bots: Final = settings.add_bot_protection_headers
        self._location: Final = settings.add_visitor_location_headers
        self._address: Final = settings.add_true_client_ip_headers

    def of(self, facts: Facts) -> HeaderList:
        """Headers to send with this request."""
        items: list[tuple[bytes, bytes]] = []
        if self._bots:
            _add_bots(items, facts)
        if self._location and facts.client.place is not None:
            _add_location(items, facts.client.place)
        if self._address:
            items.append((b"true-client-ip", facts.client.text.encode("ascii")))
        return items


def managed(settings: ManagedRequestHeaderSettings) -> ManagedRequestHeaders | None:
    """Who makes the headers of a zone; None when it has none switched on."""
    wanted = (
        settings.add_bot_protection_headers
        or settings.add_visitor_location_headers
        or settings.add_true_client_ip_headers
    )
    return ManagedRequestHeaders(settings) if wanted else None


def _add_bots(items: list[tuple[bytes, bytes]], facts: Facts) -> None:
    bots = facts.bot_management
    if bots is not None:
        if bots.score.value:
            items.append((b"cf-bot-score", b"%d" % bots.score.value))
        items.append((b"cf-verified-bot", b"false" if bots.verified_bot is None else b"true"))
    tls = facts.client.tls
    if tls is not None:
        _add(items, b"cf-ja3-hash", tls.ja3)
        _add(items, b"cf-ja4", tls.ja4)


def _add_location(items: list[tuple[bytes, bytes]], place: Place) -> None:
    items.append((b"cf-ipcountry", escaped(place.country) if place.country else _UNKNOWN_COUNTRY))
    _add(items, b"cf-ipcity", place.city)
    _add(items, b"cf-ipcontinent", place.continent)
    _add(items, b"cf-iplongitude", place.longitude)
    _add(items, b"cf-iplatitude", place.latitude)
    _add(items, b"cf-region", place.region)
    _add(items, b"cf-region-code", place.region_code)
    _add(items, b"cf-metro-code", place.metro_code)
    _add(items, b"cf-postal-code", place.postal_code)
    _add(items, b"cf-timezone", place.timezone)


def _add(items: list[tuple[bytes, bytes]], name: bytes, value: str | None) -> None:
    if value:
        items.append((name, escaped(value)))


def escaped(text: str) -> bytes:
    """Text as it stands in these headers: every byte of UTF-8 that is no printable ASCII as `\\u00xx`.

    São Paulo becomes `S\\u00c3\\u00a3o Paulo`.
    """
    if text.isascii() and text.isprintable():
        return text.encode("ascii")
    return b"".join(
        [b"%c" % byte if 0x20 <= byte < 0x7F else b"\\u00%02x" % byte for byte in text.encode("utf-8", "replace")]
    )
