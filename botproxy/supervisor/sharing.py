"""The overlay as all nodes with one server of shared state have it: told to others, and heard of from them.

A version travels with a code that only who holds the secret of the nodes can make: being able to write to the server is
not enough to change what they do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol, final

from botproxy.config.overlay.versions import MAX_BYTES

NAME: Final = "overlay"
_CODE: Final = 32


class Board(Protocol):
    """Where nodes share; `SharedState` is one."""

    @property
    def status(self) -> str:
        """`alone` without a server; `shared`; `away`."""
        ...

    async def document(self, name: str, known: bytes) -> tuple[bytes, bytes] | None:
        """See `SharedState.document`."""
        ...

    async def put_document(self, name: str, before: bytes, version: bytes, body: bytes) -> bool:
        """See `SharedState.put_document`."""
        ...


class SharedVersion(NamedTuple):
    """The version that holds for all nodes."""

    number: int
    text: str


@final
class SharedOverlay:
    """What this node knows of it."""

    def __init__(self, board: Callable[[], Board], secret: Callable[[], bytes]) -> None:
        """`secret` gives what all nodes share, b"" where the overlay is not shared."""
        self._board: Final = board
        self._secret: Final = secret
        self._known = b""
        self._version: SharedVersion | None = None
        self.settled = b""
        """What `mark` was when this node was last as all others are."""
        self.problem = ""
        """Why this node is not as the others are; "" when it is, or nobody knows."""

    @property
    def active(self) -> bool:
        """Whether the overlay is shared."""
        return self._board().status != "alone" and bool(self._secret())

    @property
    def mark(self) -> bytes:
        """Names the version that was last seen; b"" for none."""
        return self._known

    def told(self) -> dict[str, Any] | None:
        """For operators; None where nothing is shared."""
        if not self.active:
            return None
        version = None if self._version is None else self._version.number
        return {"state": self._board().status, "version": version, "problem": self.problem or None}

    async def look(self) -> SharedVersion | None:
        """The version that holds for all; None when nobody has told one. Raises StoreAway, ValueError for what was not
        written by a node with this secret."""
        found = await self._board().document(NAME, self._known)
        if found is None:
            self._known, self._version = b"", None
            return None
        mark, body = found
        if mark == self._known:
            return self._version
        number = int(mark.partition(b":")[0])
        text = body[_CODE:]
        if len(text) > MAX_BYTES or not hmac.compare_digest(self._code(number, text), body[:_CODE]):
            raise ValueError("it was not written by a node with this secret")
        self._version, self._known = SharedVersion(number, text.decode()), mark
        return self._version

    async def publish(self, number: int, text: str) -> bool:
        """Have this version hold for all, in the place of the one that was last seen; whether that one still held.
        Raises StoreAway."""
        content = text.encode()
        mark = b"%d:%b" % (number, sha256(content).hexdigest()[:16].encode())
        if not await self._board().put_document(NAME, self._known, mark, self._code(number, content) + content):
            return False
        self._known = self.settled = mark
        self._version, self.problem = SharedVersion(number, text), ""
        return True

    def _code(self, number: int, text: bytes) -> bytes:
        key = hmac.digest(self._secret(), b"overlay 1", "sha256")
        return hmac.digest(key, b"%d\n%b" % (number, text), "sha256")
