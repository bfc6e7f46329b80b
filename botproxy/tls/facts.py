"""What a ClientHello tells of the connection that it opens, as the record that travels with every request on it."""

from __future__ import annotations

from struct import pack

from botproxy.model import Tls
from botproxy.tls.fingerprints import fingerprints
from botproxy.tls.hello import ClientHello, Numbers


def hello_facts(hello: ClientHello) -> Tls:
    """Everything but version and cipher, which the handshake will tell."""
    both = fingerprints(hello)
    return Tls(
        "",
        "",
        both.ja3,
        both.ja4,
        hello.length,
        hello.random,
        _wire(hello.cipher_suites),
        _wire(hello.extensions),
        hello.server_name,
    )


def _wire(numbers: Numbers) -> bytes:
    return pack(f">{len(numbers)}H", *numbers)
