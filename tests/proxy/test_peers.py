"""What is told of a connection: both of its ends."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest

from botproxy.addresses import NetworkSet
from botproxy.model import Headers
from botproxy.proxy.peers import identify, visitor


class Connection(asyncio.Transport):
    """A transport that knows its ends and nothing else."""


@pytest.mark.parametrize(
    ("name", "here", "port"),
    [
        (("192.0.2.80", 8443), ip_address("192.0.2.80"), 8443),
        (("::ffff:192.0.2.80", 80, 0, 0), ip_address("192.0.2.80"), 80),
        (("fe80::1%eth0", 80, 0, 2), ip_address("fe80::1"), 80),
        ("/run/socket", None, 0),
        (None, None, 0),
    ],
)
def test_our_end_of_a_connection_is_known_and_stays_with_a_forwarded_visitor(
    name: object, here: object, port: int
) -> None:
    listed = NetworkSet([ip_network("10.0.0.0/8")])
    transport = Connection(extra={"peername": ("10.0.0.9", 4000), "sockname": name})
    peer = identify(transport, listed)
    assert (peer.client.here, peer.client.here_port) == (here, port)
    client, _ = visitor(peer, Headers(((b"X-Forwarded-For", b"203.0.113.7"),)), listed, 1)
    assert client.text == "203.0.113.7"
    assert (client.here, client.here_port) == (here, port)
