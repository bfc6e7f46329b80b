"""Checks of a request head before a byte goes upstream: what the parser lets through and no origin should see.

The parser (llhttp) splits the head; this file decides whether its parts can be read in one way only. Whatever could be
read in two ways is refused, never repaired: RFC 9112 sections 2.2, 3, 5 and 6, RFC 9110 sections 5, 7 and 10.1.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from botproxy.errors import ClientError
from botproxy.model import Headers

MAX_LENGTH_DIGITS: Final = 18
"""Digits of a Content-Length: an exabyte short of what a signed 64-bit number holds."""

LOOP_TOKEN: Final = b"botproxy"
"""What this proxy adds to CDN-Loop (RFC 8586)."""

_MEMO: Final = "proxy.head"
_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUE: Final = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
_HOST: Final = re.compile(rb"(?:([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}))|(\[[0-9A-Fa-f:.]{2,45}\]))(?::([0-9]{1,5}))?\Z")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@\\]{1,300})([/?].*)?\Z", re.IGNORECASE | re.DOTALL)
_RARE: Final = frozenset((b"transfer-encoding", b"expect", b"cdn-loop", b"upgrade"))
_VALUES: Final = itemgetter(1)
_LOOP: Final = re.compile(rb"(?:^|,)[ \t]*botproxy[ \t]*(?:[;,]|$)", re.IGNORECASE)


class Block(NamedTuple):
    """What the header block says by itself, whatever the request line is; remembered with its kind."""

    authority: bytes
    host: str
    length: int | None  # None without Content-Length
    chunked: bool
    upgrade: bool  # Upgrade and Connection: upgrade are both there, and the parser stops after the head
    websocket: bool
    expect_continue: bool
    close: bool
    keep_alive: bool
    refused: tuple[int, str, str] | None  # status, public reason, private detail


class Options(NamedTuple):
    """What Connection asks for."""

    close: bool
    keep_alive: bool
    upgrade: bool


class CheckedHead(NamedTuple):
    """A head that can be read in one way only."""

    target: bytes  # in origin form, not yet normalised: `target.normalise` takes it
    authority: bytes  # Host as received
    host: str  # lower case, no port, no trailing dot; an IPv6 address keeps its brackets
    body_length: int | None  # 0 without a body, None when chunked
    websocket: bool  # a WebSocket handshake: the connection becomes a tunnel if the origin agrees
    upgrade: bool  # any Upgrade was asked for: llhttp stops after this head, a body included
    expect_continue: bool
    keep_alive: bool  # the client wishes to use the connection again


def check_head(method: bytes, target: bytes, version: str, headers: Headers) -> CheckedHead:
    """Check one request head; `version` is "HTTP/1.1" or "HTTP/1.0".

    Raises `ClientError`: 400 for anything ambiguous, 417 for an unknown expectation, 501 for CONNECT and `OPTIONS *`,
    505 for another version, 508 when this proxy has already seen the request. The connection must be closed after any
    of them, because what follows on it cannot be told apart from a body.
    """
    memo = headers.kind.get(_MEMO)
    block = memo if isinstance(memo, Block) else _remember(headers)
    if version != "HTTP/1.1" and version != "HTTP/1.0":
        raise ClientError(505, "HTTP version not supported", f"version {version[:20]!r}")
    if block.refused is not None:
        raise ClientError(*block.refused)
    modern = version == "HTTP/1.1"
    if block.chunked and not modern:
        raise ClientError(400, "Bad request", "Transfer-Encoding in HTTP/1.0")
    if not target.startswith(b"/"):
        target = _origin_form(method, target, block.authority)
    elif method == b"CONNECT":
        raise ClientError(501, "Not implemented", "CONNECT")
    length = None if block.chunked else block.length or 0
    return CheckedHead(
        target,
        block.authority,
        block.host,
        length,
        block.websocket and modern and method == b"GET" and length == 0,
        block.upgrade,
        block.expect_continue and modern and length != 0,
        not block.close if modern else block.keep_alive and not block.close,
    )


def _remember(headers: Headers) -> Block:
    block = _read(headers)
    headers.kind[_MEMO] = block
    return block


def _refused(detail: str, status: int = 400, reason: str = "Bad request") -> Block:
    return Block(b"", "", None, False, False, False, False, True, False, (status, reason, detail))


def _read(headers: Headers) -> Block:
    index = headers.index
    items = headers.items
    names = b"".join(index)
    if b"" in index or names.translate(None, _TOKEN):
        return _refused("a header name that is not a token")
    if b"".join(map(_VALUES, items)).translate(None, _VALUE):
        return _refused("a control character in a header value")

    hosts = index.get(b"host")
    if hosts is None or len(hosts) != 1:
        return _refused("no Host" if hosts is None else "several Hosts")
    authority = hosts[0]
    host = host_name(authority) if len(authority) <= _LONGEST_HOST else ""
    if not host:
        return _refused("Host is not a host name")

    length: int | None = None
    lengths = index.get(b"content-length")
    if lengths is not None:
        if b"transfer-encoding" in index:
            return _refused("both Content-Length and Transfer-Encoding")
        if len(lengths) != 1:
            return _refused("several Content-Lengths")
        digits = lengths[0]
        if not digits.isdigit() or len(digits) > MAX_LENGTH_DIGITS:
            return _refused("Content-Length is not a number")
        length = int(digits)

    close, keep_alive, asked = _options(index.get(b"connection", ()))
    if _RARE.isdisjoint(index):
        return Block(authority, host, length, False, False, False, False, close, keep_alive, None)

    chunked = False
    codings = index.get(b"transfer-encoding")
    if codings is not None:
        if len(codings) != 1 or codings[0].lower() != b"chunked":
            return _refused("Transfer-Encoding other than chunked")
        chunked = True

    expect = index.get(b"expect")
    if expect is not None and (len(expect) != 1 or expect[0].lower() != b"100-continue"):
        return _refused("an unknown expectation", 417, "Expectation failed")
    loops = index.get(b"cdn-loop")
    if loops is not None and any(_LOOP.search(value) for value in loops):
        return _refused("CDN-Loop has our token", 508, "Loop detected")

    upgrades = index.get(b"upgrade")
    websocket = (
        asked
        and upgrades is not None
        and len(upgrades) == 1
        and upgrades[0].lower() == b"websocket"
        and not chunked
        and not length
        and len(index.get(b"sec-websocket-key", ())) == 1
        and len(index.get(b"sec-websocket-version", ())) == 1
    )
    upgrade = asked and upgrades is not None
    return Block(authority, host, length, chunked, upgrade, websocket, expect is not None, close, keep_alive, None)


@lru_cache(maxsize=1024)
def host_name(authority: bytes) -> str:
    """The host name alone of a Host of at most 320 bytes: lower case, no port, no trailing dot; "" when it is none.

    The last 1,024 are remembered, right and wrong ones.
    """
    found = _HOST.match(authority)
    if found is None:
        return ""
    name, bracketed, port = found.groups()
    if port is not None and int(port) > 65535:
        return ""
    text: bytes = name if name is not None else bracketed
    host = text.decode("ascii").lower().removesuffix(".")
    return "" if ".." in host else host


def _options(values: tuple[bytes, ...]) -> Options:
    usual = _USUAL_OPTIONS.get(values)
    if usual is not None:
        return usual
    words = {word.strip(b" \t") for word in b",".join(values).lower().split(b",")}
    return Options(b"close" in words, b"keep-alive" in words, b"upgrade" in words)


_LONGEST_HOST: Final = 320
_USUAL_OPTIONS: Final = {
    (): Options(False, False, False),
    (b"keep-alive",): Options(False, True, False),
    (b"close",): Options(True, False, False),
}


def _origin_form(method: bytes, target: bytes, authority: bytes) -> bytes:
    """The origin form of an absolute-form target whose authority is the Host (RFC 9112 section 3.2.2)."""
    if method == b"CONNECT":
        raise ClientError(501, "Not implemented", "CONNECT")
    if target == b"*":
        # It asks about the server and about no resource of a zone, so there is nobody to forward it to.
        raise ClientError(501, "Not implemented", "asterisk-form")
    found = _ABSOLUTE.match(target)
    if found is None:
        raise ClientError(400, "Bad request", "target is neither a path nor a URL")
    if found[1].lower() != authority.lower():
        raise ClientError(400, "Bad request", "absolute-form against another Host")
    rest: bytes | None = found[2]
    if rest is None:
        return b"/"
    return rest if rest.startswith(b"/") else b"/" + rest
