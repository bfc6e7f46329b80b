"""A small HTTP proxy on loopback, as enterprises have: CONNECT, whole URLs, and a password if it is to want one."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from urllib.parse import urlsplit


class ConnectProxy:
    """Every name leads to this machine: who gets through has come by way of it."""

    def __init__(self, user: str = "", password: str = "") -> None:
        self.asked: list[str] = []  # first lines
        self._wanted = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ConnectProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        open_now = [writer]
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first = head.partition("\r\n")[0]
            self.asked.append(first)
            if self._wanted and f"Proxy-Authorization: Basic {self._wanted}" not in head:
                writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            method, target, _ = first.split(" ")
            parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
            inner, outer = await asyncio.open_connection("127.0.0.1", parts.port or 80)
            open_now.append(outer)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                rest = head.partition("\r\n")[2]
                outer.write(f"{method} {parts.path or '/'} HTTP/1.1\r\n{rest}".encode())
            await asyncio.gather(_copy(reader, outer), _copy(inner, writer))
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            for each in open_now:
                each.close()
                with suppress(OSError):
                    await each.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65536):
        writer.write(content)
        await writer.drain()
    writer.close()
