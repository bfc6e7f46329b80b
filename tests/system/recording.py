"""Origins written by hand: one that keeps every byte it was sent, and scripts that misbehave."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Script = Callable[[socket.socket, "Recording"], None]


class Recording:
    """What reached the origin, connection by connection."""

    def __init__(self) -> None:
        self.connections: list[bytearray] = []
        self.names: list[str | None] = []  # what TLS clients asked for by SNI
        self.url = ""

    @property
    def received(self) -> bytes:
        """Every byte of every connection."""
        return b"".join(map(bytes, list(self.connections)))

    def head(self, connection: socket.socket) -> bytes:
        """Read a request head, recorded with whatever came after it; empty when the other side left."""
        log = bytearray()
        self.connections.append(log)
        while b"\r\n\r\n" not in log:
            piece = connection.recv(65536)
            if not piece:
                return b""
            log += piece
        return bytes(log)


def says(body: bytes) -> Script:
    """Answer every request on a connection with this body; request bodies are not expected."""

    def script(connection: socket.socket, recording: Recording) -> None:
        while recording.head(connection):
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )

    return script


@contextmanager
def origin(script: Script, path: Path | None = None, context: ssl.SSLContext | None = None) -> Iterator[Recording]:
    """Listen on loopback, or on the Unix socket `path`; a thread for each connection runs `script`."""
    recording = Recording()
    if path is None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        recording.url = f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.fspath(path))
        listener.listen(16)
        recording.url = f"unix:{path}"
    if context is not None:
        context.sni_callback = lambda _, name, __: recording.names.append(name)
    live: set[socket.socket] = set()

    def converse(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            live.add(connection)
            script(connection, recording)
        live.discard(connection)
        connection.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(30)
            thread = threading.Thread(target=converse, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    threads: list[threading.Thread] = []
    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield recording
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for connection in list(live):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
