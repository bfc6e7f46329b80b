"""Whatever frames arrive, in whatever order: an error of the protocol, never an exception; and nothing stays behind."""

from __future__ import annotations

import asyncio
from typing import Any

import hyperframe.frame as frames
from hpack import Encoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.proxy import Wire
from botproxy.proxy.http2.connection import Http2Connection
from botproxy.proxy.http2.guard import PREFACE
from botproxy.proxy.wire import RECEIVED


class Sink:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.written = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def get_extra_info(self, name: str) -> Any:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, **limits: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        self.aborted = True

    abort = close


FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b":method", b":path", b":scheme", b":authority", b":x", b"host", b"cookie", b"te", b"A", b""]),
        st.sampled_from([b"GET", b"POST", b"/", b"https", b"a.test", b"1", b"trailers", b"\r\n", b" ", b"\xff"]),
    ),
    max_size=8,
)
GOOD = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"a.test"), (b":path", b"/")]


@st.composite
def frame(draw: Any) -> bytes:
    stream = draw(st.sampled_from([0, 1, 1, 1, 2, 3, 3, 5, 7, 2**31 - 1]))
    kind = draw(st.integers(0, 12))
    flags = draw(st.sampled_from([0, 1, 4, 5, 5, 8, 12, 32, 255]))
    if kind in (1, 9) and draw(st.booleans()):
        payload = Encoder().encode(draw(st.one_of(st.just(GOOD), FIELDS)))
        flags = draw(st.sampled_from([4, 5, 0, 1]))
    else:
        payload = draw(st.one_of(st.binary(max_size=40), st.sampled_from([bytes(4), bytes(5), bytes(6), bytes(8)])))
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(frame(), max_size=25), st.integers(1, 200), st.booleans())
def test_arbitrary_frames(sent: list[bytes], piece: int, answers: bool) -> None:
    async def run() -> None:
        wire = Wire()

        def handler(exchange: Any) -> None:
            if answers:
                exchange.respond(200, (), b"x" * 100)
            else:
                exchange.collect_body(1000, lambda body: exchange.respond(200, (), body or b""))

        wire.handler = handler
        connection = Http2Connection(wire)
        sink: Any = Sink()
        connection.connection_made(sink)
        data = PREFACE + frames.SettingsFrame(0).serialize() + b"".join(sent)
        for at in range(0, len(data), piece):
            part = data[at : at + piece]
            RECEIVED[: len(part)] = part
            connection.buffer_updated(len(part))
            wire.outbox.settle()
        connection.connection_lost(None)
        wire.outbox.settle()
        wire.deadlines.close()
        assert wire.counts.handler_errors == 0
        assert wire.counts.requests_now == 0
        assert not connection.streams
        assert connection.unsent == 0
        assert not wire.fronts

    asyncio.run(run())
