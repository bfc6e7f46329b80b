"""A ClientHello taken apart (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), as far as fingerprints and the choice
of a certificate need it. Lists are as received, GREASE and order included.
"""

from __future__ import annotations

from struct import Struct, unpack_from
from struct import error as StructError  # noqa: N812
from typing import Final, NamedTuple

from botproxy.tls.records import MAX_HELLO, MalformedHelloError, hello_body

_EXTENSION: Final = Struct(">HH").unpack_from
_SHORT: Final = Struct(">H").unpack_from
_NAME: Final = b".-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

SERVER_NAME: Final = 0
SUPPORTED_GROUPS: Final = 10
EC_POINT_FORMATS: Final = 11
SIGNATURE_ALGORITHMS: Final = 13
ALPN: Final = 16
SUPPORTED_VERSIONS: Final = 43

MAX_EXTENSIONS: Final = 256
"""Extensions in one hello. Clients send about twenty; all that are registered are fewer than a hundred."""

_READ: Final = frozenset(
    (SERVER_NAME, SUPPORTED_GROUPS, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN, SUPPORTED_VERSIONS)
)

Numbers = tuple[int, ...]


class ClientHello(NamedTuple):
    """What a client offered."""

    length: int  # bytes of the message without its header of four
    version: int  # the legacy field: 0x0303 for everything from TLS 1.2 on
    random: bytes  # 32
    cipher_suites: Numbers
    extensions: Numbers  # types, in order
    server_name: str  # lower case, no trailing dot; "" without one, or when it is no host name
    groups: Numbers
    point_formats: Numbers
    signature_algorithms: Numbers
    alpn: tuple[bytes, ...]
    versions: Numbers  # of the extension supported_versions


def parse_client_hello(records: bytes, limit: int = MAX_HELLO) -> ClientHello:
    """The ClientHello that TLS records begin with; what follows it is left alone.

    `records` are bytes from the wire, record headers included; at most `limit` of them are looked at. Raises
    IncompleteHelloError when there are too few, OversizedHelloError above the limit, else MalformedHelloError.
    """
    body = hello_body(records, limit)
    end = len(body)
    at = 35 + body[34]
    if body[34] > 32 or at + 2 > end:
        raise MalformedHelloError("a session id that does not fit")
    size: int = _SHORT(body, at)[0]
    at += 2
    if size < 2 or size & 1 or at + size + 1 > end:
        raise MalformedHelloError("cipher suites that do not fit")
    ciphers: Numbers = unpack_from(f">{size >> 1}H", body, at)
    at += size
    at += 1 + body[at]
    if at > end:
        raise MalformedHelloError("compression methods that do not fit")
    version: int = _SHORT(body, 0)[0]
    random = body[2:34]
    if at == end:
        return ClientHello(end, version, random, ciphers, (), "", (), (), (), (), ())
    if at + 2 > end or at + 2 + _SHORT(body, at)[0] != end:
        raise MalformedHelloError("extensions that do not fit")
    at += 2

    kinds: list[int] = []
    name = ""
    groups: Numbers = ()
    formats: Numbers = ()
    algorithms: Numbers = ()
    versions: Numbers = ()
    protocols: tuple[bytes, ...] = ()
    try:
        while at < end:
            kind, size = _EXTENSION(body, at)
            at += 4
            kinds.append(kind)
            if kind not in _READ:
                pass
            elif kind == SERVER_NAME:
                name = _server_name(body[at : at + size])
            elif kind == SUPPORTED_GROUPS:
                groups = _shorts(body, at, size)
            elif kind == SIGNATURE_ALGORITHMS:
                algorithms = _shorts(body, at, size)
            elif kind == EC_POINT_FORMATS:
                if size < 1 or body[at] != size - 1:
                    raise MalformedHelloError("point formats that do not fit")
                formats = tuple(body[at + 1 : at + size])
            elif kind == ALPN:
                protocols = _protocols(body, at, size)
            elif kind == SUPPORTED_VERSIONS:
                if not size & 1 or body[at] != size - 1:
                    raise MalformedHelloError("supported versions that do not fit")
                versions = unpack_from(f">{size >> 1}H", body, at + 1)
            at += size
    except (StructError, IndexError):
        at = -1
    if len(kinds) > MAX_EXTENSIONS:
        raise MalformedHelloError(f"{len(kinds)} extensions")
    if at != end:  # the last one says more than there is, as does any whose inside was looked for beyond the end
        raise MalformedHelloError("an extension that does not fit")
    return ClientHello(
        end, version, random, ciphers, tuple(kinds), name, groups, formats, algorithms, protocols, versions
    )


def _shorts(body: bytes, at: int, size: int) -> Numbers:
    """A list of 16-bit numbers behind its length of two bytes."""
    if size < 2 or size & 1 or _SHORT(body, at)[0] != size - 2:
        raise MalformedHelloError("a list that does not fit")
    numbers: Numbers = unpack_from(f">{(size >> 1) - 1}H", body, at + 2)
    return numbers


def _server_name(data: bytes) -> str:
    """The first host name (RFC 6066 section 3)."""
    if len(data) < 5:
        raise MalformedHelloError("a server name that does not fit")
    whole, kind, size = data[0] << 8 | data[1], data[2], data[3] << 8 | data[4]
    if whole != len(data) - 2 or size > len(data) - 5:
        raise MalformedHelloError("a server name that does not fit")
    name = data[5 : 5 + size]
    if kind != 0 or size > 254 or name.translate(None, _NAME):
        return ""
    return name.decode("ascii").lower().removesuffix(".")


def _protocols(body: bytes, at: int, size: int) -> tuple[bytes, ...]:
    """The protocols of ALPN (RFC 7301 section 3.1)."""
    end = at + size
    if size < 2 or _SHORT(body, at)[0] != size - 2:
        raise MalformedHelloError("ALPN that does not fit")
    at += 2
    protocols: list[bytes] = []
    while at < end:
        following = at + 1 + body[at]
        if following > end or following == at + 1:
            raise MalformedHelloError("ALPN that does not fit")
        protocols.append(body[at + 1 : following])
        at = following
    return tuple(protocols)
