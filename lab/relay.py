"""Gives connections an address: each door of the relay leads to the proxy, which is told who comes through it.

The proxy hears of the address by the PROXY protocol, version 2. So one machine can be many visitors, and no client has
to be told to send a header that no visitor sends.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Self, final

from lab.tap import PEER

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_PIECE = 65_536


def header(source: str, port: int) -> bytes:
    """A PROXY header, version 2, for a TCP connection over IPv4 from this address and port."""
    body = IPv4Address(source).packed + IPv4Address("198.18.0.1").packed + struct.pack(">HH", port, 443)
    return _SIGNATURE + b"\x21\x11" + struct.pack(">H", len(body)) + body


@final
class Relay:
    """`with Relay(ports) as relay:` then `relay.door("https", ["198.18.0.7"])` is a port for this visitor.

    With several addresses each connection takes the next one in turn.
    """

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: dict[int, asyncio.Server] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for port in list(self._servers):
            self.close(port)
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _hang_up(self) -> None:
        own = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not own]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def door(self, scheme: str, addresses: Sequence[str]) -> int:
        """A port on 127.0.0.1 that leads to the proxy's listener for this scheme."""
        return asyncio.run_coroutine_threadsafe(self._open(scheme, addresses), self._loop).result(10)

    def close(self, port: int) -> None:
        """Shut a door; connections that came through it go on."""
        server = self._servers.pop(port, None)
        if server is not None:
            self._loop.call_soon_threadsafe(server.close)

    async def _open(self, scheme: str, addresses: Sequence[str]) -> int:
        turn = itertools.cycle(addresses)

        async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                further, onward = await asyncio.open_connection("127.0.0.1", self._ports[scheme], local_addr=(PEER, 0))
                peer: tuple[str, int] = writer.get_extra_info("peername")
                onward.write(header(next(turn), peer[1]))
                await asyncio.gather(_pump(reader, onward), _pump(further, writer))

        server = await asyncio.start_server(come, "127.0.0.1", 0, family=socket.AF_INET)
        port: int = server.sockets[0].getsockname()[1]
        self._servers[port] = server
        return port


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        with suppress(OSError, RuntimeError):
            writer.close()
