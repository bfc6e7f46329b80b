"""The way through a challenge without JavaScript, where a zone allows it: a picture, a wait, a form.

The page of a JavaScript challenge loads a picture of ours, which leaves a sealed cookie, and goes on to a form after a
few seconds. Who comes there in time with the cookie, and sends the form, gets a clearance of the level NO_JS, which
passes a JavaScript challenge in zones that allow this, and nothing else. It keeps out what fetches pages alone, and is
worth no more than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, final

from botproxy.challenges import Pages
from botproxy.challenges.page import plain_form
from botproxy.challenges.refusal_page import message_page
from botproxy.challenges.ticket import Ticket, agent, decode
from botproxy.cookies import Jar, Sealer, home, read_cookie, set_cookie, with_level
from botproxy.model import ClearanceLevel
from botproxy.pipeline import Solved
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.same_origin import same_origin

WAIT: Final = 3.0
"""Seconds between the page and the form, by our clock; the page asks for one more."""

COOKIE: Final = b"cf_chl_rc_ni"
PIXEL: Final = b"pixel/"
_GIF: Final = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b")
_NEVER_CACHED: Final = ((b"Cache-Control", b"private, no-store"), (b"X-Content-Type-Options", b"nosniff"))

Burn = Callable[[Ticket, float], Awaitable[tuple[float, int]]]
"""Burns a ticket for so many seconds; for how long a clearance may count, 0 for none, and on which node alone."""


@final
class PlainRoutes:
    """The paths of one zone. `burn` bounds what waits."""

    def __init__(self, *, zone: str, sealer: Sealer, proof: Sealer, jar: Jar, pages: Pages) -> None:
        """`sealer` seals the tickets of these forms, `proof` the cookie."""
        self._zone: Final = zone
        self._sealer: Final = sealer
        self._proof: Final = proof
        self._jar: Final = jar
        self._pages: Final = pages
        self._waiting: Final[set[asyncio.Task[None]]] = set()

    def handle(
        self, exchange: Exchange, rest: bytes, burn: Burn, on_solved: Callable[[Solved], object], most: int
    ) -> str:
        """Answer a request for `rest` of our path; the word for metrics when it fails at once, else ""."""
        request = exchange.request
        pixel = rest.startswith(PIXEL)
        ticket = self._ticket(exchange, rest[len(PIXEL) :] if pixel else rest)
        if ticket is None:
            return self._refuse(exchange, "forged")
        if pixel:
            text = self._proof.seal(ticket.nonce)
            cookie = set_cookie(COOKIE, text, secure=request.secure, max_age=300, partitioned=True)
            exchange.respond(200, (*_NEVER_CACHED, (b"Content-Type", b"image/gif"), (b"Set-Cookie", cookie)), _GIF)
            return ""
        if not any(self._proof.open(text) == ticket.nonce for text in read_cookie(request.headers, COOKIE)):
            return self._refuse(exchange, "unproven")
        if request.received * 1000 < ticket.issued + WAIT * 1000:
            return self._refuse(exchange, "early")
        if request.method in (b"GET", b"HEAD"):
            page = plain_form(
                self._pages,
                self._pages.words(request.headers),
                host=request.host,
                ray=request.ray,
                action=request.path.decode("ascii"),
            )
            self._page(exchange, 200, page)
            return ""
        index = request.headers.index
        # Text browsers say nothing of where a form comes from; the token does.
        silent = b"origin" not in index and b"sec-fetch-site" not in index
        if request.method != b"POST" or not (silent or same_origin(request)):
            return self._refuse(exchange, "malformed")
        if len(self._waiting) >= most:
            return self._refuse(exchange, "busy")
        task = asyncio.get_running_loop().create_task(self._take(exchange, ticket, burn, on_solved))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return ""

    async def _take(
        self, exchange: Exchange, ticket: Ticket, burn: Burn, on_solved: Callable[[Solved], object]
    ) -> None:
        request = exchange.request
        now = request.received
        lifetime, node = await burn(ticket, ticket.expires / 1000 - now + 60)
        if lifetime <= 0:
            self._refuse(exchange, "used")
            return
        address = exchange.client.address
        held = self._jar.clearance(request.headers, address, now)
        clearance = with_level(held, ClearanceLevel.NO_JS, now + lifetime, ticket.ray, now, node)
        cookie = self._jar.clearance_cookie(clearance, request.headers, address, now, request.secure)
        on_solved(Solved("jschallengeSolved", ticket.ray, ticket.rule))
        where = (ticket.destination or "/").encode("ascii")
        exchange.respond(303, (*_NEVER_CACHED, (b"Location", where), (b"Set-Cookie", cookie)), b"")

    def _ticket(self, exchange: Exchange, text: bytes) -> Ticket | None:
        payload = self._sealer.open(text)
        ticket = None if payload is None else decode(payload)
        request = exchange.request
        moment = int(request.received * 1000)
        if (
            ticket is None
            or ticket.zone != self._zone
            or ticket.level is not ClearanceLevel.NO_JS
            or moment >= ticket.expires
            or ticket.agent != agent(request.headers)
        ):
            return None
        here = home(exchange.client.address, ticket.strictness)
        return ticket if not here or here in ticket.homes else None

    def _refuse(self, exchange: Exchange, why: str) -> str:
        request = exchange.request
        words = self._pages.words(request.headers)
        sentence = words.cookies if why == "unproven" else words.failed
        page = message_page(
            self._pages, words, status=403, heading=words.heading, sentence=sentence, ray=request.ray, host=request.host
        )
        self._page(exchange, 403, page)
        return why

    def _page(self, exchange: Exchange, status: int, page: bytes) -> None:
        headers = (
            *_NEVER_CACHED,
            (b"Content-Type", b"text/html; charset=utf-8"),
            (b"Content-Security-Policy", self._pages.policy()),
            (b"Referrer-Policy", b"same-origin"),
        )
        exchange.respond(status, headers, page)
