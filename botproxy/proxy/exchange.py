"""One request on one client connection, from its checked head to its outcome.

The handler answers it in one of two ways: `respond` with an answer of our own, or `forward` to an origin. Whatever then
happens, `on_ended` is called once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from botproxy.errors import ClientError
from botproxy.hooks.replies import Changes
from botproxy.model import Body, Ending, Outcome
from botproxy.proxy.admission import Admission
from botproxy.proxy.answers import HeaderList, own_answer, refusal
from botproxy.proxy.jsd.pages import Page
from botproxy.proxy.peek import Peek
from botproxy.proxy.refusals import is_navigation
from botproxy.proxy.relay import OnResponse, Relay
from botproxy.proxy.wire import Wire

if TYPE_CHECKING:
    from botproxy.proxy.pool import OriginPool
    from botproxy.proxy.responder import Responder

_NEW: Final = 0  # the handler has not said anything yet
_COLLECTING: Final = 1  # a small body is being read for the handler
_FORWARDED: Final = 2
_ENDED: Final = 3


__all__ = ["Exchange", "HeaderList"]


@final
class Exchange:
    """One request and whatever becomes of it.

    `on_ended` is called exactly once, when the exchange is over, with what was done; it must not raise or block.
    """

    __slots__ = (
        "_collected",
        "_collected_size",
        "_ending_detail",
        "_limit",
        "_peeked",
        "_phase",
        "_started",
        "_then",
        "_wire",
        "body_sent",
        "cf_ray",
        "client",
        "content_type",
        "expect_continue",
        "first_byte",
        "front",
        "keep",
        "marked_at",
        "marked_in",
        "marked_out",
        "on_ended",
        "peek",
        "referrer_policy",
        "relay",
        "request",
        "sent",
        "slow_since",
        "status",
        "websocket",
    )

    def __init__(self, wire: Wire, front: Responder, admission: Admission, started: float) -> None:
        request, client, keep, websocket, expect_continue = admission
        self.request: Final = request
        self.client: Final = client
        self.on_ended: Callable[[Outcome], None] | None = None
        self.cf_ray: Final = request.ray.encode("ascii") + wire.location  # as in Cf-Ray
        self.front: Final = front
        self.relay: Relay | None = None
        self.peek: Peek | None = None
        self.websocket: Final = websocket
        self.expect_continue = expect_continue  # and nobody has answered that yet
        self.keep = keep  # the client connection, as far as is known
        self.status = 0  # that went to the client
        self.sent = 0  # bytes to the client
        self.body_sent = 0  # of them body, before any coding
        self.content_type = b""
        self.referrer_policy = b""
        self.first_byte = 0.0  # when the response began
        self._wire: Final = wire
        self._phase = _NEW
        self._started: Final = started
        self._ending_detail = ""
        self._peeked = False
        self._then: Callable[[bytes | None], None] | None = None
        # for `watch`: what had moved when it last looked, and when that was
        self.marked_at = started
        self.marked_in = 0
        self.marked_out = 0
        self.slow_since = 0.0

    # What the handler calls

    @property
    def answered(self) -> bool:
        """Whether `respond` or `forward` was called, or the exchange is over."""
        return self._phase >= _FORWARDED

    def respond(
        self, status: int, headers: HeaderList, body: bytes, ending: Ending = Ending.FINISHED, detail: str = ""
    ) -> None:
        """Answer ourselves: `headers` without Date, Content-Length, Connection and Cf-Ray, which are added here.

        `ending` and the private `detail` go to the outcome. A second answer raises RuntimeError; when the client has
        left, nothing happens.
        """
        if self._may_answer():
            self._answer(status, headers, body, ending, detail)

    def refuse(self, status: int, detail: str, title: str = "", sentence: str = "", *, by_rule: bool = False) -> None:
        """Answer with the usual page or JSON of this status; `detail` is private and goes to the outcome. `by_rule`
        says that a rule of the site decided so."""
        if self._may_answer():
            self._refuse(status, Ending.REFUSED, detail, title, sentence, by_rule)

    def forward(
        self,
        origins: OriginPool,
        extra: HeaderList = (),
        on_response: OnResponse | None = None,
        changes: Changes | None = None,
        page: Page | None = None,
    ) -> None:
        """Stream the request to an origin and its answer back.

        `extra` goes to the origin with the request; `on_response` sees the origin's final head once and returns headers
        to add to the response; `changes` are what a hook wants of the headers of both; `page` may put a script into
        the response.
        """
        if self._may_answer():
            self._then = None
            self._phase = _FORWARDED
            relay = Relay(self._wire, self, origins, extra, on_response, changes, page)
            self.relay = relay
            relay.start()

    def collect_body(self, limit: int, then: Callable[[bytes | None], None]) -> None:
        """Read the whole body, at most `limit` bytes, and hand it to `then`: None when it is larger or the client left.

        `then` answers. A body that was collected is no longer there to forward.
        """
        if self._phase == _ENDED:
            then(None)
            return
        if self._phase != _NEW:
            raise RuntimeError("the body was asked for already")
        length = self.request.body_length
        if length == 0:
            then(b"")
            return
        if length is not None and length > limit:
            then(None)
            return
        self._phase = _COLLECTING
        self._collected: list[bytes] = []
        self._collected_size = 0
        self._limit = limit
        self._then = then
        if self.expect_continue:
            self.expect_continue = False
            self.front.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.front.open_body()

    def peek_body(self, wanted: int, then: Callable[[Body], None], *, keep: bool = False) -> None:
        """Read the first `wanted` bytes of the body, or all when there are no more or rules see no more, for `then`.

        `then` answers. What was read is still there to forward. When the client leaves before, `then` is not called.
        `keep` is whether whoever got the body holds on to it until the exchange is over.
        """
        if self._phase == _ENDED:
            return
        if self._phase != _NEW:
            raise RuntimeError("the body was asked for already")
        wire = self._wire
        self._peeked = True
        self.peek = Peek(self, wire.held, min(wanted, wire.limits.rule_body), then, keep)
        if self.expect_continue:
            self.expect_continue = False
            self.front.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.front.open_body()

    @property
    def over(self) -> bool:
        """Whether nothing can be answered any more."""
        return self._phase == _ENDED

    def _may_answer(self) -> bool:
        if self._phase == _FORWARDED:
            raise RuntimeError("the request was answered already")
        return self._phase != _ENDED

    # What the client connection calls

    def body_data(self, data: bytes) -> None:
        """A piece of the request body."""
        relay = self.relay
        if relay is not None:
            relay.body_data(data)
        elif self.peek is not None:
            self._add_to_peek(self.peek, data)
        elif self._phase == _COLLECTING:
            self._collected_size += len(data)
            if self._collected_size > self._limit:
                self._give_body(None)
            else:
                self._collected.append(data)

    def body_end(self) -> None:
        """The request body is complete."""
        if self.peek is not None:
            self._end_peek(self.peek)
        elif self.relay is not None:
            self.relay.body_end()
        elif self._phase == _COLLECTING:
            self._give_body(b"".join(self._collected))

    def _add_to_peek(self, peek: Peek, data: bytes) -> None:
        try:
            peek.data(data)
        except Exception:
            self._wire.failed("handler")
            self.fail()

    def _end_peek(self, peek: Peek) -> None:
        try:
            peek.end()
        except Exception:
            self._wire.failed("handler")
            self.fail()

    def _give_body(self, body: bytes | None) -> None:
        then = self._then
        self._then = None
        self._collected = []
        self._phase = _NEW
        if then is not None:
            try:
                then(body)
            except Exception:
                self._wire.failed("handler")
                self.fail()

    def fail(self) -> None:
        """The handler raised: 500, or a cut connection when the response has begun."""
        self.give_up(500, Ending.REFUSED, "handler failed")

    def client_blocked(self, blocked: bool) -> None:
        """The client reads too slowly (or again fast enough): the origin waits for it."""
        if self.relay is not None:
            self.relay.hold(blocked)

    def client_left(self, detail: str) -> None:
        """The client connection is gone: what the origin does for it is cancelled."""
        tunnel = self.relay is not None and self.relay.tunnelling
        self._finish_early(Ending.FINISHED if tunnel else Ending.CLIENT_LEFT, detail)

    def drained(self) -> None:
        """We are leaving and cannot wait for the end."""
        self._finish_early(Ending.DRAINED, "cut at the end of draining")

    def _finish_early(self, ending: Ending, detail: str) -> None:
        if self._phase != _ENDED:
            if self.relay is not None:
                self.relay.drop()
            self.end(ending, False, detail)

    def refuse_body(self, problem: ClientError) -> None:
        """The request body is at fault (coding, size, pace): answer so if that is still possible, else cut."""
        self.keep = False
        self.give_up(problem.status, Ending.REFUSED, str(problem))

    # Endings

    def give_up(self, status: int, ending: Ending, detail: str) -> None:
        """End with an error: answered if nothing of a response went out yet, else by a cut that the client notices."""
        if self._phase == _ENDED:
            return
        relay = self.relay
        if relay is not None:
            relay.drop()
        if self.status:
            self.front.cut(relay is not None and relay.framed)
            self.end(ending, False, detail)
        else:
            self._refuse(status, ending, detail)

    def _refuse(
        self, status: int, ending: Ending, detail: str, title: str = "", sentence: str = "", by_rule: bool = False
    ) -> None:
        request = self.request
        headers, body = refusal(
            self._wire,
            status,
            self.cf_ray,
            is_navigation(request.method, request.headers),
            request.headers,
            request.host,
            request.received,
            title,
            sentence,
            by_rule,
        )
        self._answer(status, headers, body, ending, detail)

    def _answer(self, status: int, headers: HeaderList, body: bytes, ending: Ending, detail: str = "") -> None:
        self._then = None
        keep = self.keep and not self._wire.draining and self.front.can_skip_body()
        head_only = self.request.method == b"HEAD"
        data = own_answer(status, headers, body, self._wire.date(), self.cf_ray, self.connection(keep), head_only)
        self.status = status
        self.content_type = next((value for name, value in headers if name.lower() == b"content-type"), b"")
        self.first_byte = time.monotonic()
        self.sent += len(data)
        self.body_sent = 0 if head_only or status in (204, 304) else len(body)
        self.front.write(data)
        self.end(ending, keep, detail)

    def connection(self, keep: bool) -> bytes:
        """The Connection line of a response, or nothing."""
        if keep:
            return b"" if self.request.version != "HTTP/1.0" else b"Connection: keep-alive\r\n"
        return b"" if self.request.version == "HTTP/2" else b"Connection: close\r\n"

    def end(self, ending: Ending, keep: bool, detail: str = "") -> None:
        """The exchange is over; the first call counts."""
        if self._phase == _ENDED:
            return
        self._phase = _ENDED
        self._wire.counts.requests_now -= 1
        then = self._then
        if then is not None:
            self._then = None
            try:
                then(None)
            except Exception:
                self._wire.failed("handler")
        ended = self.on_ended
        if ended is not None:
            self.on_ended = None
            self._wire.outbox.conclude(ended, self._outcome(ending, detail))
        # The two point at each other: parted, they are freed at once and the cycle collector has nothing to find.
        self.relay = None
        if self._peeked:
            self.peek = None
            self._wire.held.release(self)
        self.front.exchange_ended(keep, ending)

    def _outcome(self, ending: Ending, detail: str) -> Outcome:
        started = self._started
        front = self.front
        relay = self.relay
        return Outcome(
            self.status,
            front.head_size + front.body_received,
            self.sent,
            self.body_sent,
            self.content_type,
            relay.origin if relay is not None else "",
            relay.origin_status if relay is not None else 0,
            relay.answered_at - started if relay is not None and relay.answered_at else 0.0,
            self.first_byte - started if self.first_byte else 0.0,
            time.monotonic() - started,
            ending,
            detail,
            self.referrer_policy,
        )
