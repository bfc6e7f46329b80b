"""A request on its way to an origin, and the answer on its way back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, NamedTuple, final

from botproxy.hooks.replies import Changes
from botproxy.model import Ending
from botproxy.proxy.answers import HeaderList, header_lines
from botproxy.proxy.chunked import LAST_CHUNK, chunk
from botproxy.proxy.forwarding import lines_without, request_head
from botproxy.proxy.injection.codings import CodingError
from botproxy.proxy.injection.splicing import Part
from botproxy.proxy.injection.streams import PageBody
from botproxy.proxy.jsd.pages import Page
from botproxy.proxy.records import ResponseHead
from botproxy.proxy.websocket import Tunnel
from botproxy.proxy.wire import Wire

if TYPE_CHECKING:
    from botproxy.proxy.exchange import Exchange
    from botproxy.proxy.pool import OriginPool
    from botproxy.proxy.responses import OriginHead
    from botproxy.proxy.upstream import UpstreamConnection

OnResponse = Callable[[ResponseHead], HeaderList]

_REPEATABLE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


class _Late(NamedTuple):
    head: OriginHead
    length: int | None
    added: bytes
    lines: bytes


@final
class Relay:
    """Between an exchange and the connection to an origin that serves it; made once for each forwarded request."""

    __slots__ = (
        "_attempts",
        "_body",
        "_changes",
        "_chunked",
        "_ended",
        "_exchange",
        "_extra",
        "_front",
        "_head",
        "_held",
        "_late",
        "_left",
        "_on_response",
        "_origins",
        "_page",
        "_tunnel",
        "_turn",
        "_upstream",
        "_waiting",
        "_whole",
        "_wire",
        "answered_at",
        "asked_at",
        "framed",
        "origin",
        "origin_status",
    )

    def __init__(
        self,
        wire: Wire,
        exchange: Exchange,
        origins: OriginPool,
        extra: HeaderList,
        on_response: OnResponse | None,
        changes: Changes | None = None,
        page: Page | None = None,
    ) -> None:
        self._wire: Final = wire
        self._exchange: Final = exchange
        self._front: Final = exchange.front
        self._origins: Final = origins
        self._extra: Final = extra
        self._on_response: Final = on_response
        self._changes: Final = changes
        self._page: Final = page
        self._body: PageBody | None = None  # of an answer that a script is put into
        self._late: _Late | None = None  # its head, until it is known how long it will be
        self._left: int | None = None  # bytes of it that are still to come, where that is known
        self._whole = False  # its end went on
        self._ended = False  # it has come whole, and not all of it went on
        self._held = False  # the client reads too slowly
        self._turn = False  # a turn of unpacking is due
        self._upstream: UpstreamConnection | None = None
        self._waiting = False
        self._attempts = 0
        self._head = b""  # of the response, until it goes out with the first of the body
        self._chunked = False  # so goes the response to the client
        self.framed = False  # the client can tell from the framing that a response is cut short
        self._tunnel: Tunnel | None = None
        self.asked_at = 0.0
        self.answered_at = 0.0
        self.origin = ""
        self.origin_status = 0

    def start(self) -> None:
        """Ask for a connection."""
        self._waiting = True
        self._origins.take(self, self.repeatable, False)

    @property
    def repeatable(self) -> bool:
        """Whether the request may be sent a second time (RFC 9110 section 9.2.2) and its body is still whole."""
        return self._exchange.request.method in _REPEATABLE and self._front.body_received == 0

    @property
    def awaiting_head(self) -> bool:
        """Whether the origin was asked and has not begun to answer."""
        return self._upstream is not None and not self.answered_at

    @property
    def held(self) -> int:
        """Bytes of the request that the origin has not taken yet."""
        return self._upstream.unsent if self._upstream is not None else 0

    # From the client

    def body_data(self, data: bytes) -> None:
        """A piece of the request body."""
        if self._upstream is not None:
            self._upstream.send_body(data)

    def body_end(self) -> None:
        """The request body is complete."""
        if self._upstream is not None:
            self.asked_at = time.monotonic()
            self._upstream.end_body()

    def hold(self, held: bool) -> None:
        """The client reads too slowly, or again fast enough."""
        self._held = held
        body = self._body
        if body is not None and body.waiting:
            if not held:
                self._take_turn()
        elif self._upstream is not None:
            self._upstream.hold(held)

    def hold_client(self, held: bool) -> None:
        """The origin takes no more of the request (or the tunnel) for now, or again."""
        self._front.hold_body(held)

    def drop(self) -> None:
        """Nobody wants the answer any more."""
        self._body = None
        if self._page is not None:
            self._page.let_go()
        upstream = self._upstream
        if upstream is not None:
            self._upstream = None
            upstream.abandon()
        elif self._waiting:
            self._waiting = False
            self._origins.leave(self)

    # From the pool

    def ready(self, upstream: UpstreamConnection) -> None:
        """A connection to an origin is ours."""
        self._waiting = False
        self._upstream = upstream
        self._attempts += 1
        self.origin = upstream.label
        self.asked_at = time.monotonic()
        exchange = self._exchange
        request = exchange.request
        changes = self._changes
        page = self._page
        extra = self._extra
        without: Collection[bytes] = ()
        if page is not None:
            extra = (*extra, *page.request_extra)
            without = page.request_without
        if changes is not None:
            extra = (*extra, *changes.request)
            without = {*without, *changes.request_without}
        head = request_head(
            request,
            exchange.client,
            exchange.cf_ray,
            websocket=exchange.websocket,
            host=upstream.host,
            expect_continue=exchange.expect_continue,
            extra=extra,
            without=without,
            cookies=self._origins.cookies,
        )
        upstream.start(self, head, request.method == b"HEAD", request.body_length, exchange.websocket)
        if self._front.write_blocked:
            self._held = True
            upstream.hold(True)
        if exchange.peek is not None:
            exchange.peek.replay(self)
        elif request.body_length != 0:
            self._front.open_body()

    def unavailable(self, status: int, detail: str) -> None:
        """No origin could be reached, or none is free."""
        self._waiting = False
        self._exchange.give_up(status, Ending.ORIGIN_FAILED, detail)

    # From the origin

    def interim(self, head: OriginHead) -> None:
        """A 1xx response other than 101: passed on, as RFC 9110 section 15.2 asks of a proxy."""
        exchange = self._exchange
        if head.head.status == 100:
            if not exchange.expect_continue:
                return
            exchange.expect_continue = False
        if exchange.request.version != "HTTP/1.0":
            data = self._origins.cookies.kept_from(head.lines) + b"\r\n"
            exchange.sent += len(data)
            self._front.write(data)

    def head(self, head: OriginHead, length: int | None) -> None:
        """The final response head; `length` of the body that follows, None when only its end will tell."""
        self.answered_at = time.monotonic()
        self.origin_status = head.head.status
        added = self._added(head)
        lines = self._lines(head)
        page = self._page
        if page is not None:
            if page.body is not None and length != 0:
                self._body = page.body
                self._late = _Late(head, length, added, lines)
                self._left = length
                return
            lines = page.lines(lines, head.head.status)
        self._compose(head, length, added, lines)

    def _compose(self, head: OriginHead, length: int | None, added: bytes, lines: bytes) -> None:
        exchange = self._exchange
        # A client that is still sending cannot be answered and kept: it might never finish.
        keep = exchange.keep and not self._wire.draining and not self._front.body_owed
        if length is not None or exchange.request.version == "HTTP/2":
            self.framed = True
        elif exchange.request.version == "HTTP/1.1":
            self.framed = self._chunked = True
            added += b"Transfer-Encoding: chunked\r\n"
        else:
            keep = False
        if not head.dated:
            added += b"Date: %b\r\n" % self._wire.date()
        exchange.keep = keep
        exchange.content_type = self._content_type(head)
        exchange.referrer_policy = head.referrer_policy
        self._head = b"%b%bCf-Ray: %b\r\n%b\r\n" % (
            lines,
            added,
            exchange.cf_ray,
            exchange.connection(keep),
        )

    def _compose_late(self, late: _Late, page: Page, body: PageBody) -> None:
        """The head of a page, now that the first of its body was looked at."""
        self._late = None
        body.settle()
        lines = page.lines(late.lines, late.head.head.status)
        length = late.length
        if body.changed:
            grown = body.grown
            length = None if length is None or grown is None else length + grown
            if length is not None:
                lines += b"Content-Length: %d\r\n" % length
        self._compose(late.head, length, late.added, lines)

    def _lines(self, head: OriginHead) -> bytes:
        changes = self._changes
        kept = self._origins.cookies.kept_from(head.lines)
        return kept if changes is None else lines_without(kept, changes.response_without)

    def _content_type(self, head: OriginHead) -> bytes:
        changes = self._changes
        if changes is None or b"content-type" not in changes.response_without:
            return head.content_type
        return next((value for name, value in changes.response if name.lower() == b"content-type"), b"")

    def _added(self, head: OriginHead) -> bytes:
        changed = b"" if self._changes is None else header_lines(self._changes.response)
        if self._on_response is None:
            return changed
        try:
            return changed + header_lines(self._on_response(head.head))
        except Exception:
            self._wire.failed("on_response")
            return changed

    def data(self, data: bytes) -> None:
        """A piece of the response body (or of a tunnel), or nothing: the head goes out with the first call."""
        body = self._body
        if body is None:
            self._send(data)
        else:
            self._feed(body, data)

    def _feed(self, body: PageBody, data: bytes) -> None:
        """A piece of a page that a script is put into."""
        left = self._left
        if left is not None:
            self._left = left = left - len(data)
        try:
            parts = body.feed(data)
            late = self._late
            if late is not None and self._page is not None:
                self._compose_late(late, self._page, body)
                if body.waiting:
                    parts.append(body.more())
            if left == 0 and not body.waiting:
                # All at once, as it came: a second writing would cost as much as everything else.
                parts.append(body.end())
                self._whole = not body.waiting
        except CodingError as problem:
            self._exchange.give_up(502, Ending.ORIGIN_FAILED, f"response body: {problem}")
            return
        self._send_parts(parts)
        if body.waiting:
            if self._upstream is not None:
                self._upstream.hold(True)
            self._take_turn()

    def _take_turn(self) -> None:
        if not self._turn:
            self._turn = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Another turn of unpacking, unless the client has enough."""
        self._turn = False
        body = self._body
        if body is None or self._held:
            return
        try:
            data = body.more()
        except CodingError as problem:
            self._exchange.give_up(502, Ending.ORIGIN_FAILED, f"response body: {problem}")
            return
        if data:
            self._send(data)
        if self._body is None:
            return
        if body.waiting:
            self._take_turn()
        elif self._ended:
            self.end()
        elif self._upstream is not None:
            self._upstream.hold(self._held)

    def _send(self, data: bytes) -> None:
        exchange = self._exchange
        if self._tunnel is not None:
            data = self._tunnel.from_origin(data)
        exchange.body_sent += len(data)
        if self._chunked and data:
            data = chunk(data)
        if self._head:
            data = self._begin() + data
        exchange.sent += len(data)
        self._front.write(data)

    def _send_parts(self, parts: list[Part]) -> None:
        """What `_send` does with one piece."""
        exchange = self._exchange
        size = sum(map(len, parts))
        if not size and not self._head:
            return
        exchange.body_sent += size
        if self._chunked and size:
            parts = [b"%x\r\n" % size, *parts, b"\r\n"]
            size += len(parts[0]) + 2
        if self._head:
            head = self._begin()
            size += len(head)
            parts.insert(0, head)
        exchange.sent += size
        self._front.write_parts(parts, size)

    def _begin(self) -> bytes:
        exchange = self._exchange
        exchange.status = self.origin_status
        exchange.first_byte = self.answered_at
        head = self._head
        self._head = b""
        return head

    def end(self) -> None:
        """The response is complete."""
        self._upstream = None
        body = self._body
        if body is not None and not self._end_body(body):
            return
        exchange = self._exchange
        if self._head or self._chunked:
            data = self._begin() if self._head else b""
            if self._chunked:
                data += LAST_CHUNK
            exchange.sent += len(data)
            self._front.write(data)
        exchange.end(Ending.FINISHED, exchange.keep)

    def _end_body(self, body: PageBody) -> bool:
        """Send the rest of a page; False while there is more than one turn can unpack."""
        late = self._late
        if late is not None and self._page is not None:
            self._compose_late(late, self._page, body)
        self._ended = True
        if body.waiting:
            return False
        if not self._whole:
            try:
                rest = body.end()
            except CodingError:
                rest = b""
            if rest:
                self._send(rest)
            if body.waiting:
                self._take_turn()
                return False
        self._body = None
        if self._page is not None:
            self._page.ended()
        return True

    def switched(self, head: OriginHead) -> None:
        """101: from now on bytes go both ways as they are."""
        exchange = self._exchange
        self.answered_at = time.monotonic()
        self.origin_status = 101
        exchange.keep = False
        self._head = b"%b%bCf-Ray: %b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" % (
            self._lines(head),
            self._added(head),
            exchange.cf_ray,
        )
        self.data(b"")
        self._tunnel = Tunnel()
        self._front.open_tunnel()

    def tunnel_data(self, data: bytes) -> None:
        """Bytes from the client, once it is a tunnel."""
        if self._tunnel is not None and self._upstream is not None:
            self._upstream.send_raw(self._tunnel.from_client(data))

    def go_away(self) -> bool:
        """End a tunnel politely, as soon as no frame is under way; False when there is none."""
        tunnel = self._tunnel
        if tunnel is None:
            return False
        tunnel.closing = True
        self.data(b"")
        self.tunnel_data(b"")
        return True

    @property
    def leaving(self) -> bool:
        """Whether both sides of a tunnel were told that it ends."""
        return self._tunnel is not None and self._tunnel.told

    @property
    def tunnelling(self) -> bool:
        """Whether bytes go both ways as they are."""
        return self._tunnel is not None

    def failed(self, status: int, detail: str, untouched: bool) -> None:
        """The origin's connection is of no more use. `untouched`: it was kept alive and never answered this request."""
        self._upstream = None
        if self.tunnelling:
            self._exchange.end(Ending.FINISHED, False)
        elif untouched and self._attempts == 1 and self.repeatable:
            self._wire.counts.retried += 1
            self._waiting = True
            self._origins.take(self, True, True)
        else:
            self._exchange.give_up(status, Ending.ORIGIN_FAILED, detail)

    def late(self, detail: str) -> None:
        """The origin keeps us waiting for too long."""
        self._exchange.give_up(504, Ending.ORIGIN_FAILED, detail)
