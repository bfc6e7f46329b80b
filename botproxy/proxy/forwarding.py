"""What the origin is sent and what of its answer comes back: hop-by-hop headers, our own headers, one framing.

Three lists decide. Headers that are ours are taken out of what a client sends before anything reads it
(`strip_ours`); hop-by-hop headers end here (RFC 9110 section 7.6.1); what we say ourselves is set, never added to
what came. Names are compared with whatever is no letter and no digit read as `-`, because CGI and its descendants
cannot tell `_` from `-`, and some (lighttpd, older Apache) none of these characters from one another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from botproxy.model import VARIED, Client, Headers, Request
from botproxy.proxy.own_cookies import USUAL, OwnCookies

_MEMO: Final = "proxy.forward"

OURS: Final = frozenset(
    (
        # set by us, or by the product whose header names we keep
        *(b"cf-connecting-ip", b"cf-connecting-ipv6", b"cf-pseudo-ipv4", b"true-client-ip", b"cf-ray", b"cf-visitor"),
        *(b"cf-ipcountry", b"cf-ipcity", b"cf-ipcontinent", b"cf-iplongitude", b"cf-iplatitude", b"cf-region"),
        *(b"cf-region-code", b"cf-metro-code", b"cf-postal-code", b"cf-timezone", b"cf-worker", b"cf-ew-via"),
        *(b"cf-bot-score", b"cf-verified-bot", b"cf-ja3-hash", b"cf-ja4", b"cf-mitigated", b"cf-warp-tag-id"),
        # derived by proxies and believed by applications
        *(b"forwarded", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-server", b"x-forwarded-uri"),
        *(b"x-forwarded-prefix", b"x-forwarded-path", b"x-forwarded-method", b"x-forwarded-scheme"),
        *(b"x-forwarded-ssl", b"x-forwarded-protocol", b"x-forwarded-by", b"x-forwarded-user", b"x-forwarded"),
        *(b"forwarded-for", b"x-real-ip", b"x-real-host", b"x-client-ip", b"client-ip", b"x-cluster-client-ip"),
        *(b"x-originating-ip", b"x-remote-ip", b"x-remote-addr", b"fastly-client-ip", b"x-original-forwarded-for"),
        *(b"x-original-uri", b"x-original-url", b"x-original-host", b"x-original-method", b"x-original-path"),
        *(b"x-rewrite-url", b"x-host", b"x-http-host-override", b"x-url-scheme", b"front-end-https", b"proxy"),
    )
)
"""Lower-case names that no client may send to the origin; each is gone before rules see the request."""

FORWARDED: Final = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"cdn-loop"))
"""Names that we read before we set them, so they stay in what rules see."""

HOP_BY_HOP: Final = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-authentication-info", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"),
    )
)
"""RFC 9110 section 7.6.1 and RFC 7540 section 3.2.1."""

END_TO_END: Final = frozenset(
    (
        *(b"host", b"cookie", b"authorization", b"origin", b"referer", b"user-agent", b"via", b"cdn-loop", b"range"),
        *(b"content-length", b"content-type", b"content-encoding", b"cache-control", b"expect", b"date", b"age"),
        *(b"set-cookie", b"location", b"vary", b"etag", b"last-modified", b"expires", b"www-authenticate", b"csp"),
        *(b"content-security-policy", b"strict-transport-security", b"x-frame-options", b"x-content-type-options"),
        *(b"x-forwarded-for", b"x-forwarded-proto"),
    )
)
"""Names that `Connection` may not remove: a sender has no business naming them (RFC 9110 section 7.6.1)."""

ENCODING: Final = frozenset((b"accept-encoding",))
"""For `without` of `request_head`."""

_ENCODING_LINE: Final = re.compile(rb"^accept[^a-z0-9\r\n]encoding:[^\n]*\n", re.IGNORECASE | re.MULTILINE)
_DROPPED: Final = OURS | FORWARDED | HOP_BY_HOP | {b"host", b"content-length", b"expect"}
_USUALLY_DROPPED: Final = _DROPPED | {name.title() for name in _DROPPED}
_BODILESS: Final = frozenset((b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE"))


class _Passing:
    """Names, as clients spell them, that are known not to be in a refused set: looking them up costs no folding.

    Holds 4,096 names of at most 64 bytes; when that is full, new ones are folded each time.
    """

    __slots__ = ("_refused", "known")

    def __init__(self, refused: frozenset[bytes]) -> None:
        self._refused: Final = refused
        self.known: Final[set[bytes]] = set()

    def passes(self, name: bytes) -> bool:
        """Whether a name passes, remembered if it does."""
        if _folded(name) in self._refused:
            return False
        if len(self.known) < 4096 and len(name) <= 64:
            self.known.add(name)
        return True


_NOT_OURS: Final = _Passing(OURS)
_FORWARDED_ON: Final = _Passing(_DROPPED)


def unremarkable(found: Mapping[bytes, bytes]) -> bool:
    """Whether a header block is known to have nothing to strip: almost every one, and asking costs a third of it."""
    values = tuple(found.values())
    return _NOT_OURS.known.issuperset(found) and tuple(map(bytes.rstrip, values)) == values


def strip_ours(items: Collection[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """A received header block without our names, in any spelling; trailing blanks of values go too.

    Called before `Headers` is made, so that neither rules nor engines nor the origin see what only we may say.
    """
    known = _NOT_OURS.known
    return tuple(
        [
            (name, value.rstrip(b" \t")) if value.endswith(_BLANKS) else (name, value)
            for name, value in items
            if name in known or _NOT_OURS.passes(name)
        ]
    )


_BLANKS: Final = (b" ", b"\t")


FOLD: Final = bytes([code if chr(code).isascii() and chr(code).isalnum() else 0x2D for code in range(256)]).lower()
"""A table for `bytes.translate`: names that some server cannot tell apart become the same."""


def _folded(name: bytes) -> bytes:
    return name.translate(FOLD)


def request_head(
    request: Request,
    client: Client,
    cf_ray: bytes,
    *,
    websocket: bool = False,
    host: bytes | None = None,
    expect_continue: bool = False,
    extra: Sequence[tuple[bytes, bytes]] = (),
    without: Collection[bytes] = (),
    cookies: OwnCookies = USUAL,
) -> bytes:
    """The whole head for the origin, with the empty line that ends it.

    `cf_ray` is the ray id with its location label; `host` replaces the Host that came (which is kept by default and
    always told in X-Forwarded-Host); `websocket` keeps the handshake (RFC 6455 section 4.1); `expect_continue` hands
    the expectation on; `extra` are headers of our own, already stripped from what the client sent, or named in
    `without`: folded names of headers that came and do not go on; nor do `cookies`.

    The framing is ours: `Transfer-Encoding: chunked` when the length is unknown, else `Content-Length` unless there is
    no body to tell of.
    """
    headers = request.headers
    memo = headers.memo.get(cookies.memo)
    if without is ENCODING:
        # Every page that a script is put into comes by here; what its kind has in common is known.
        known = headers.memo.get(cookies.encoding_memo)
        if isinstance(known, bytes):
            block = known
        else:
            block = _ENCODING_LINE.sub(b"", end_to_end(headers, (), cookies))
            headers.memo[cookies.encoding_memo] = block
    elif without:
        block = end_to_end(headers, without, cookies)
    elif isinstance(memo, bytes):
        block = memo
    else:
        block = end_to_end(headers, cookies=cookies)
        headers.memo[cookies.memo] = block

    index = headers.index
    scheme = b"https" if request.secure else b"http"
    address = client.text.encode("ascii")
    chain = address
    if client.text != client.peer:
        # A listed peer vouched for the visitor: what it reported is kept and the peer itself appended.
        reported = index.get(b"x-forwarded-for")
        if reported is not None:
            chain = b", ".join((*reported, client.peer.encode("ascii")))
    loop = index.get(b"cdn-loop")
    target = request.path if request.query is None else b"%b?%b" % (request.path, request.query)
    length = request.body_length
    if length is None:
        framing = b"Transfer-Encoding: chunked\r\n"
    elif length or (request.method not in _BODILESS or b"content-length" in index):
        framing = b"Content-Length: %d\r\n" % length
    else:
        framing = b""
    if websocket:
        framing = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    if expect_continue:
        framing += b"Expect: 100-continue\r\n"
    for name, value in extra:
        framing += b"%b: %b\r\n" % (name, value)
    return (
        b"%b %b HTTP/1.1\r\nHost: %b\r\n%bX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b\r\n"
        b'CF-Connecting-IP: %b\r\nCF-Visitor: {"scheme":"%b"}\r\nCf-Ray: %b\r\nCDN-Loop: %b\r\n%b\r\n'
        % (
            request.method,
            target,
            request.authority if host is None else host,
            block,
            chain,
            scheme,
            request.authority,
            address,
            scheme,
            cf_ray,
            b"botproxy" if loop is None else b", ".join((*loop, b"botproxy")),
            framing,
        )
    )


def end_to_end(headers: Headers, without: Collection[bytes] = (), cookies: OwnCookies = USUAL) -> bytes:
    """The lines of a received header block that go on to the origin as they came, our cookies taken out, and headers
    whose folded names are in `without`."""
    index = headers.index
    if without or len(index) != len(headers.items):
        kept: list[tuple[bytes, bytes]] = []
        for name, value in _passing(headers):
            if _folded(name) in without:
                continue
            if name.lower() != b"cookie" or not cookies.within(value):
                kept.append((name, value))
                continue
            left = cookies.taken_from(value)
            if left:
                kept.append((name, left))
        return lines(kept)
    memo = headers.kind.get(_MEMO)
    pieces: tuple[tuple[bytes, bytes], ...] = memo if isinstance(memo, tuple) else _pieces(headers)
    sent: list[bytes] = []
    for name, text in pieces:
        if not name:
            sent.append(text)
            continue
        value = index[name][0]
        if name == b"cookie" and cookies.within(value):
            value = cookies.taken_from(value)
            if not value:
                continue
        sent.append(b"%b%b\r\n" % (text, value))
    return b"".join(sent)


def _pieces(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """What blocks of this kind have in common, and between it the headers that differ: lower-case name ("" for what is
    in common) and the text that goes before the value."""
    pieces: list[tuple[bytes, bytes]] = []
    common: list[tuple[bytes, bytes]] = []
    for item in _passing(headers):
        name = item[0].lower()
        if name in VARIED:
            pieces += [(b"", lines(common)), (name, item[0] + b": ")]
            common = []
        else:
            common.append(item)
    pieces.append((b"", lines(common)))
    made = headers.kind[_MEMO] = tuple([piece for piece in pieces if piece[1]])
    return made


def _passing(headers: Headers) -> list[tuple[bytes, bytes]]:
    known = _FORWARDED_ON.known
    items = [
        item
        for item in headers.items
        if item[0] in known or (item[0] not in _USUALLY_DROPPED and _FORWARDED_ON.passes(item[0]))
    ]
    named = _named(headers.index.get(b"connection", ()))
    return [item for item in items if _folded(item[0]) not in named] if named else items


def items_without(items: Collection[tuple[bytes, bytes]], without: Collection[bytes]) -> list[tuple[bytes, bytes]]:
    """Headers but those whose folded names (lower-case, `-` for what is no letter and no digit) are in `without`."""
    return [item for item in items if _folded(item[0]) not in without]


def lines_without(head: bytes, without: Collection[bytes]) -> bytes:
    """A status line and header lines, each with its line end, without the headers of these folded names."""
    first, *headers = head.split(b"\r\n")
    return b"\r\n".join([first, *[line for line in headers if _folded(line.partition(b":")[0]) not in without]])


def lines(items: Collection[tuple[bytes, bytes]]) -> bytes:
    """Headers on the wire, each with its line end."""
    return b"\r\n".join(map(_COLON, items)) + b"\r\n" if items else b""


_COLON: Final = b": ".join


_USUAL_CONNECTION: Final = frozenset((b"keep-alive", b"close", b"upgrade", b"keep-alive, upgrade"))


def _named(connection: Sequence[bytes]) -> frozenset[bytes]:
    """Names that Connection declares hop-by-hop, those apart that it may not touch."""
    if not connection or (len(connection) == 1 and connection[0].lower() in _USUAL_CONNECTION):
        return frozenset()
    return frozenset([_folded(word.strip(b" \t")) for word in b",".join(connection).split(b",")]) - END_TO_END


_RESPONSE_DROPPED: Final = HOP_BY_HOP | {b"cf-ray", b"cf-mitigated"}
_RESPONSE_PASSING: Final = _Passing(_RESPONSE_DROPPED)


def _response_passes(item: tuple[bytes, bytes]) -> bool:
    name, value = item
    key = name.lower()
    if key == b"set-cookie":
        return not USUAL.set_by(value)
    return not key.startswith(b"x-accel-") and _RESPONSE_PASSING.passes(name)


def response_headers(
    items: Collection[tuple[bytes, bytes]], connection: bytes | None = None
) -> list[tuple[bytes, bytes]]:
    """The origin's headers for the visitor: without hop-by-hop ones and without what only we may say.

    `connection` is the value of its Connection header. Content-Length stays as it came; Connection, Upgrade,
    Transfer-Encoding and Cf-Ray are for the caller to set.
    """
    known = _RESPONSE_PASSING.known
    kept = [item for item in items if item[0] in known or _response_passes(item)]
    named = _named((connection,)) if connection is not None else None
    if named:
        kept = [item for item in kept if _folded(item[0]) not in named]
    return kept
