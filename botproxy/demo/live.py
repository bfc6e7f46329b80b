"""What stays open: the chat's WebSocket and the tide's event stream. Both are bounded and end with the site."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from math import cos, sin
from typing import Final

from aiohttp import WSCloseCode, web

_MOST_VISITORS: Final = 200
_MOST_WAITING: Final = 32  # messages for a visitor who does not read; then the oldest are dropped
_LONGEST_MESSAGE: Final = 4096
_PERIOD_SECONDS: Final = 120.0  # of the demo's moon, so that a tide turns while one watches


class Room:
    """Everyone in the chat, and whether the site is closing."""

    def __init__(self) -> None:
        self.queues: dict[web.WebSocketResponse, asyncio.Queue[str]] = {}
        self.closing = asyncio.Event()
        self.arrivals = 0

    def say(self, text: str) -> None:
        for queue in self.queues.values():
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(text)

    async def close(self) -> None:
        self.closing.set()
        for socket in list(self.queues):
            await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the shop closes")


ROOM: Final = web.AppKey("room", Room)


async def chat(request: web.Request) -> web.StreamResponse:
    """`/chat/socket`: what one visitor sends, everyone gets, the sender included."""
    room = request.app[ROOM]
    if len(room.queues) >= _MOST_VISITORS:
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "30"})
    socket = web.WebSocketResponse(heartbeat=30, max_msg_size=_LONGEST_MESSAGE)
    await socket.prepare(request)
    room.arrivals += 1
    name = f"visitor {room.arrivals}"
    queue: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
    room.queues[socket] = queue
    writer = asyncio.create_task(_deliver(socket, queue))
    room.say(f"{name} came in; {len(room.queues)} here")
    try:
        async for message in socket:
            if message.type is web.WSMsgType.TEXT:
                room.say(f"{name}: {message.data}")
            elif message.type is web.WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    finally:
        del room.queues[socket]
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        room.say(f"{name} left")
    return socket


async def _deliver(socket: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    with suppress(ConnectionError):
        while True:
            await socket.send_str(await queue.get())


def tide_at(seconds: float) -> dict[str, object]:
    angle = seconds * 6.28318 / _PERIOD_SECONDS
    return {"metres": round(3.1 + 2.2 * sin(angle) + 0.1 * sin(angle * 7), 3), "rising": cos(angle) > 0}


async def tide(request: web.Request) -> web.StreamResponse:
    """`/tide/stream`: an event a second until the visitor leaves; `?events=N` ends it after N."""
    room = request.app[ROOM]
    limit = request.query.get("events", "")
    left = int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 7 else None
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    await response.write(b"retry: 2000\n\n")
    number = 0
    with suppress(ConnectionError):
        while left is None or number < left:
            number += 1
            data = json.dumps(tide_at(time.time()))
            await response.write(f"id: {number}\nevent: tide\ndata: {data}\n\n".encode())
            with suppress(TimeoutError):
                await asyncio.wait_for(room.closing.wait(), 1)
                break
    return response
