"""What a line of an access log says of one request, and the words and times in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from botproxy.errors import BotproxyError


class LineError(BotproxyError):
    """The line is none of its format; the text says why."""


class Entry(NamedTuple):
    """One request. None is what this log does not tell; an empty header is one that was not there."""

    address: str
    time: float  # seconds since the epoch
    method: bytes
    target: bytes
    protocol: str  # "HTTP/1.1", "HTTP/2"
    status: int
    size: int  # bytes of the answer
    referer: bytes | None
    user_agent: bytes | None
    host: bytes | None = None
    secure: bool | None = None
    seconds: float = 0.0


_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_TIME: Final = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]{1,9})? "
    r"([+-])([0-9]{2})([0-9]{2})\Z"
)
_REQUEST: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) (\S+)(?: HTTP/([0-9](?:\.[0-9])?))?\Z")
_ESCAPED: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_LETTERS: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"b": b"\b", b"f": b"\f"}


@lru_cache(maxsize=1024)
def log_time(text: str) -> float:
    """`17/May/2015:10:05:03 +0000`. Raises LineError."""
    found = _TIME.match(text)
    month = _MONTHS.get(found[2]) if found is not None else None
    if found is None or month is None:
        raise LineError("no time such as 17/May/2015:10:05:03 +0000")
    day, year, hour, minute, second = (int(found[at]) for at in (1, 3, 4, 5, 6))
    ahead = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        # A leap second has the place of the one before.
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return (moment - ahead if found[7] == "+" else moment + ahead).timestamp()
    except (ValueError, OverflowError):
        raise LineError("a time that does not exist") from None


def request_line(text: bytes) -> tuple[bytes, bytes, str] | None:
    """Method, target and protocol of `GET / HTTP/1.1`; None when it is no request line, as when somebody spoke TLS."""
    found = _REQUEST.match(text)
    if found is None:
        return None
    version = found[3] or b"0.9"
    return found[1], found[2], _PROTOCOLS.get(version, f"HTTP/{version.decode()}")


_PROTOCOLS: Final = {b"2": "HTTP/2", b"2.0": "HTTP/2", b"3": "HTTP/3", b"3.0": "HTTP/3"}


def unescaped(text: bytes) -> bytes:
    """A quoted text as it was sent: Apache and nginx write `\\x22`, `\\"` and `\\n`."""
    return _ESCAPED.sub(_unescape, text) if b"\\" in text else text


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 16),))
    if found[2] is not None:
        return chr(int(found[2], 16)).encode("utf-8", "replace")
    letter: bytes = found[3]
    return _LETTERS.get(letter, letter)


def header(text: bytes) -> bytes:
    """The value of a header as a log writes it: `-` is one that was not there."""
    return b"" if text == b"-" else unescaped(text)
