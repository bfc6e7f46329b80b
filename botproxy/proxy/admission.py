"""From the bytes of a request head to a request that may be decided on; or an answer at once, reported as a refusal."""

from __future__ import annotations

import time
from random import getrandbits
from typing import Final, NamedTuple

from botproxy.errors import ClientError
from botproxy.model import Client, Ending, Headers, Outcome, Request
from botproxy.proxy.answers import own_answer, refusal
from botproxy.proxy.blocks import RequestParts
from botproxy.proxy.head import check_head
from botproxy.proxy.peers import Peer, visitor
from botproxy.proxy.records import Refusal
from botproxy.proxy.refusals import is_navigation
from botproxy.proxy.settings import Limits
from botproxy.proxy.target import normalise
from botproxy.proxy.wire import Wire

_NO_HEADERS: Final = Headers(())
_BEGINNINGS: Final = frozenset(
    bytes((byte,)) for byte in b"\r!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
"""What a request line starts with, or the one empty line that may stand before it."""


class Admission(NamedTuple):
    """A request whose head is sound, and what the connection has to know of it besides."""

    request: Request
    client: Client
    keep_alive: bool
    websocket: bool
    expect_continue: bool


def new_ray() -> str:
    """A ray id: 64 random bits in 16 hex digits."""
    return f"{getrandbits(64):016x}"


def fault_so_far(data: bytes, limits: Limits, seen: int = 0) -> ClientError | None:
    """What is already wrong with a head that has not ended yet; of it, `seen` bytes were found in order before."""
    if data[:1] not in _BEGINNINGS:
        # TLS or another protocol, whose client would wait for an answer as long as we waited for its head.
        return ClientError(400, "Bad request", "not the beginning of a request")
    longest = limits.uri_length + 64  # method and version are shorter
    if len(data) > longest and b"\n" not in data[:longest]:
        return ClientError(414, "URI too long", "request line without end")
    if len(data) > limits.header_size:
        return ClientError(431, "Request header fields too large", "request head without end")
    # A head that comes byte by byte must not be counted through again for each byte.
    if data.count(b"\n", seen) != data.count(b"\r\n", max(seen - 1, 0)):
        return ClientError(400, "Bad request", "bare line feed in the head")
    return None


def admit(wire: Wire, peer: Peer, parts: RequestParts, ray: str) -> Admission:
    """Judge a head that was taken apart. Raises ClientError."""
    limits = wire.limits
    method, target, version, headers = parts
    if len(target) > limits.uri_length:
        raise ClientError(414, "URI too long", f"{len(target)} bytes")
    checked = check_head(method, target, version, headers)
    path, query = normalise(checked.target)
    length = checked.body_length
    if length is not None and limits.body_size is not None and length > limits.body_size:
        raise ClientError(413, "Content too large", f"{length} bytes")
    if checked.upgrade and not checked.websocket and length != 0:
        raise ClientError(400, "Bad request", "Upgrade with a body")
    if wire.counts.requests_now >= limits.requests:
        raise ClientError(503, "Service unavailable", "requests are at their limit")
    client, secure = visitor(peer, headers, wire.trusted, wire.hops)
    request = Request(
        ray,
        time.time(),
        method,
        target,
        path,
        query,
        version,
        secure,
        checked.authority,
        checked.host,
        headers,
        length,
    )
    return Admission(request, client, checked.keep_alive, checked.websocket, checked.expect_continue)


def _host(authority: bytes) -> str:
    """A Host as far as it can be told; nobody has checked it."""
    return authority[:300].decode("latin-1").partition(":")[0].lower().removesuffix(".")


def turn_away(
    wire: Wire, peer: Peer, problem: ClientError, parts: RequestParts | None, ray: str, received: int
) -> bytes:
    """The answer to a request that no handler will see; it is reported and counted. The connection must be closed:
    what follows on it cannot be told apart. `received` is in bytes."""
    shown = ray.encode("ascii") + wire.location
    navigation = parts is not None and is_navigation(parts.method, parts.headers)
    authority = parts.headers.first(b"host") if parts is not None else None
    asked = parts.headers if parts is not None else _NO_HEADERS
    # Its Host may be what was wrong with it: the page is that of no site, and shows none.
    headers, body = refusal(wire, problem.status, shown, navigation, asked, "", time.time())
    head_only = parts is not None and parts.method == b"HEAD"
    answer = own_answer(problem.status, headers, body, wire.date(), shown, b"Connection: close\r\n", head_only)
    content_type = next((value for name, value in headers if name == b"Content-Type"), b"")
    client, secure = peer.client, peer.secure
    if parts is not None:
        client, secure = visitor(peer, parts.headers, wire.trusted, wire.hops)
    report = Refusal(
        ray,
        client,
        time.time(),
        parts.method if parts is not None else None,
        parts.target if parts is not None else None,
        _host(authority) if authority is not None else None,
        parts.headers if parts is not None else None,
        problem.status,
        problem.reason,
        str(problem),
        Outcome(
            problem.status,
            received,
            len(answer),
            0 if head_only else len(body),
            content_type,
            "",
            0,
            0.0,
            0.0,
            0.0,
            Ending.REFUSED,
            str(problem),
        ),
        secure,
    )
    wire.counts.refused += 1
    try:
        wire.on_refused(report)
    except Exception:
        wire.failed("on_refused")
    return answer
