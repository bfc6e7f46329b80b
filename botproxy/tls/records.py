"""The ClientHello message out of TLS records: how much of it is still missing, and its body once it is whole.

A hello may be spread over several records (RFC 8446 section 5.1) and a record over any number of segments. Records are
few: cutting a hello into one-byte records costs its reader far more than its sender.
"""

from __future__ import annotations

from typing import Final

MAX_HELLO: Final = 16 * 1024
"""Bytes of all records of a hello, headers included, above which it is refused unless asked otherwise."""

MAX_RECORDS: Final = 64
"""Records that one hello may be spread over. Clients use one, or two for a large one."""

_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_RECORD_HEADER: Final = 5
_MESSAGE_HEADER: Final = 4
_LONGEST_RECORD: Final = 16 * 1024
_SHORTEST_BODY: Final = 2 + 32 + 1 + 2 + 2 + 1 + 1
"""Version, random, no session, one cipher suite, one compression method."""


class HelloError(ValueError):
    """These bytes are no ClientHello that can be read. The text says why."""


class IncompleteHelloError(HelloError):
    """A hello so far; `wanted` is the least number of bytes, from the first one on, that could tell more."""

    def __init__(self, wanted: int) -> None:
        super().__init__(f"not whole before byte {wanted}")
        self.wanted = wanted


class MalformedHelloError(HelloError):
    """No ClientHello, whatever may follow."""


class OversizedHelloError(HelloError):
    """More bytes or more records than are accepted."""


def bytes_wanted(records: bytes, limit: int = MAX_HELLO) -> int:
    """0 when the hello at the beginning of `records` is whole; else how many bytes, from the first one on, have to be
    there before it is worth looking again: the number for SO_RCVLOWAT. Always more than there are.

    Raises MalformedHelloError, and OversizedHelloError as soon as it is known that `limit` bytes do not suffice.
    """
    try:
        hello_body(records, limit)
    except IncompleteHelloError as problem:
        return problem.wanted
    return 0


def hello_body(records: bytes, limit: int = MAX_HELLO) -> bytes:
    """The body of the ClientHello at the beginning of `records`, without its four bytes of header.

    What follows the message is left alone. Raises IncompleteHelloError, MalformedHelloError, OversizedHelloError.
    """
    have = len(records)
    at = 0
    number = 0
    pieces: list[bytes] = []
    gathered = 0
    length = -1  # of the message with its header; not known yet
    while True:
        if at >= have:
            least = _MESSAGE_HEADER + _SHORTEST_BODY if length < 0 else length
            raise _incomplete(at + _RECORD_HEADER + max(least - gathered, 1), limit)
        if records[at] != _HANDSHAKE:
            raise MalformedHelloError("not a handshake record")
        if have - at < _RECORD_HEADER:
            raise _incomplete(at + _RECORD_HEADER, limit)
        if records[at + 1] != 3:
            raise MalformedHelloError("not a record of TLS")
        size = records[at + 3] << 8 | records[at + 4]
        if size == 0 or size > _LONGEST_RECORD:
            raise MalformedHelloError(f"a handshake record of {size} bytes")
        number += 1
        if number > MAX_RECORDS:
            raise OversizedHelloError(f"more than {MAX_RECORDS} records")
        at += _RECORD_HEADER
        piece = records[at : at + size]
        pieces.append(piece)
        gathered += len(piece)
        if length < 0:
            head = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if head and head[0] != _CLIENT_HELLO:
                raise MalformedHelloError("another handshake message than ClientHello")
            if len(head) >= _MESSAGE_HEADER:
                length = _MESSAGE_HEADER + (head[1] << 16 | head[2] << 8 | head[3])
                if length > limit:
                    raise OversizedHelloError(f"a hello of {length} bytes")
                if length < _MESSAGE_HEADER + _SHORTEST_BODY:
                    raise MalformedHelloError(f"a hello of {length} bytes")
        if length >= 0 and gathered >= length:
            if at + len(piece) - (gathered - length) > limit:
                raise OversizedHelloError(f"more than {limit} bytes")
            whole = pieces[0] if number == 1 else b"".join(pieces)
            return whole[_MESSAGE_HEADER:length]
        at += size
        if at > have:
            # The rest of this record, or of the message if that ends earlier in it.
            raise _incomplete(at if length < 0 else min(at, have + length - gathered), limit)


def _incomplete(wanted: int, limit: int) -> HelloError:
    if wanted > limit:
        return OversizedHelloError(f"{wanted} bytes at least")
    return IncompleteHelloError(wanted)
