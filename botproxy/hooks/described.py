"""A request as a hook is told of it, from the facts: `request.cf` under the names of Workers (reference: 11.1).

Only facts that are known are told; what the original always has a value for has its empty value here.
"""

from __future__ import annotations

from typing import Any, Final

from botproxy.hooks.permitted import folded
from botproxy.model import BotManagement, Facts, Place, Request, Tls
from botproxy.rules import tls_fields

_REPLACED: Final = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))
_LENGTHS: Final = frozenset(map(len, _REPLACED))
"""Headers that the origin gets from us and not from the client: a hook sees what the origin will see."""

_UNPRINTED: Final = {code: f"%{code:02X}" for code in (*range(0x21), *range(0x7F, 0x100), 0x22, 0x3C, 0x3E, 0x60)}
"""What never stands in a URL as it is (WHATWG URL standard, query percent-encode set and the accent)."""


def described(facts: Facts, location: str) -> dict[str, Any]:
    """What travels to a hook process; ready for JSON."""
    request = facts.request
    return {
        "method": request.method.decode("latin-1"),
        "url": _url(request),
        "headers": _headers(facts, location),
        "cf": cf(facts, location),
    }


def _url(request: Request) -> str:
    target = request.path if request.query is None else b"%b?%b" % (request.path, request.query)
    text = (b"https://%b%b" if request.secure else b"http://%b%b") % (request.authority, target)
    return text.decode("latin-1").translate(_UNPRINTED)


def _headers(facts: Facts, location: str) -> list[tuple[str, str]]:
    request, client = facts.request, facts.client
    items = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers.items
        if len(name) not in _LENGTHS or folded(name.decode("latin-1")).encode("latin-1") not in _REPLACED
    ]
    items += [
        ("CF-Connecting-IP", client.text),
        ("X-Forwarded-For", client.text),
        ("X-Forwarded-Proto", "https" if request.secure else "http"),
        ("CF-Ray", f"{request.ray}-{location}"),
    ]
    country = client.place.country if client.place is not None else None
    if country is not None:
        items.append(("CF-IPCountry", country))
    return items


def cf(facts: Facts, location: str) -> dict[str, Any]:
    """`request.cf`. `botManagement` is None when scoring failed, as it is where the original has none."""
    bots = facts.bot_management
    told: dict[str, Any] = {
        "botManagement": None if bots is None else _bot_management(facts, bots),
        "colo": location,
        "httpProtocol": facts.request.version,
    }
    if bots is not None and bots.verified_bot is not None:
        told["verifiedBotCategory"] = bots.verified_bot.category
    tls = facts.client.tls
    if tls is not None:
        told["tlsVersion"] = tls.version
        told["tlsCipher"] = tls.cipher
        if tls.hello_length:
            told.update(_client_hello(tls))
    if facts.client.place is not None:
        told.update(_place(facts.client.place))
    return told


def _client_hello(tls: Tls) -> dict[str, str]:
    return {
        "tlsClientHelloLength": str(tls.hello_length),
        "tlsClientRandom": tls_fields.client_random(tls).decode("ascii"),
        "tlsClientCiphersSha1": tls_fields.ciphers_sha1(tls).decode("ascii"),
        "tlsClientExtensionsSha1": tls_fields.extensions_sha1(tls).decode("ascii"),
        "tlsClientExtensionsSha1Le": tls_fields.extensions_sha1_le(tls).decode("ascii"),
    }


def _bot_management(facts: Facts, bots: BotManagement) -> dict[str, Any]:
    tls = facts.client.tls
    verified = bots.verified_bot
    return {
        "score": bots.score.value,
        "verifiedBot": verified is not None,
        "corporateProxy": bots.corporate_proxy,
        "staticResource": facts.static_resource,
        "signedAgent": verified is not None and verified.signed_agent,
        "ja3Hash": tls.ja3 if tls is not None else "",
        "ja4": tls.ja4 if tls is not None else "",
        **_signals(facts),
        "jsDetection": {"passed": bots.js_passed is True},
        "detectionIds": [each.id for finding in bots.score.findings for each in finding.detections],
    }


def _signals(facts: Facts) -> dict[str, Any]:
    signals = facts.profile.signals if facts.profile is not None else None
    named: dict[str, float] = {} if signals is None else signals._asdict()
    parsed: dict[str, dict[str, float]] = {"ratios": {}, "ranks": {}, "quantiles": {}}
    for name, value in named.items():
        kind = name.split("_")[1] + "s"
        parsed[kind][name] = value
    return {"ja4Signals": named, "jaSignalsParsed": parsed}


def _place(place: Place) -> dict[str, Any]:
    named = {
        "asn": place.asn,
        "country": place.country,
        "isEUCountry": "1" if place.is_eu else None,
        "continent": place.continent,
        "city": place.city,
        "region": place.region,
        "regionCode": place.region_code,
        "postalCode": place.postal_code,
        "metroCode": place.metro_code,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "timezone": place.timezone,
    }
    return {name: value for name, value in named.items() if value is not None}
