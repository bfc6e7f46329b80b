"""In which letters a page is written, as far as it takes to find its opening and to write a script into it.

A byte order mark decides, then the header (Encoding Standard, section 6.1): what a `<meta>` says comes too late to be
anything but a superset of ASCII.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from botproxy.proxy.injection.opening import without_double_bytes


class Width(Enum):
    """How ASCII letters are written."""

    ONE = "one byte"
    TWO_LITTLE = "UTF-16, the less significant byte first"
    TWO_BIG = "UTF-16, the more significant byte first"


class Writing(NamedTuple):
    """How a page is written."""

    width: Width
    mark: int  # bytes of its byte order mark
    told: bool  # whether mark or header told the charset: no `<meta>` has to


_ONE: Final = Width.ONE  # Python 3.11 takes as long to find a member as to do all the rest of `spelled`
_MARKS: Final = (
    (b"\xef\xbb\xbf", Writing(Width.ONE, 3, True)),
    (b"\xff\xfe", Writing(Width.TWO_LITTLE, 2, True)),
    (b"\xfe\xff", Writing(Width.TWO_BIG, 2, True)),
)
_LONGEST_MARK: Final = 3
_LITTLE: Final = frozenset((b"utf-16", b"utf-16le", b"utf16", b"unicode", b"ucs-2", b"iso-10646-ucs-2", b"csunicode"))
_BIG: Final = frozenset((b"utf-16be", b"unicodefffe"))
_UNREADABLE: Final = frozenset(
    (
        # browsers show nothing of the first five (Encoding Standard, "replacement"), and read the others as Latin-1
        *(b"hz-gb-2312", b"iso-2022-cn", b"iso-2022-cn-ext", b"iso-2022-kr", b"csiso2022kr", b"replacement"),
        *(b"utf-32", b"utf-32le", b"utf-32be", b"ucs-4", b"utf-7", b"unicode-1-1-utf-7", b"cesu-8", b"scsu", b"bocu-1"),
        *(b"ibm037", b"ibm500", b"ibm1047", b"cp037", b"cp500"),
    )
)

NARROW: Final = Writing(Width.ONE, 0, False)
"""A superset of ASCII of which no more is known."""


def writing(data: bytes, header: bytes, whole: bool) -> Writing | None:
    """How the page that begins with `data` is written; `header` is the charset that its header names, in lower case.

    None for what no browser could show. Where too little of the page is there for its mark, and `whole` does not say
    that this is all, `mark` is -1.
    """
    for mark, found in _MARKS:
        if data.startswith(mark):
            return found
        if not whole and len(data) < len(mark) and mark.startswith(data):
            return Writing(Width.ONE, -1, False)
    if not header:
        return NARROW
    if header in _LITTLE:
        return Writing(Width.TWO_LITTLE, 0, True)
    if header in _BIG:
        return Writing(Width.TWO_BIG, 0, True)
    return None if header in _UNREADABLE else Writing(Width.ONE, 0, True)


def letters(data: bytes, written: Writing) -> bytes:
    """A page as ASCII, without its mark: one byte a code unit, `?` for every unit that is no ASCII where it is wide."""
    if written.width is Width.ONE:
        return without_double_bytes(data[written.mark :] if written.mark else data)
    body = data[written.mark : written.mark + (len(data) - written.mark) // 2 * 2]
    low, high = (body[::2], body[1::2]) if written.width is Width.TWO_LITTLE else (body[1::2], body[::2])
    return bytes([letter if not upper else 0x3F for letter, upper in zip(low, high, strict=True)])


def offset(place: int, written: Writing) -> int:
    """Where in the page the letter with this number begins."""
    return written.mark + (place if written.width is _ONE else 2 * place)


def spelled(text: bytes, written: Writing) -> bytes:
    """ASCII as this page writes it."""
    if written.width is _ONE:
        return text
    wide = bytearray(2 * len(text))
    wide[written.width is Width.TWO_BIG :: 2] = text
    return bytes(wide)
