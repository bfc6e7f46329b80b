"""What is known of a connection before its protocol begins."""

from __future__ import annotations

from typing import NamedTuple

from botproxy.model import Address, Tls


class Arrival(NamedTuple):
    """Learnt while a connection was taken in. Its visitor is the peer, unless a listed load balancer named another."""

    peer: Address  # at the other end of the connection itself
    peer_port: int
    address: Address  # of the visitor
    port: int
    tls: Tls | None  # None without TLS; version and cipher are empty when it is our handshake that tells them
    alpn: str = ""  # what a load balancer agreed on with the visitor
