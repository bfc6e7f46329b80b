"""What all connections of one worker share: settings, clock, counts, the receive buffer, and whom to call."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from botproxy.addresses import NetworkSet, holder
from botproxy.challenges import Pages
from botproxy.errors import ClientError
from botproxy.model import Address
from botproxy.proxy.blocks import RequestReader
from botproxy.proxy.deadlines import Deadlines
from botproxy.proxy.http2.fields import ResponseFields
from botproxy.proxy.outbox import Outbox
from botproxy.proxy.peek import HeldBodies
from botproxy.proxy.peers import Peer
from botproxy.proxy.records import Refusal
from botproxy.proxy.responses import ResponseReader
from botproxy.proxy.settings import Limits, Timeouts
from botproxy.proxy.vouched import VouchedHeaders

if TYPE_CHECKING:
    from botproxy.proxy.client_end import ClientEnd
    from botproxy.proxy.exchange import Exchange

Handler = Callable[["Exchange"], None]

_LOGGER: Final = logging.getLogger("botproxy.proxy")

RECEIVE_SIZE: Final = 64 * 1024
RECEIVED: Final = memoryview(bytearray(RECEIVE_SIZE))
"""Every read of this process lands here and is taken out before the next one, so that waiting connections hold no
memory and large reads need no new one."""

HIGH_WATER: Final = 128 * 1024
LOW_WATER: Final = 32 * 1024
"""Bytes waiting to be written on one connection at which its source is stopped, and started again."""


class Counts:
    """Numbers since the worker started, and how much is going on now. Written by the connections alone."""

    __slots__ = (
        "accepted",
        "connections",
        "handler_errors",
        "http2_broken",
        "http2_connections",
        "http2_floods",
        "refused",
        "requests",
        "requests_now",
        "retried",
        "upstream_opened",
        "upstream_reused",
    )

    def __init__(self) -> None:
        self.accepted = 0
        self.connections = 0
        self.handler_errors = 0
        self.http2_broken = 0  # connections ended for a fault of the client's
        self.http2_connections = 0
        self.http2_floods: Final[dict[str, int]] = {}  # those that sent too much of something, by what it was
        self.refused = 0
        self.requests = 0
        self.requests_now = 0
        self.retried = 0
        self.upstream_opened = 0
        self.upstream_reused = 0


def _nobody(exchange: Exchange) -> None:
    exchange.refuse(503, "no handler")


def _ignore(refusal: Refusal) -> None:
    return


_PLAIN: Final = Pages()


def _plain(host: str) -> Pages:
    return _PLAIN


class Wire:
    """One a worker; made first, then pools and the `Server` are made with it.

    `location` is the label at the end of Cf-Ray; `trusted` and `hops` say whose X-Forwarded-For counts,
    `vouched` what else such peers say.
    """

    __slots__ = (
        "_date",
        "_date_second",
        "_last_logged",
        "addresses",
        "counts",
        "deadlines",
        "draining",
        "ended",
        "fields",
        "fronts",
        "handler",
        "held",
        "hops",
        "limits",
        "location",
        "on_refused",
        "outbox",
        "pages",
        "requests",
        "responses",
        "timeouts",
        "trusted",
        "watch_period",
    )

    def __init__(
        self,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        location: str = "BOT",
        trusted: NetworkSet | None = None,
        hops: int = 1,
        vouched: VouchedHeaders | None = None,
    ) -> None:
        self.handler: Handler = _nobody
        self.on_refused: Callable[[Refusal], None] = _ignore
        self.pages: Callable[[str], Pages] = _plain  # of the site that has this host
        self.limits: Final = limits or Limits()
        self.timeouts: Final = timeouts or Timeouts()
        self.location: Final = b"-" + location.encode("ascii")
        self.trusted: Final = trusted or NetworkSet()
        self.hops: Final = hops
        self.deadlines: Final = Deadlines()
        self.requests: Final = RequestReader(self.limits.header_count, vouched)
        self.responses: Final = ResponseReader()
        self.fields: Final = ResponseFields()
        self.counts: Final = Counts()
        self.held: Final = HeldBodies(self.limits.rule_bodies)
        self.outbox: Final = Outbox(self.failed)
        self.addresses: Final[dict[Address | int, int]] = {}  # connections by holder; no more than connections
        self.fronts: Final[set[ClientEnd]] = set()
        self.draining = False
        self.ended: asyncio.Event | None = None
        slowest = self.timeouts
        # How often a running exchange is looked at: four times within the shortest of its timeouts.
        self.watch_period: Final = 0.25 * min(
            slowest.body, slowest.send, slowest.response, slowest.origin_silence, slowest.tunnel_silence
        )
        self._date = b""
        self._date_second = 0
        self._last_logged = float("-inf")

    def enter(self, front: ClientEnd, peer: Peer) -> ClientError | None:
        """Count a connection in; what it is refused for, if it is one too many."""
        counts = self.counts
        limits = self.limits
        counts.accepted += 1
        counts.connections += 1
        self.fronts.add(front)
        name = holder(peer.address)
        here = self.addresses.get(name, 0) + 1
        self.addresses[name] = here
        if counts.connections > limits.connections:
            return ClientError(503, "Service unavailable", "connections are at their limit")
        if here > limits.connections_per_address and not peer.trusted:
            return ClientError(503, "Service unavailable", "connections of this address are at their limit")
        return None

    def leave(self, front: ClientEnd, peer: Peer) -> None:
        """Count a connection out."""
        self.counts.connections -= 1
        self.fronts.discard(front)
        name = holder(peer.address)
        left = self.addresses.get(name, 1) - 1
        if left:
            self.addresses[name] = left
        else:
            self.addresses.pop(name, None)
        if self.draining:
            self.drained()

    def start_draining(self) -> asyncio.Event:
        """From now on every answer says `Connection: close`; the event is set once no connection is left."""
        self.draining = True
        self.ended = asyncio.Event()
        self.drained()
        return self.ended

    def drained(self) -> None:
        """A connection ended while draining."""
        if self.ended is not None and not self.fronts:
            self.ended.set()

    def date(self) -> bytes:
        """The Date header's value, made once a second."""
        second = int(time.time())
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second, usegmt=True).encode("ascii")
        return self._date

    def failed(self, what: str) -> None:
        """Count an exception that is being handled; the log gets one a second at most."""
        self.counts.handler_errors += 1
        now = time.monotonic()
        if now - self._last_logged >= 1.0:
            self._last_logged = now
            _LOGGER.exception("%s failed (%d so far)", what, self.counts.handler_errors)
