"""ClientHello bytes to facts and fingerprints: pure, bounded, no sockets."""

from botproxy.tls.clients import (
    KnownClient,
    KnownClients,
    KnownClientsError,
    shipped_clients,
    shipped_clients_text,
)
from botproxy.tls.facts import hello_facts
from botproxy.tls.fingerprints import Fingerprints, fingerprints, ja3, ja3_text, ja4, strip_grease
from botproxy.tls.hello import ClientHello, parse_client_hello
from botproxy.tls.records import (
    MAX_HELLO,
    HelloError,
    IncompleteHelloError,
    MalformedHelloError,
    OversizedHelloError,
    bytes_wanted,
)

__all__ = [
    "MAX_HELLO",
    "ClientHello",
    "Fingerprints",
    "HelloError",
    "IncompleteHelloError",
    "KnownClient",
    "KnownClients",
    "KnownClientsError",
    "MalformedHelloError",
    "OversizedHelloError",
    "bytes_wanted",
    "fingerprints",
    "hello_facts",
    "ja3",
    "ja3_text",
    "ja4",
    "parse_client_hello",
    "shipped_clients",
    "shipped_clients_text",
    "strip_grease",
]
