"""Do the TLS and the HTTP/2 of a client fit the browser that it claims to be?"""

from __future__ import annotations

from typing import Any, Final

from botproxy.model import Facts
from botproxy.rules import user_agent
from botproxy.rules.derived import remembered_with_headers
from botproxy.rules.types import BYTES, Reader, Type
from botproxy.tls import KnownClient, KnownClients

FITS: Final = b"fits"
CONTRADICTS: Final = b"contradicts"

_EXPECTED: Final = {
    b"chrome": "chromium",
    b"edge": "chromium",
    b"opera": "chromium",
    b"samsung": "chromium",
    b"firefox": "firefox",
    b"safari": "safari",
}
_ON_IOS: Final = (b"CriOS/", b"FxiOS/", b"EdgiOS/", b"OPiOS/", b"OPT/")
"""Browsers for Apple's telephones and tablets have Apple's TLS, whatever they are called; some claim to be a Mac's."""


def claimed_tls_client(agent: bytes) -> str:
    """The client whose TLS the browser has that a User-Agent claims; "" when it claims none."""
    claimed, _, platform = user_agent.claim(agent)
    if not claimed:
        return ""
    if platform == b"ios" or any(token in agent for token in _ON_IOS):
        return "safari"
    return _EXPECTED.get(claimed, "")


_expected = remembered_with_headers(
    "tls_claim", lambda facts: claimed_tls_client(facts.request.headers.first(b"user-agent") or b"")
)


def tls_fit(found: KnownClient | None, expected: str) -> bytes | None:
    """Whether the TLS of a known client is that of the client which a User-Agent claims; None when nobody can tell."""
    if found is None or not expected:
        return None
    if found.client == expected:
        return FITS
    return None if found.generic else CONTRADICTS


_ENGINES: Final = frozenset(_EXPECTED.values())


def _hint(facts: Facts) -> str:
    """The engine that client hints name; only one has any."""
    brands = facts.request.headers.first(b"sec-ch-ua")
    return "chromium" if brands is not None and b'"Chromium"' in brands else ""


def tls_client_fields(known: KnownClients) -> tuple[tuple[str, Type, Reader], ...]:
    """Name, type and reader of the fields that need to know clients."""

    def find(facts: Facts) -> KnownClient | None:
        tls = facts.client.tls
        return known.find(tls.ja4) if tls is not None and tls.ja4 else None

    def client(facts: Facts) -> Any:
        found = find(facts)
        return None if found is None else found.client.encode("ascii")

    def fit(facts: Facts) -> Any:
        found = find(facts)
        return None if found is None else tls_fit(found, _expected(facts))

    def http2_client(facts: Facts) -> Any:
        spoken = known.find_http2(facts.client.http2)
        return None if spoken is None else spoken.client.encode("ascii")

    def http2_fit(facts: Facts) -> Any:
        spoken = known.find_http2(facts.client.http2)
        if spoken is None:
            return None
        shaken = find(facts)
        engine = shaken.client if shaken is not None and shaken.client in _ENGINES and not shaken.generic else ""
        claims = [claim for claim in (_expected(facts), _hint(facts), engine) if claim]
        if not claims:
            return None
        if all(claim == spoken.client for claim in claims):
            return FITS
        return None if spoken.generic else CONTRADICTS

    return (
        ("botproxy.tls_client", BYTES, client),
        ("botproxy.tls_fit", BYTES, fit),
        ("botproxy.http2_client", BYTES, http2_client),
        ("botproxy.http2_fit", BYTES, http2_fit),
    )
