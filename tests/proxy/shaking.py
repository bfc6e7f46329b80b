"""A TLS client whose every byte the test sends itself, in whatever pieces it likes."""

from __future__ import annotations

import ssl
from struct import pack
from typing import Any


class Shaking:
    """The client's half of a handshake, over a connection that carries what it is told to."""

    def __init__(self, authority: str, name: str | None = "www.example.test", protocols: tuple[str, ...] = ()) -> None:
        context = ssl.create_default_context(cafile=authority)
        context.check_hostname = name is not None
        if protocols:
            context.set_alpn_protocols(list(protocols))
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._step()
        self.hello = self._outgoing.read()

    def _step(self) -> bool:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    async def finish(self, client: Any) -> None:
        """Go on after the hello was sent, until both sides agree."""
        while not self._step():
            client.send(self._outgoing.read())
            data = await client.reader.read(65536)
            if not data:
                raise ConnectionError("closed in the middle of the handshake")
            self._incoming.write(data)
        client.send(self._outgoing.read())

    async def ask(self, client: Any, request: bytes) -> bytes:
        """Send a request and read its answer, whose body is `hello`."""
        return await self.ask_for(client, request, b"hello")

    async def ask_for(self, client: Any, request: bytes, wanted: bytes) -> bytes:
        """Send something and read what comes until `wanted` is in it."""
        self.tls.write(request)
        client.send(self._outgoing.read())
        answer = b""
        while wanted not in answer:
            try:
                answer += self.tls.read(65536)
            except ssl.SSLWantReadError:
                data = await client.reader.read(65536)
                if not data:
                    raise ConnectionError("closed without an answer") from None
                self._incoming.write(data)
        return answer


def in_records(hello: bytes, size: int) -> bytes:
    """The same hello in records of `size` bytes each."""
    message = hello[5:]
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(hello[:3] + pack(">H", len(piece)) + piece for piece in pieces)
