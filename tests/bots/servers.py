"""Servers to verify bots against: a scripted DNS server, dnsmasq, and an HTTPS server that can misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, cast

A, PTR, AAAA = 1, 12, 28
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


class ScriptedDns(asyncio.DatagramProtocol):
    """Answers from `records` by (name, type); names in `failing` with that code, those in `silent` never."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[str]] = {}
        self.failing: dict[str, int] = {}
        self.silent: set[str] = set()
        self.quiet = False  # answer nothing at all
        self.asked: list[tuple[str, int]] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()

    async def start(self) -> str:
        """Listen; the address with its port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def name(self, address: str, *names: str) -> None:
        """Give an address these names."""
        self.records[ip_address(address).reverse_pointer, PTR] = list(names)

    def host(self, name: str, *addresses: str) -> None:
        """Give a name these addresses."""
        for address in addresses:
            kind = A if ip_address(address).version == 4 else AAAA
            self.records.setdefault((name, kind), []).append(address)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        name = ".".join(labels).lower()
        kind = struct.unpack_from("!H", data, at + 1)[0]
        question = data[12 : at + 5]
        self.asked.append((name, kind))
        if self.quiet or name in self.silent or self._transport is None:
            return
        code = self.failing.get(name, 0)
        answers = [] if code else self.records.get((name, kind), [])
        if not code and not answers and not any(known == name for known, _ in self.records):
            code = NXDOMAIN
        reply = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(answers), 0, 0) + question
        for answer in answers:
            payload = _name(answer) if kind == PTR else ip_address(answer).packed
            reply += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(payload)) + payload
        self._transport.sendto(reply, addr)


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".")) + b"\0"


Answering = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Https:
    """An HTTPS server on loopback; `answer` is called with the path of each request and writes the whole response."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.answer: Answering = _not_found
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            self.heads.append(head)
            self.asked.append(path)
            await self.answer(path, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def serves(self, body: bytes, *, content_type: str = "application/json", status: int = 200, more: str = "") -> None:
        """Answer every request with this."""

        async def answer(path: str, writer: asyncio.StreamWriter) -> None:
            head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
            writer.write(head.encode() + body)
            await writer.drain()

        self.answer = answer


async def _not_found(path: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


def free_port() -> int:
    """A port that nobody listens on, for UDP and TCP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
