"""Header blocks that are alike but for the values of a few headers: browsers send little else that differs.

Of a known kind only those values are read; parsing, stripping and checking of the rest was done before and is shared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, final

from botproxy.model import VARIED, Headers
from botproxy.remembered import Remembered

_LOWER: Final = tuple([(b"\r\n%b: " % name, name) for name in sorted(VARIED)])
_TITLE: Final = tuple([(b"\r\n%b: " % name.title(), name) for name in sorted(VARIED)])
"""How browsers (over HTTP/1.1) and libraries spell those names; what is spelled otherwise belongs to the kind."""

_VALUE: Final = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])


class Cut(NamedTuple):
    """A header block and the values taken out of it."""

    key: bytes  # the rest; nobody can write two blocks that share it and differ in anything but these values
    values: list[tuple[bytes, bytes]]  # lower-case name, value; in the order of the marks


class _Kind(NamedTuple):
    items: tuple[tuple[bytes, bytes], ...]
    by_name: dict[bytes, tuple[bytes, ...]]
    places: dict[bytes, int]  # of the headers that differ, in `items`
    shared: dict[str, object]


def cut(head: bytes, start: int) -> Cut | None:
    """Take the values of `VARIED` out of the block that begins at `start` in `head`; None where that cannot be done.

    A line ends with CR LF and has no other CR or LF in it, and a name stands once.
    """
    found: list[tuple[int, int]] = []
    values: list[tuple[bytes, bytes]] = []
    before = start - 2  # the end of the request line, which the first header's mark begins with
    # Looking for a name costs as much as reading it once: a client that writes `host` writes `cookie`.
    for mark, name in _LOWER if head.startswith(b"host:", start) else _TITLE:
        at = head.find(mark, before)
        if at >= 0:
            begin = at + len(mark)
            end = head.find(b"\r\n", begin)
            value = head[begin:end].strip(b" \t")
            if value.translate(None, _VALUE):
                return None
            found.append((begin, end))
            values.append((name, value))
    if not found:
        return None
    found.sort()
    pieces: list[bytes] = []
    for begin, end in found:
        pieces.append(head[start:begin])
        start = end
    pieces.append(head[start:])
    return Cut(b"".join(pieces), values)


@final
class Kinds:
    """One a worker. Remembers at most 2,048 kinds and 2 MB of their blocks."""

    __slots__ = ("_remembered",)

    def __init__(self) -> None:
        self._remembered: Final[Remembered[_Kind]] = Remembered(1_024, 1024 * 1024, 4 * 1024)

    def read(self, head: bytes, start: int, parse: Callable[[bytes], Headers]) -> Headers:
        """The headers of the block that begins at `start` in `head`; `parse` is called for a kind not seen before."""
        found = cut(head, start)
        if found is None:
            return parse(head[start:])
        kind = self._remembered.get(found.key)
        if kind is not None:
            return _filled(kind, found.values)
        headers = parse(head[start:])
        learned = _kind_of(headers, found.values)
        if learned is not None:
            self._remembered.offer(found.key, learned)
        return headers


def _filled(kind: _Kind, values: list[tuple[bytes, bytes]]) -> Headers:
    items = list(kind.items)
    index = kind.by_name.copy()
    for name, value in values:
        place = kind.places[name]
        items[place] = (items[place][0], value)
        index[name] = (value,)
    return Headers(tuple(items), index, kind.shared)


def _kind_of(headers: Headers, values: list[tuple[bytes, bytes]]) -> _Kind | None:
    index = headers.index
    if len(index) != len(headers.items):
        return None  # a name that stands twice, perhaps one of those that differ
    names = [name.lower() for name, _ in headers.items]
    return _Kind(headers.items, dict(index), {name: names.index(name) for name, _ in values}, headers.kind)
