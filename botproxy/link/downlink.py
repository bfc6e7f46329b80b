"""The supervisor's end of one worker's link."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, final

import orjson

from botproxy.link.frames import Decoder, FrameError, Kind, encode
from botproxy.store import Notice, OwnedKeys, StoreAway, StoreFull
from botproxy.traffic import RecordError, ToldError

READ_SIZE = 256 * 1024
READS_A_TURN = 8
"""Reads before other links and the admin listener get their turn."""

MAX_DOWN = 8 * 1024**2
"""Bytes that wait for a worker that does not read; beyond, the link is closed and the worker with it. All notices that
can be live, each as long as it may be, take less."""

NOTICES_A_FRAME = 256


class Reader(Protocol):
    """What the supervisor does with what comes up."""

    def on_state(self, word: str) -> None:
        """The worker says how far its life is."""
        ...

    def on_events(self, payload: bytes) -> None:
        """A JSON array of event rows, still encoded."""
        ...

    def on_counters(self, snapshot: dict[str, Any]) -> None:
        """What the worker counted so far."""
        ...

    def on_rates(self, payload: bytes) -> None:
        """Records of rate limiting, still encoded. Raises RecordError when they are none."""
        ...

    def on_profiles(self, payload: bytes) -> None:
        """What callers did, still encoded. Raises ToldError when it is none."""
        ...

    def on_bot_question(self, payload: bytes) -> None:
        """A question about a bot, still encoded. Raises FrameError when it is none."""
        ...

    def on_report(self, payload: bytes) -> None:
        """What a visitor reported, still encoded."""
        ...

    def on_passed_over(self, payload: bytes) -> None:
        """A page that got no script, still encoded."""
        ...

    def on_gone(self) -> None:
        """The worker closed its end; everything it had sent was read before."""
        ...


@final
class Downlink:
    """Reads one worker's frames, answers its questions, tells it modes and when to drain."""

    def __init__(self, link: socket.socket, reader: Reader, store: OwnedKeys, loop: asyncio.AbstractEventLoop) -> None:
        link.setblocking(False)
        self._link = link
        self._reader = reader
        self._store = store
        self._loop = loop
        self._decoder = Decoder()
        self._read = memoryview(bytearray(READ_SIZE))  # one for ever: as much anew for every read is fetched each time
        self._out = bytearray()
        self._open = True
        self._answering: set[asyncio.Task[None]] = set()  # no more than the worker has questions, MAX_ASKS
        loop.add_reader(link.fileno(), self._readable)

    @property
    def open(self) -> bool:
        """Whether the worker is at the other end."""
        return self._open

    def modes(self, instance: str, by_zone: Mapping[str, str], under_attack: Sequence[str] = ()) -> None:
        """Tell the modes that hold from now on, and the zones that are under attack."""
        self._send(encode(Kind.MODES, orjson.dumps([instance, by_zone, under_attack])))

    @property
    def unread(self) -> int:
        """Bytes that wait because the worker does not read."""
        return len(self._out)

    def tell(self, kind: Kind, payload: bytes) -> None:
        """Tell what others counted, or what is known of bots or of callers; whoever tells much looks at `unread` in
        between."""
        self._send(encode(kind, payload))

    def notices(self, topic: str, notices: Sequence[Notice]) -> None:
        """Tell notices, in frames of some size."""
        for start in range(0, len(notices), NOTICES_A_FRAME):
            said = [[each.id.hex(), each.body.hex(), each.expires] for each in notices[start : start + NOTICES_A_FRAME]]
            self._send(encode(Kind.NOTICES, orjson.dumps([topic, said])))

    def drain(self, ending: bool) -> None:
        """Ask the worker to end once its connections have; `ending` when nothing takes its place."""
        self._send(encode(Kind.DRAIN, b"ending" if ending else b"replaced"))

    def close(self) -> None:
        """Close; the worker takes that as a wish to drain."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._link.fileno())
            self._loop.remove_writer(self._link.fileno())
            self._link.close()

    def _send(self, frame: bytes) -> None:
        if not self._open:
            return
        waiting = bool(self._out)
        self._out += frame
        if not waiting:
            self._write()
        elif len(self._out) > MAX_DOWN:
            self._gone()

    def _write(self) -> None:
        try:
            sent = self._link.send(self._out)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            # Nothing can be sent any more, but what the worker had sent can still be read.
            self._out.clear()
            self._loop.remove_writer(self._link.fileno())
            return
        del self._out[:sent]
        if self._out:
            self._loop.add_writer(self._link.fileno(), self._write)
        else:
            self._loop.remove_writer(self._link.fileno())

    def _readable(self) -> None:
        for _ in range(READS_A_TURN):
            try:
                size = self._link.recv_into(self._read)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                size = 0
            if not size:
                self._gone()
                return
            try:
                for kind, payload in self._decoder.feed(self._read[:size]):
                    self._received(kind, payload)
            except (FrameError, RecordError, ToldError, orjson.JSONDecodeError):
                self._gone()
            if not self._open or size < READ_SIZE:
                return

    def _received(self, kind: Kind, payload: bytes) -> None:
        match kind:
            case Kind.EVENTS:
                self._reader.on_events(payload)
            case Kind.COUNTERS:
                self._reader.on_counters(orjson.loads(payload))
            case Kind.RATES:
                self._reader.on_rates(payload)
            case Kind.PROFILES:
                self._reader.on_profiles(payload)
            case Kind.BOT_QUESTION:
                self._reader.on_bot_question(payload)
            case Kind.REPORT:
                self._reader.on_report(payload)
            case Kind.PASSED_OVER:
                self._reader.on_passed_over(payload)
            case Kind.ASK:
                answering = self._loop.create_task(self._answer(*orjson.loads(payload)))
                self._answering.add(answering)
                answering.add_done_callback(self._answering.discard)
            case Kind.STATE:
                self._reader.on_state(payload.decode())
            case _:
                raise FrameError(f"{kind.name} came up")

    async def _answer(self, number: int, key: str, ttl: float, deadline: float, owner: str = "") -> None:
        if time.monotonic() > deadline:
            return  # the worker has given up, and burning now would only spend the key
        said: bool | str
        try:
            if owner:
                said = await self._store.own(bytes.fromhex(key), bytes.fromhex(owner), ttl)
            else:
                said = await self._store.burn(bytes.fromhex(key), ttl)
        except StoreFull:
            said = "full"
        except StoreAway:
            return  # as if this supervisor were away: the worker knows what to do after its deadline
        self._send(encode(Kind.ANSWER, orjson.dumps([number, said])))

    def _gone(self) -> None:
        if self._open:
            self.close()
            self._reader.on_gone()
