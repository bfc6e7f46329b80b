"""Who is at the other end of a client connection, told once a connection; and who calls, told once a request."""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from botproxy.addresses import NetworkSet, client_address, parse_address
from botproxy.model import Address, Client, Headers, Tls
from botproxy.proxy.arrivals import Arrival
from botproxy.proxy.vouched import NOTHING, Vouched, vouched

_NOWHERE: Final = IPv4Address(0)


class Peer(NamedTuple):
    """The other end of a connection. `client` is the peer itself, as long as nobody vouches for another address."""

    address: Address
    client: Client
    secure: bool
    trusted: bool  # listed: its X-Forwarded-For counts
    vouches: bool = False  # listed, or named by one that is: what it says of a visitor's TLS counts


NOBODY: Final = Peer(_NOWHERE, Client(_NOWHERE, str(_NOWHERE), 0, str(_NOWHERE)), False, False)
"""Before a connection is made."""


def identify(transport: asyncio.Transport, listed: NetworkSet, arrival: Arrival | None = None) -> Peer:
    """The peer of a connection that was just made; `arrival` is what was learnt of it before."""
    connection = transport.get_extra_info("ssl_object")
    tls: Tls | None = None
    if isinstance(connection, ssl.SSLObject):
        cipher = connection.cipher()
        tls = Tls(connection.version() or "", cipher[0] if cipher is not None else "")
    here, here_port = _our_end(transport)
    if arrival is not None:
        told = arrival.tls
        if told is not None:
            tls = told if tls is None else told._replace(version=tls.version, cipher=tls.cipher)
        address, port = arrival.address, arrival.port
        text = str(address)
        peer = text if arrival.peer is address else str(arrival.peer)
        trusted = address in listed
        vouches = trusted or (address is not arrival.peer and arrival.peer in listed)
        client = Client(address, text, port, peer, tls, None, 0, here, here_port)
        return Peer(address, client, tls is not None, trusted, vouches)
    address = _NOWHERE
    port = 0
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple) and len(name) >= 2:
        address = parse_address(str(name[0]).partition("%")[0]) or _NOWHERE
        port = int(name[1])
    text = str(address)
    trusted = address in listed
    client = Client(address, text, port, text, tls, None, 0, here, here_port)
    return Peer(address, client, tls is not None, trusted, trusted)


def _our_end(transport: asyncio.Transport) -> tuple[Address | None, int]:
    name = transport.get_extra_info("sockname")
    if isinstance(name, tuple) and len(name) >= 2:
        return parse_address(str(name[0]).partition("%")[0]), int(name[1])
    return None, 0


def visitor(peer: Peer, headers: Headers, listed: NetworkSet, hops: int) -> tuple[Client, bool]:
    """Who calls, and whether over https; headers count only when the peer is listed."""
    client = peer.client
    if not peer.vouches:
        return client, peer.secure
    said = vouched(headers)
    if not peer.trusted:
        return _told(client, said, client.tls), peer.secure
    index = headers.index
    found = client_address(
        peer.address,
        index.get(b"x-forwarded-for", ()),
        index.get(b"x-forwarded-proto", ()),
        listed,
        hops,
        peer.secure,
    )
    # What is known of a peer's own connection says nothing of the visitor behind it.
    itself = found.address == client.address
    tls = client.tls if itself else None
    http2 = client.http2 if itself else ""
    here, here_port = client.here, client.here_port
    client = Client(found.address, found.text, client.port, client.peer, tls, None, 0, here, here_port, http2)
    return (client if said is NOTHING else _told(client, said, tls)), found.secure


def _told(client: Client, said: Vouched, tls: Tls | None) -> Client:
    """The client, with what a listed peer said of it."""
    if said.ja3 or said.ja4:
        known = Tls("", "") if tls is None else tls
        tls = known._replace(ja3=said.ja3 or known.ja3, ja4=said.ja4 or known.ja4)
    return client._replace(tls=tls, peer_bot_score=said.bot_score)
