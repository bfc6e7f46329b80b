"""Fields of HTTP/2 requests and responses, to and from heads of HTTP/1.1.

A request's fields become the head that the same request would have over HTTP/1.1, and that head goes the way of all
heads: it is read, remembered, stripped and checked as if it had come so. What HTTP/2 forbids besides is refused here,
because a head of HTTP/1.1 could not tell it any more (RFC 9113 section 8.2 and 8.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from botproxy.errors import ClientError
from botproxy.remembered import Remembered

Fields = Sequence[tuple[bytes, bytes]]

_PSEUDO: Final = (b":method", b":scheme", b":authority", b":path")
_NAME: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_VALUE: Final = bytes([9, 10, *range(0x20, 0x7F), *range(0x80, 0x100)])  # the line feed is ours, between two values
_METHOD: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}\Z")
_TARGET: Final = re.compile(rb"[^\x00-\x20\x7f]+\Z")
_CONNECTION: Final = frozenset((b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"))
_NOT_FORWARDED: Final = frozenset((b"connection", b"transfer-encoding", b"keep-alive", b"proxy-connection", b"upgrade"))
_BLANKS: Final = (b"\n ", b"\n\t", b" \n", b"\t\n")
_LINE: Final = b"%b: %b\r\n".__mod__


class RequestFields(NamedTuple):
    """A request's fields, found in order."""

    head: bytes  # as HTTP/1.1 has it; no framing was added to it
    method: bytes
    target: bytes


def _malformed(detail: str) -> ClientError:
    return ClientError(400, "Bad request", detail)


def read_request(fields: Fields, secure: bool) -> RequestFields:
    """The fields of a request as they came. `secure`: the client speaks TLS. Raises ClientError.

    Refused: pseudo-header fields that are missing, repeated, unknown, or not in front; names that are no lower-case
    tokens; values with control characters, or blanks around them; fields that concern a connection; a Host that is
    not the `:authority`; CONNECT. Cookies that came in crumbs are joined (section 8.2.3).
    """
    pseudo: dict[bytes, bytes] = {}
    count = 0
    for name, value in fields:
        if name[:1] != b":":
            break
        pseudo[name] = value
        count += 1
    regular = fields[count:]
    names = [name for name, _ in regular]
    joined = b"".join(names)
    if b"" in names or joined.translate(None, _NAME):
        raise _malformed("a field name that is no lower-case token, or a pseudo-header field behind others")
    values = b"\n%b\n%b\n" % (b"\n".join([value for _, value in regular]), b"\n".join(pseudo.values()))
    if values.translate(None, _VALUE) or values.count(b"\n") != count + max(len(regular), 1) + 1:
        raise _malformed("a control character in a field value")
    method, target = _pseudo(pseudo, count, secure)
    found = frozenset(names)
    if not found.isdisjoint(_CONNECTION):
        raise _malformed("a field that concerns a connection")
    if any(blanks in values for blanks in _BLANKS) and any(value != value.strip(b" \t") for _, value in regular):
        raise _malformed("blanks around a field value")
    if b"te" in found and any(value != b"trailers" for name, value in regular if name == b"te"):
        raise _malformed("TE other than trailers")
    if b"cookie" in found and names.count(b"cookie") > 1:
        regular = _with_one_cookie(regular)
    authority = pseudo.get(b":authority")
    first = b""
    if b"host" in found:
        if authority is not None and any(
            value.lower() != authority.lower() for name, value in regular if name == b"host"
        ):
            raise _malformed("Host is not the :authority")
    elif authority is not None:
        first = b"host: %b\r\n" % authority
    lines = b"".join(map(_LINE, regular))
    return RequestFields(b"%b %b HTTP/1.1\r\n%b%b\r\n" % (method, target, first, lines), method, target)


