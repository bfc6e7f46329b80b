"""Reading a body off a connection: how many of the next bytes are its own, where it ends, what comes after it."""

from __future__ import annotations

from typing import Final


class BodyReader:
    """Takes bytes as they arrive, gives the body's bytes.

    `sure` is how many of the next bytes are body whatever they are: as long as fewer than that arrive, a connection may
    hand them on and count `sure` down without asking. `finished` once the body is complete; `rest` then holds what came
    after it.
    """

    __slots__ = ("finished", "rest", "sure")

    def __init__(self) -> None:
        self.sure = 0
        self.finished = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`."""
        raise NotImplementedError


class LengthReader(BodyReader):
    """A body whose length is known; it has at least one byte."""

    __slots__ = ()

    def __init__(self, length: int) -> None:
        super().__init__()
        self.sure = length

    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`."""
        left = self.sure
        if len(data) < left:
            self.sure = left - len(data)
            return data
        self.sure = 0
        self.finished = True
        self.rest = data[left:]
        return data[:left]


class EndlessReader(BodyReader):
    """A body that ends with its connection."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.sure = _ENDLESS

    def feed(self, data: bytes) -> bytes:
        """All of it."""
        return data


_ENDLESS: Final = 1 << 62
