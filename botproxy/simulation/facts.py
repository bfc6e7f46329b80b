"""The facts of a recorded request, as the proxy had them, as far as they are recorded."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from botproxy.addresses import parse_address
from botproxy.model import (
    Address,
    BotManagement,
    Clearance,
    Client,
    Cloud,
    Facts,
    Headers,
    Request,
    ResponseFacts,
    Session,
)
from botproxy.simulation.recorded import Recorded
from botproxy.telemetry import recalled

NOWHERE: Final = parse_address("::")
"""Stands for an address that is no longer recorded as one, because it was hashed."""

_NO_HEADERS: Final = Headers(())


def facts_of(recorded: Recorded, clearance: Clearance | None = None) -> Facts:
    """The facts, before any rule looked at them. What is not recorded is missing: `knowing` says what that is."""
    client_ip = recorded.client_ip
    query = recorded.query
    path = recorded.path.encode("utf-8", "replace")
    asked = query.encode("utf-8", "replace") if query else None
    host = recorded.host
    secure = recorded.scheme == "https"
    client = Client(
        _address(client_ip),
        client_ip,
        0,
        client_ip,
        recalled.tls_of(recorded.client_ssl_protocol, recorded.client_ssl_cipher, recorded.ja3, recorded.ja4),
        recalled.place_of(recorded.client_asn, recorded.client_country),
        0,
        None,
        0,
        recorded.http2_fingerprint,
        Cloud(recorded.cloud, recorded.hosting),
    )
    request = Request(
        recorded.ray,
        recorded.start,
        recorded.method.encode("utf-8", "replace"),
        path if asked is None else path + b"?" + asked,
        path,
        asked,
        recorded.protocol,
        secure,
        host.encode("utf-8", "replace"),
        host,
        recalled.headers_of(host, recorded.user_agent, recorded.referer, recorded.x_requested_with),
        0 if recorded.method in BODILESS else None,
    )
    return Facts(
        request,
        client,
        recorded.zone,
        recorded.static_resource,
        Session(recorded.session, 0.0, 0.0, 0) if recorded.session else None,
        clearance,
        {},
        None if recorded.scoring_failed else _bots(recorded),
        recorded.scoring_failed,
    )


BODILESS: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""Methods whose requests are taken to have no body; of others it is not recorded."""


def answered(facts: Facts, recorded: Recorded) -> Facts:
    """The same with what is recorded of the answer, for what counts afterwards."""
    kind = recorded.content_type.encode("utf-8", "replace")
    return facts._replace(response=ResponseFacts(recorded.status, _NO_HEADERS, kind))


def _bots(recorded: Recorded) -> BotManagement:
    return recalled.bots_of(
        recorded.score,
        recorded.score_source,
        recorded.detection_ids,
        recorded.verified_bot_category,
        recorded.js_detection,
    )


@lru_cache(maxsize=8192)
def _address(text: str) -> Address:
    address = parse_address(text) or NOWHERE
    assert address is not None
    return address
