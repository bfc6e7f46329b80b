"""Whether an exchange still gets on: looked at now and then, so that a byte that arrives costs no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botproxy.errors import ClientError
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.wire import Wire

if TYPE_CHECKING:
    from botproxy.proxy.exchange import Exchange
    from botproxy.proxy.responder import Responder


def watch(wire: Wire, front: Responder, exchange: Exchange, now: float) -> float:
    """End what does not get on; the time at which to look again otherwise."""
    if not front.alive:
        return NEVER
    timeouts = wire.timeouts
    unread = front.unread
    _mark(wire, front, exchange, exchange.sent - unread, now)
    quiet = now - exchange.marked_at
    relay = exchange.relay

    if relay is not None and relay.tunnelling:
        if relay.leaving or quiet >= timeouts.tunnel_silence:
            exchange.client_left("tunnel ended by us" if relay.leaving else "tunnel without traffic")
        elif unread and quiet >= timeouts.send:
            exchange.client_left("client does not read")
            front.give_up_writing()
    elif unread and quiet >= timeouts.send:
        exchange.client_left("client does not read")
        front.give_up_writing()
    elif front.body_wanted:
        if quiet >= timeouts.body or (exchange.slow_since and now - exchange.slow_since >= timeouts.body):
            exchange.refuse_body(ClientError(408, "Request timeout", "request body arrives too slowly"))
    elif relay is None or unread:
        pass
    elif relay.awaiting_head:
        if now - max(relay.asked_at, exchange.marked_at) >= timeouts.response:
            relay.late(f"no response head within {timeouts.response:g} s")
    elif relay.answered_at and quiet >= timeouts.origin_silence:
        relay.late(f"silent for {timeouts.origin_silence:g} s midway")
    return now + wire.watch_period


def _mark(wire: Wire, front: Responder, exchange: Exchange, delivered: int, now: float) -> None:
    """Take note of what has moved since the last look."""
    received = front.body_received
    gained = received - exchange.marked_in
    if not front.body_wanted or gained >= wire.timeouts.body_rate * wire.watch_period:
        exchange.slow_since = 0.0
    elif not exchange.slow_since:
        exchange.slow_since = now - wire.watch_period
    if gained or delivered != exchange.marked_out:
        exchange.marked_at = now
        exchange.marked_in = received
        exchange.marked_out = delivered
