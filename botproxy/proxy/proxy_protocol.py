"""The PROXY protocol, versions 1 and 2: what a load balancer says of a connection before the connection's own bytes.

After "The PROXY protocol" (HAProxy, 2020/03/05), which sections below refer to. Pure: bytes in, a record or an error
out. Who may say such a thing is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from botproxy.addresses import canonical
from botproxy.model import Address, Tls

MAX_HEADER: Final = 4096
"""Bytes of a whole header; one without client certificates has a few hundred."""

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_WORD: Final = b"PROXY "
_LONGEST_LINE: Final = 107  # section 2.1, CR LF included
_SHORTEST_LINE: Final = len(b"PROXY UNKNOWN\r\n")
_FIXED: Final = 16

_LOCAL: Final = 0x20
_PROXY: Final = 0x21
_ADDRESSES: Final = {0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216}
"""Family and transport to the length of what it says (section 2.2)."""

_TLV_ALPN: Final = 0x01
_TLV_AUTHORITY: Final = 0x02
_TLV_CRC32C: Final = 0x03
_TLV_SSL: Final = 0x20
_SSL_VERSION: Final = 0x21
_SSL_CIPHER: Final = 0x23
_CLIENT_SSL: Final = 0x01
_LONGEST_TEXT: Final = 255


class ProxyHeaderError(ValueError):
    """These bytes are no header of the PROXY protocol. The text says why."""


class IncompleteProxyHeaderError(ProxyHeaderError):
    """A header so far; `wanted` is the least number of bytes, from the first one on, that could tell more."""

    def __init__(self, wanted: int) -> None:
        super().__init__(f"not whole before byte {wanted}")
        self.wanted = wanted


class Proxied(NamedTuple):
    """What one header said."""

    length: int  # of the header, in bytes: what follows is the connection's own
    address: Address | None  # of the visitor; None when the load balancer speaks for itself, or does not know
    port: int = 0
    tls: Tls | None = None  # when the visitor spoke TLS with the load balancer
    authority: str = ""  # host name that the visitor asked TLS for
    alpn: bytes = b""


def parse_proxy_header(data: bytes) -> Proxied:
    """The header that `data` begins with. Raises IncompleteProxyHeaderError when more has to come, ProxyHeaderError
    when nothing that may come makes it one."""
    if data.startswith(_SIGNATURE):
        return _binary(data)
    if data.startswith(_WORD):
        return _line(data)
    if _WORD.startswith(data[: len(_WORD)]):
        raise IncompleteProxyHeaderError(_SHORTEST_LINE)
    if _SIGNATURE.startswith(data[: len(_SIGNATURE)]):
        raise IncompleteProxyHeaderError(_FIXED)
    raise ProxyHeaderError("neither version 1 nor version 2")


def _line(data: bytes) -> Proxied:
    """Version 1 (section 2.1)."""
    end = data.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        if len(data) >= _LONGEST_LINE:
            raise ProxyHeaderError(f"no end within {_LONGEST_LINE} bytes")
        missing = 1 if data.endswith(b"\r") else 2
        raise IncompleteProxyHeaderError(min(max(_SHORTEST_LINE, len(data) + missing), _LONGEST_LINE))
    words = data[:end].split(b" ")
    length = end + 2
    if words[1] == b"UNKNOWN":
        return Proxied(length, None)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise ProxyHeaderError("a line that is not `PROXY TCP4|TCP6 source destination port port`")
    address = _address(words[1], words[2])
    _address(words[1], words[3])
    port = _port(words[4])
    _port(words[5])
    return Proxied(length, address, port)


def _address(family: bytes, text: bytes) -> Address:
    try:
        if family == b"TCP4":
            return IPv4Address(text.decode("ascii"))
        if b"%" in text:
            raise ValueError
        return canonical(IPv6Address(text.decode("ascii")))
    except ValueError:
        raise ProxyHeaderError(f"an address that is none of {family.decode()}") from None


def _port(text: bytes) -> int:
    if not text.isdigit() or len(text) > 5 or (text[:1] == b"0" and text != b"0") or int(text) > 65535:
        raise ProxyHeaderError("a port that is none")
    return int(text)


def _binary(data: bytes) -> Proxied:
    """Version 2 (section 2.2)."""
    if len(data) < _FIXED:
        raise IncompleteProxyHeaderError(_FIXED)
    command, family = data[12], data[13]
    length = _FIXED + (data[14] << 8 | data[15])
    if command not in (_LOCAL, _PROXY):
        raise ProxyHeaderError(f"version and command {command:#04x}")
    if length > MAX_HEADER:
        raise ProxyHeaderError(f"a header of {length} bytes")
    if len(data) < length:
        raise IncompleteProxyHeaderError(length)
    if command == _LOCAL:
        return Proxied(length, None)  # the rest of it is to be ignored
    size = _ADDRESSES.get(family)
    if size is None:
        raise ProxyHeaderError(f"family and transport {family:#04x}")
    if _FIXED + size > length:
        raise ProxyHeaderError("addresses that do not fit")
    address: Address | None = None
    port = 0
    if size == 12:
        address = IPv4Address(data[16:20])
        port = data[24] << 8 | data[25]
    elif size == 36:
        address = canonical(IPv6Address(data[16:32]))
        port = data[48] << 8 | data[49]

    tls: Tls | None = None
    authority = ""
    alpn = b""
    for kind, at, end in _values(data, _FIXED + size, length):
        if kind == _TLV_SSL:
            tls = _tls(data, at, end)
        elif kind == _TLV_AUTHORITY:
            authority = _text(data[at:end]).lower()
        elif kind == _TLV_ALPN:
            alpn = data[at:end][:_LONGEST_TEXT]
        elif kind == _TLV_CRC32C:
            if end - at != 4:
                raise ProxyHeaderError("a checksum that does not fit")
            said = int.from_bytes(data[at:end], "big")
            if said != crc32c(data[:at] + b"\x00\x00\x00\x00" + data[end:length]):
                raise ProxyHeaderError("a checksum that is wrong")
    return Proxied(length, address, port, tls, authority, alpn)


def _values(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Kind, start and end of each type-length-value."""
    while at < end:
        start = at + 3
        if start > end:
            raise ProxyHeaderError("a value that does not fit")
        following = start + (data[at + 1] << 8 | data[at + 2])
        if following > end:
            raise ProxyHeaderError("a value that does not fit")
        yield data[at], start, following
        at = following


def _tls(data: bytes, at: int, end: int) -> Tls | None:
    """PP2_TYPE_SSL (section 2.2.6); None when it says that the visitor spoke no TLS."""
    if end - at < 5:
        raise ProxyHeaderError("a TLS value that does not fit")
    version = cipher = ""
    for kind, start, following in _values(data, at + 5, end):
        if kind == _SSL_VERSION:
            version = _text(data[start:following])
        elif kind == _SSL_CIPHER:
            cipher = _text(data[start:following])
    return Tls(version, cipher) if data[at] & _CLIENT_SSL else None


def _text(data: bytes) -> str:
    """Printable ASCII; "" when it is something else."""
    if len(data) > _LONGEST_TEXT or not data.isascii():
        return ""
    text = data.decode("ascii")
    return text if text.isprintable() else ""


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum (RFC 3720, appendix B.4)."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC32C[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC32C: Final = tuple([_crc_of(byte) for byte in range(256)])
