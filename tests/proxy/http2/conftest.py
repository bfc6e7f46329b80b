"""A client of HTTP/2 whose every frame a test may send itself."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from hyperframe.frame import Frame, GoAwayFrame

from botproxy.proxy import Pair, tls_context


class Answer:
    """What came back on one stream."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.interim: list[dict[str, str]] = []
        self.body = b""
        self.ended = False
        self.reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers.get(":status", "0"))

    @property
    def done(self) -> bool:
        return self.ended or self.reset is not None


class Talker:
    """One connection. h2 keeps the books; `raw` goes around it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        configuration = H2Configuration(
            client_side=True,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = H2Connection(configuration)
        self.answers: dict[int, Answer] = {}
        self.windows: dict[int, int] = {}
        self.goaways: list[tuple[int, int]] = []
        self.closed = False
        self.acknowledges = True
        self._rest = b""

    def begin(self) -> None:
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        data = self.h2.data_to_send()
        if data and not self.closed:
            self.client.send(data)

    def raw(self, *frames: Frame | bytes) -> None:
        self.client.send(b"".join([each if isinstance(each, bytes) else each.serialize() for each in frames]))

    def headers(self, method: str = "GET", path: str = "/", *more: tuple[str, str]) -> list[tuple[str, str]]:
        return [(":method", method), (":scheme", "https"), (":authority", "a.test"), (":path", path), *more]

    def ask(self, method: str = "GET", path: str = "/", *more: tuple[str, str], end: bool = True) -> int:
        return self.send(self.headers(method, path, *more), end=end)

    def send(self, headers: list[tuple[str, str]], end: bool = True) -> int:
        stream: int = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, headers, end_stream=end)
        self.flush()
        return stream

    def data(self, stream: int, data: bytes, end: bool = False) -> None:
        while len(data) > 16384:
            self.h2.send_data(stream, data[:16384])
            data = data[16384:]
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    async def hear(self) -> bool:
        """Take in what arrives next; False at the end of the connection."""
        try:
            data = await asyncio.wait_for(self.client.reader.read(65536), 10)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.h2.receive_data(self._without_goaway(data)):
            self._take(event)
        with contextlib.suppress(Exception):
            self.flush()
        return True

    def _without_goaway(self, data: bytes) -> bytes:
        """h2 takes nothing more once it was told to go away, answers that were promised included."""
        self._rest += data
        kept = b""
        while len(self._rest) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(self._rest[:9]))
            if len(self._rest) < 9 + length:
                break
            if isinstance(frame, GoAwayFrame):
                frame.parse_body(memoryview(self._rest[9 : 9 + length]))
                self.goaways.append((frame.last_stream_id, frame.error_code))
            else:
                kept += self._rest[: 9 + length]
            self._rest = self._rest[9 + length :]
        return kept

    def _take(self, event: Event) -> None:
        answer = self.answers.setdefault(getattr(event, "stream_id", 0) or 0, Answer())
        if isinstance(event, ResponseReceived):
            answer.headers = {str(name): str(value) for name, value in event.headers or ()}
        elif isinstance(event, InformationalResponseReceived):
            answer.interim.append({str(name): str(value) for name, value in event.headers or ()})
        elif isinstance(event, DataReceived):
            answer.body += event.data or b""
            if self.acknowledges and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id or 0)
        elif isinstance(event, StreamEnded):
            answer.ended = True
        elif isinstance(event, StreamReset):
            answer.reset = int(event.error_code or 0)
        elif isinstance(event, WindowUpdated):
            self.windows[event.stream_id or 0] = self.windows.get(event.stream_id or 0, 0) + (event.delta or 0)

    async def until(self, done: Callable[[], object]) -> None:
        while not done():
            assert await self.hear(), "the connection ended before"

    async def answer(self, stream: int) -> Answer:
        answer = self.answers[stream]
        await self.until(lambda: answer.done)
        return answer

    async def get(self, path: str = "/", *more: tuple[str, str]) -> Answer:
        return await self.answer(self.ask("GET", path, *more))

    async def gone(self) -> list[tuple[int, int]]:
        """Every GOAWAY, once the connection has ended."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await asyncio.wait_for(self.client.reader.read(65536), 10):
                self._without_goaway(data)
        return self.goaways


@pytest.fixture
def context(certificates: Any) -> ssl.SSLContext:
    pair = Pair(certificates.certificate_file, certificates.key_file)
    return tls_context(pair, protocols=("h2", "http/1.1"))


@pytest.fixture
def talk(certificates: Any) -> Any:
    """`await talk(proxy)` is a connection that has agreed on HTTP/2."""

    async def connect(proxy: Any, begin: bool = True) -> Talker:
        trust = ssl.create_default_context(cafile=str(certificates.authority_file))
        trust.set_alpn_protocols(["h2", "http/1.1"])
        client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        talker = Talker(client)
        if begin:
            talker.begin()
        return talker

    return connect
