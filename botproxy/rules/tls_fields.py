"""Fields of a ClientHello that are hashed or encoded only when a rule asks for them (reference section 2.3).

The original says SHA-1 in base64 and not of which bytes; here it is the list as offered, two bytes each, GREASE
included, most significant byte first (`_le`: last).
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1

from botproxy.model import Tls


def client_random(tls: Tls) -> bytes:
    """The client's random bytes in base64."""
    return b64encode(tls.client_random)


def ciphers_sha1(tls: Tls) -> bytes:
    """SHA-1 of the cipher suites in base64; empty when they are not known."""
    return _sha1(tls.cipher_suites)


def extensions_sha1(tls: Tls) -> bytes:
    """SHA-1 of the types of all extensions in base64; empty when they are not known."""
    return _sha1(tls.extensions)


def extensions_sha1_le(tls: Tls) -> bytes:
    """The same of the least significant byte first."""
    swapped = bytearray(tls.extensions)
    swapped[0::2], swapped[1::2] = tls.extensions[1::2], tls.extensions[0::2]
    return _sha1(bytes(swapped))


def _sha1(data: bytes) -> bytes:
    return b64encode(sha1(data, usedforsecurity=False).digest()) if data else b""
