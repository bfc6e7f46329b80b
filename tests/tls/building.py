"""ClientHellos made byte by byte, so that a test says exactly what a client offered."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack


def shorts(*numbers: int) -> bytes:
    """Numbers of two bytes behind their length of two."""
    return pack(f">H{len(numbers)}H", 2 * len(numbers), *numbers)


def server_name(name: bytes) -> tuple[int, bytes]:
    return 0, pack(">HBH", len(name) + 3, 0, len(name)) + name


def alpn(*protocols: bytes) -> tuple[int, bytes]:
    listed = b"".join(bytes((len(each),)) + each for each in protocols)
    return 16, pack(">H", len(listed)) + listed


def versions(*numbers: int) -> tuple[int, bytes]:
    return 43, bytes((2 * len(numbers),)) + pack(f">{len(numbers)}H", *numbers)


def body(
    ciphers: Sequence[int] = (0x1301,),
    extensions: Sequence[tuple[int, bytes]] | None = (),
    version: int = 0x0303,
    session: bytes = b"",
) -> bytes:
    """The body of a hello; with `extensions` None it ends before them, as in the days of SSL."""
    start = pack(">H", version) + bytes(range(32)) + bytes((len(session),)) + session + shorts(*ciphers) + b"\x01\x00"
    if extensions is None:
        return start
    listed = b"".join(pack(">HH", kind, len(data)) + data for kind, data in extensions)
    return start + pack(">H", len(listed)) + listed


def message(content: bytes) -> bytes:
    """A handshake message of type ClientHello."""
    return b"\x01" + len(content).to_bytes(3, "big") + content


def records(whole: bytes, size: int = 1 << 14) -> bytes:
    """A message in records of at most `size` bytes."""
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    return b"".join(b"\x16\x03\x01" + pack(">H", len(piece)) + piece for piece in pieces)


def hello(
    ciphers: Sequence[int] = (0x1301,),
    extensions: Sequence[tuple[int, bytes]] | None = (),
    version: int = 0x0303,
) -> bytes:
    """A whole hello in one record."""
    return records(message(body(ciphers, extensions, version)))
