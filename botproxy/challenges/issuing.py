"""The answer to a challenged request."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final, NamedTuple

import orjson

from botproxy.challenges.page import render
from botproxy.challenges.pages import Pages
from botproxy.challenges.paths import PREFIX
from botproxy.challenges.replay import bound, read_form, sealed_payload
from botproxy.challenges.settings import Settings
from botproxy.challenges.ticket import NONCE_BYTES, Strictness
from botproxy.challenges.tickets import NOBODY, Known, new_ticket
from botproxy.cookies import Sealer
from botproxy.model import ClearanceLevel, Client, Headers, Request

_COMMON: Final = (
    (b"cf-mitigated", b"challenge"),
    (b"cache-control", b"private, max-age=0, no-store, no-cache, must-revalidate, post-check=0, pre-check=0"),
    (b"expires", b"Thu, 01 Jan 1970 00:00:01 GMT"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_REPEATABLE: Final = (b"GET", b"HEAD")

_PAGES: Final = Pages()
_ORIGIN: Final = re.compile(rb"(?:null|[a-z][a-z0-9+.-]*://[!-~]+)\Z")


class Answer(NamedTuple):
    """A whole answer of our own; the caller adds Date, Content-Length, Connection and Cf-Ray."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def issue(
    *,
    settings: Settings,
    sealer: Sealer,
    randomness: Callable[[int], bytes],
    now: float,
    zone: str,
    level: ClearanceLevel,
    request: Request,
    client: Client,
    navigation: bool,
    bind_address: Strictness = "exact",
    prefix: str = PREFIX,
    pages: Pages = _PAGES,
    rule: str = "",
    known: Known = NOBODY,
    replay: Sealer | None = None,
    form: tuple[str, bytes] | None = None,
    plain: Sealer | None = None,
) -> Answer:
    """403 with `cf-mitigated: challenge`: the page for a navigation, JSON for what cannot run a page.

    `rule` is the id of the rule that asked, `known` what is known of the visitor. `randomness(n)` gives n unpredictable
    bytes, `now` is seconds since the epoch. Accept-CH and Critical-CH, which the original sends here, are left out: no
    engine reads those hints, Critical-CH costs each new visitor one more request, and the origin would be sent them
    from then on. Cross-Origin-Opener-Policy is left out as well: it would cut a sign-in window off from the page that
    opened it, for good. `form` is the type and the body of a form that is to be sent again, sealed by `replay`.
    `plain` seals the ticket of a form for who has no JavaScript, in zones that allow it.
    """
    if not navigation:
        headers = (*_COMMON, (b"content-type", b"application/json"), *readable(request.headers))
        return Answer(403, headers, _refusal(request.ray))
    ticket = new_ticket(
        settings=settings,
        randomness=randomness,
        now=now,
        zone=zone,
        level=level,
        request=request,
        client=client,
        strictness=bind_address,
        rule=rule,
        known=known,
    )
    token = sealer.seal(ticket.encode())
    kept = ""
    if form is not None and replay is not None and read_form(*form) is not None:
        kept = replay.seal(sealed_payload(*form), bound(ticket))
    open_to_all = ""
    if plain is not None and level is ClearanceLevel.JS and request.method in _REPEATABLE:
        token_of_form = ticket._replace(level=ClearanceLevel.NO_JS, nonce=randomness(NONCE_BYTES))
        open_to_all = plain.seal(token_of_form.encode())
    nonce = b64encode(randomness(18)).decode("ascii")
    body = render(
        ticket,
        token,
        host=request.host,
        pages=pages,
        words=pages.words(request.headers),
        nonce=nonce,
        repeatable=request.method in _REPEATABLE,
        replay=kept,
        plain=open_to_all,
        now=now,
        prefix=prefix,
    )
    policy = pages.policy(nonce)
    if open_to_all:
        policy = policy.replace(b"img-src data:", b"img-src 'self' data:")
    headers = (
        *_COMMON,
        (b"content-type", b"text/html; charset=UTF-8"),
        (b"content-security-policy", policy),
    )
    return Answer(403, headers, body)


def readable(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Headers of a refusal by which a script of another origin, if one asked, may read it (Fetch, "CORS protocol").

    There is nothing in it that its reader does not know, and without them scripts see a network error.
    """
    origin = headers.first(b"origin")
    if origin is None or len(origin) > 300 or not _ORIGIN.match(origin):
        return ()
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"cf-mitigated, cf-ray, retry-after"),
        (b"vary", b"Origin"),
    )


def _refusal(ray: str) -> bytes:
    return orjson.dumps(
        {
            "error": {
                "status": 403,
                "title": "Challenge required",
                "message": "A browser has to pass a challenge first: open a page of this site in it, then ask again.",
                "ray": ray,
            }
        }
    )