def _pseudo(pseudo: dict[bytes, bytes], count: int, secure: bool) -> tuple[bytes, bytes]:
    if len(pseudo) != count:
        raise _malformed("a pseudo-header field twice")
    method = pseudo.get(b":method")
    if method is None or _METHOD.match(method) is None:
        raise _malformed("no :method")
    if method == b"CONNECT":
        raise ClientError(501, "Not implemented", "CONNECT")
    scheme, path = pseudo.get(b":scheme"), pseudo.get(b":path")
    if scheme is None or path is None:
        raise _malformed("no :scheme or no :path")
    if count - (b":authority" in pseudo) != 3:
        raise _malformed("an unknown pseudo-header field")
    if scheme != b"https" and (secure or scheme != b"http"):
        raise _malformed("a :scheme that is not spoken here")
    if not (path.startswith(b"/") or (path == b"*" and method == b"OPTIONS")) or _TARGET.match(path) is None:
        raise _malformed("a :path that is no path")
    return method, path


def _with_one_cookie(fields: Fields) -> list[tuple[bytes, bytes]]:
    crumbs = b"; ".join([value for name, value in fields if name == b"cookie"])
    kept: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        if name != b"cookie":
            kept.append((name, value))
        elif crumbs:
            kept.append((name, crumbs))
            crumbs = b""
    return kept


class ResponseFields:
    """From heads of HTTP/1.1 to header blocks. One a worker: lines are remembered, at most 4,096 and 1 MB of them.

    Blocks refer to nothing but HPACK's static table (RFC 7541 appendix A), as nginx writes them: what a response says
    can so be remembered for every connection, and no secret of one response meets the text of another in a table.
    """

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: Final[Remembered[bytes]] = Remembered(2_048, 512 * 1024, 1024)

    def block(self, head: bytes) -> tuple[int, bytes]:
        """The status of a head (without its empty line), and the header block of it."""
        first, *lines = head.split(b"\r\n")
        status = first[9:12]
        written = [_STATUS.get(status) or b"\x08\x03" + status]
        get = self._lines.get
        for line in lines:
            known = get(line)
            if known is None:
                known = _written(line)
                self._lines.offer(line, known)
            written.append(known)
        return int(status), b"".join(written)


def _written(line: bytes) -> bytes:
    """A header as a literal without indexing (RFC 7541 section 6.2.2); nothing for those that HTTP/2 forbids."""
    name, _, value = line.partition(b":")
    name = name.lower()
    if not name or name in _NOT_FORWARDED:
        return b""
    value = value.strip(b" \t")
    index = _STATIC.get(name)
    # What only this visitor may know is never to be put into a table by anybody on the way (section 7.1.3).
    kind = 0x10 if name in _SECRET else 0
    begin = _integer(index, 4, kind) if index is not None else bytes((kind,)) + _integer(len(name), 7, 0) + name
    return begin + _integer(len(value), 7, 0) + value


def _integer(value: int, bits: int, first: int) -> bytes:
    """RFC 7541 section 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    written = [first | most]
    value -= most
    while value >= 128:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


_SECRET: Final = frozenset((b"set-cookie", b"authorization", b"proxy-authorization"))
_STATUS: Final = {
    status: bytes((0x80 | index,))
    for index, status in enumerate((b"200", b"204", b"206", b"304", b"400", b"404", b"500"), 8)
}
_STATIC: Final[dict[bytes, int]] = {
    name: index
    for index, name in enumerate(
        (
            *(b"accept-charset", b"accept-encoding", b"accept-language", b"accept-ranges", b"accept"),
            *(b"access-control-allow-origin", b"age", b"allow", b"authorization", b"cache-control"),
            *(b"content-disposition", b"content-encoding", b"content-language", b"content-length"),
            *(b"content-location", b"content-range", b"content-type", b"cookie", b"date", b"etag", b"expect"),
            *(b"expires", b"from", b"host", b"if-match", b"if-modified-since", b"if-none-match", b"if-range"),
            *(b"if-unmodified-since", b"last-modified", b"link", b"location", b"max-forwards"),
            *(b"proxy-authenticate", b"proxy-authorization", b"range", b"referer", b"refresh", b"retry-after"),
            *(b"server", b"set-cookie", b"strict-transport-security", b"transfer-encoding", b"user-agent", b"vary"),
            *(b"via", b"www-authenticate"),
        ),
        15,
    )
}
"""Names of the static table by their index, from 15 to 61."""
