"""All fields, by name, type and reader: one table to look things up in (reference sections 2.1 to 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.model import BotManagement, Cloud, Facts, Place
from botproxy.rules import derived, tls_fields, user_agent
from botproxy.rules.absent_fields import ABSENT
from botproxy.rules.body_fields import BODY_FIELDS
from botproxy.rules.bot_fields import BOT_FIELDS
from botproxy.rules.caller_fields import CALLER_FIELDS, HEADER_FIELDS
from botproxy.rules.certificate_fields import CERTIFICATE_FIELDS
from botproxy.rules.derived import header, remembered, remembered_with_headers
from botproxy.rules.response_fields import RESPONSE_FIELDS
from botproxy.rules.scheme import FieldSpec, Scheme, missing
from botproxy.rules.tls_client import tls_client_fields
from botproxy.rules.types import ARRAY_BYTES, ARRAY_INT, BOOL, BYTES, INT, IP, MAP_ARRAY_BYTES, Reader, Type
from botproxy.tls import KnownClients, shipped_clients


def _bots(read: Callable[[BotManagement], Any]) -> Reader:
    def from_bots(facts: Facts) -> Any:
        bots = facts.bot_management
        return None if bots is None else read(bots)

    return from_bots


def _place(read: Callable[[Place], Any]) -> Reader:
    def from_place(facts: Facts) -> Any:
        place = facts.client.place
        value = None if place is None else read(place)
        return value.encode("utf-8", "replace") if isinstance(value, str) else value

    return from_place


def _cloud(read: Callable[[Cloud], Any]) -> Reader:
    def from_cloud(facts: Facts) -> Any:
        cloud = facts.client.cloud
        return None if cloud is None else read(cloud)

    return from_cloud


def _tls(read: Callable[[Any], Any]) -> Reader:
    def from_tls(facts: Facts) -> Any:
        tls = facts.client.tls
        value = None if tls is None else read(tls)
        if isinstance(value, str):
            value = value.encode("utf-8", "replace")
        return value or None

    return from_tls


def _constant(value: Any) -> Reader:
    return lambda facts: value


def _js_detection(bots: BotManagement) -> bool | None:
    return bots.js_passed


def _detections(bots: BotManagement) -> list[int]:
    return [detection.id for finding in bots.score.findings for detection in finding.detections]


_args = remembered("args", lambda facts: derived.arguments(facts.request.query or b""))
_args_map = remembered("args.map", lambda facts: derived.grouped(_args(facts)))
_uri = remembered("uri", derived.uri)
_raw = remembered("raw", derived.raw_target)
_raw_args = remembered("raw.args", lambda facts: derived.arguments(_raw(facts).partition(b"?")[2]))
_raw_map = remembered("raw.args.map", lambda facts: derived.grouped(_raw_args(facts)))
_cookies = remembered_with_headers("cookies", derived.cookies)
_languages = remembered_with_headers("languages", derived.languages)
_order = remembered_with_headers("order", derived.header_order)


def _names(pairs: Reader) -> Reader:
    return lambda facts: [name for name, _ in pairs(facts)]


def _values(pairs: Reader) -> Reader:
    return lambda facts: [value for _, value in pairs(facts)]


def _items(facts: Facts) -> Any:
    return facts.request.headers.items


_Row = tuple[str, Type, Reader]

_BOTS: Final[tuple[_Row, ...]] = (
    ("cf.bot_management.score", INT, _bots(lambda bots: bots.score.value)),
    ("cf.bot_management.verified_bot", BOOL, _bots(lambda bots: bots.verified_bot is not None)),
    ("cf.client.bot", BOOL, _bots(lambda bots: bots.verified_bot is not None)),
    (
        "cf.verified_bot_category",
        BYTES,
        _bots(lambda bots: bots.verified_bot.category.encode("utf-8", "replace") if bots.verified_bot else b""),
    ),
    ("cf.bot_management.static_resource", BOOL, lambda facts: facts.static_resource),
    ("cf.bot_management.ja3_hash", BYTES, _tls(lambda tls: tls.ja3)),
    ("cf.bot_management.ja4", BYTES, _tls(lambda tls: tls.ja4)),
    ("cf.bot_management.js_detection.passed", BOOL, _bots(_js_detection)),
    ("cf.bot_management.detection_ids", ARRAY_INT, _bots(_detections)),
    ("cf.bot_management.corporate_proxy", BOOL, _bots(lambda bots: bots.corporate_proxy)),
    (
        "cf.bot_management.signed_agent",
        BOOL,
        _bots(lambda bots: bots.verified_bot is not None and bots.verified_bot.signed_agent),
    ),
)

_REQUEST: Final[tuple[_Row, ...]] = (
    ("http.host", BYTES, lambda facts: facts.request.host.encode("utf-8", "replace")),
    ("http.request.method", BYTES, lambda facts: facts.request.method),
    ("http.request.version", BYTES, lambda facts: facts.request.version.encode()),
    ("http.request.full_uri", BYTES, derived.full_uri),
    ("http.request.uri", BYTES, _uri),
    ("http.request.uri.path", BYTES, lambda facts: facts.request.path),
    ("http.request.uri.path.extension", BYTES, lambda facts: derived.extension(facts.request.path)),
    ("http.request.uri.query", BYTES, lambda facts: facts.request.query or b""),
    ("http.request.uri.args", MAP_ARRAY_BYTES, _args_map),
    ("http.request.uri.args.names", ARRAY_BYTES, _names(_args)),
    ("http.request.uri.args.values", ARRAY_BYTES, _values(_args)),
    ("http.request.headers.truncated", BOOL, _constant(False)),
    ("http.request.timestamp.sec", INT, lambda facts: int(facts.request.received)),
    ("http.request.timestamp.msec", INT, lambda facts: int(facts.request.received * 1000) % 1000),
    ("raw.http.request.full_uri", BYTES, derived.raw_full_uri),
    ("raw.http.request.uri", BYTES, _raw),
    ("raw.http.request.uri.path", BYTES, lambda facts: _raw(facts).partition(b"?")[0]),
    (
        "raw.http.request.uri.path.extension",
        BYTES,
        lambda facts: derived.extension(_raw(facts).partition(b"?")[0]),
    ),
    ("raw.http.request.uri.query", BYTES, lambda facts: _raw(facts).partition(b"?")[2]),
    ("raw.http.request.uri.args", MAP_ARRAY_BYTES, _raw_map),
    ("raw.http.request.uri.args.names", ARRAY_BYTES, _names(_raw_args)),
    ("raw.http.request.uri.args.values", ARRAY_BYTES, _values(_raw_args)),
    ("ssl", BOOL, lambda facts: facts.request.secure),
)

_HEADERS: Final[tuple[_Row, ...]] = (
    ("http.cookie", BYTES, header(b"cookie", b"; ")),
    ("http.referer", BYTES, header(b"referer")),
    ("http.user_agent", BYTES, header(b"user-agent")),
    ("http.x_forwarded_for", BYTES, header(b"x-forwarded-for")),
    ("http.request.headers", MAP_ARRAY_BYTES, lambda facts: facts.request.headers.index),
    ("http.request.headers.names", ARRAY_BYTES, _names(_items)),
    ("http.request.headers.values", ARRAY_BYTES, _values(_items)),
    ("http.request.cookies", MAP_ARRAY_BYTES, _cookies),
    ("http.request.accepted_languages", ARRAY_BYTES, _languages),
)

_EDGE: Final[tuple[_Row, ...]] = (
    ("ip.src", IP, lambda facts: facts.client.address),
    ("ip.src.asnum", INT, _place(lambda place: place.asn)),
    ("ip.src.country", BYTES, _place(lambda place: place.country)),
    ("ip.src.continent", BYTES, _place(lambda place: place.continent)),
    ("ip.src.city", BYTES, _place(lambda place: place.city)),
    ("ip.src.region", BYTES, _place(lambda place: place.region)),
    ("ip.src.region_code", BYTES, _place(lambda place: place.region_code)),
    ("ip.src.postal_code", BYTES, _place(lambda place: place.postal_code)),
    ("ip.src.metro_code", BYTES, _place(lambda place: place.metro_code)),
    ("ip.src.lat", BYTES, _place(lambda place: place.latitude)),
    ("ip.src.lon", BYTES, _place(lambda place: place.longitude)),
    ("ip.src.timezone.name", BYTES, _place(lambda place: place.timezone)),
    ("ip.src.subdivision_1_iso_code", BYTES, _place(lambda place: place.subdivision_1)),
    ("ip.src.subdivision_2_iso_code", BYTES, _place(lambda place: place.subdivision_2)),
    ("ip.src.is_in_european_union", BOOL, _place(lambda place: place.is_eu)),
    ("botproxy.cloud", BYTES, _cloud(lambda cloud: cloud.provider.encode("ascii"))),
    ("botproxy.http2", BYTES, lambda facts: facts.client.http2.encode("ascii") or None),
    ("botproxy.hosting", BOOL, _cloud(lambda cloud: cloud.hosting)),
    ("cf.random_seed", BYTES, remembered("seed", derived.random_seed)),
    ("cf.ray_id", BYTES, lambda facts: facts.request.ray.encode()),
    ("cf.threat_score", INT, _constant(0)),
    ("cf.edge.client_tcp", BOOL, _constant(True)),
    ("cf.edge.server_ip", IP, lambda facts: facts.client.here),
    ("cf.edge.server_port", INT, lambda facts: facts.client.here_port or None),
    ("cf.worker.upstream_zone", BYTES, _constant(b"")),
    ("cf.zone.name", BYTES, lambda facts: facts.zone.encode("utf-8", "replace")),
    ("cf.zone.plan", BYTES, _constant(b"ENT")),
    ("cf.tls_version", BYTES, _tls(lambda tls: tls.version)),
    ("cf.tls_cipher", BYTES, _tls(lambda tls: tls.cipher)),
    ("cf.tls_client_hello_length", INT, _tls(lambda tls: tls.hello_length)),
    ("cf.tls_client_random", BYTES, _tls(tls_fields.client_random)),
    ("cf.tls_ciphers_sha1", BYTES, _tls(tls_fields.ciphers_sha1)),
    ("cf.tls_client_extensions_sha1", BYTES, _tls(tls_fields.extensions_sha1)),
    ("cf.tls_client_extensions_sha1_le", BYTES, _tls(tls_fields.extensions_sha1_le)),
)

_FINGERPRINT: Final[tuple[_Row, ...]] = (
    ("botproxy.header_order", BYTES, _order),
    ("botproxy.browser", BYTES, user_agent.browser),
    ("botproxy.browser_major", INT, user_agent.major),
    ("botproxy.platform", BYTES, user_agent.platform),
)

_REPEATS: Final = ("http.user_agent", "http.request.accepted_languages")

_DEPRECATED: Final = {
    f"ip.geoip.{name}": f"ip.src.{name}"
    for name in (
        "asnum",
        "continent",
        "country",
        "subdivision_1_iso_code",
        "subdivision_2_iso_code",
        "is_in_european_union",
    )
}


def _table() -> dict[str, FieldSpec]:
    table = {name: FieldSpec(name, type_, missing) for name, type_ in ABSENT}
    for name, type_, value in CERTIFICATE_FIELDS:
        table[name] = FieldSpec(name, type_, _constant(value))
    for name, type_, read in (*_BOTS, *BOT_FIELDS, *CALLER_FIELDS, *_REQUEST, *BODY_FIELDS, *_EDGE, *RESPONSE_FIELDS):
        table[name] = FieldSpec(name, type_, read)
    for name, type_, read in HEADER_FIELDS:
        table[name] = FieldSpec(name, type_, read)
    for name, type_, read in _HEADERS:
        table[name] = FieldSpec(name, type_, read, headers_only=True, repeats=name in _REPEATS)
    table["ssl"] = table["ssl"]._replace(repeats=True)
    for old, new in _DEPRECATED.items():
        table[old] = table[new]
    return table


FIELDS: Final = Scheme(_table())
"""The fields that rules may use."""


def fingerprint_fields(known: KnownClients) -> Scheme:
    """The same and those of our own, for fingerprints of clients; `known` are clients by their TLS."""
    return Scheme(
        {
            **FIELDS.fields,
            **{name: FieldSpec(name, type_, read, True, repeats=True) for name, type_, read in _FINGERPRINT},
            **{name: FieldSpec(name, type_, read) for name, type_, read in tls_client_fields(known)},
        }
    )


FINGERPRINT_FIELDS: Final = fingerprint_fields(shipped_clients())
"""With the clients that are known without a file of the operator."""
