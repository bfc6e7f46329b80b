"""Where to listen: the text an operator writes, read and bound."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

BACKLOG = 4096
"""Connections the kernel keeps for us until a worker takes them; it cuts this to net.core.somaxconn."""

_PORT = re.compile(r"[0-9]{1,5}\Z", re.ASCII)


class Endpoint(NamedTuple):
    """A TCP address to listen on. An empty host is every address of the machine; IPv6 is without brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoint(text: str) -> Endpoint:
    """Read `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `*:PORT`; ValueError says what would be right."""
    host, colon, port = text.rpartition(":")
    if not colon or _PORT.match(port) is None or int(port) > 65535:
        raise ValueError(f"{text!r}: write HOST:PORT, [IPV6]:PORT or :PORT, with a port up to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            IPv6Address(host)
        except ValueError:
            raise ValueError(f"{text!r}: what stands in brackets is not an IPv6 address") from None
    elif ":" in host:
        raise ValueError(f"{text!r}: an IPv6 address is written in brackets, as in [::1]:8080")
    elif host == "*":
        host = ""
    elif any(character in host for character in "/@ ?#"):
        raise ValueError(f"{text!r}: write HOST:PORT, without a scheme and without a path")
    return Endpoint(host, int(port))


def listen(endpoint: Endpoint) -> socket.socket:
    """Bind and listen, non-blocking, not inherited. OSError when the address cannot be had.

    An empty host listens on IPv6 and IPv4 at once where the machine has IPv6.
    """
    dual = not endpoint.host and socket.has_dualstack_ipv6()
    host = endpoint.host or ("::" if dual else "0.0.0.0")  # noqa: S104 - the operator left the host out on purpose
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        bound.bind(address)
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound
