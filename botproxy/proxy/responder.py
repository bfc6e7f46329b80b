"""What one request has in front of it: a connection of HTTP/1.1, or a stream of an HTTP/2 connection."""

from __future__ import annotations

from typing import Protocol

from botproxy.model import Ending


class Responder(Protocol):
    """Takes the response and gives the request body; all that `Exchange`, `Relay` and `watch` know of a client.

    A response is written as HTTP/1.1 writes it: its head, whole and first, then its body. Over HTTP/2 (the request's
    version says so) nothing is chunked, and the end is where the exchange ends.
    """

    @property
    def head_size(self) -> int:
        """Bytes of the request's head."""
        ...

    @property
    def body_received(self) -> int:
        """Bytes of the request's body so far, or of what a tunnel got."""
        ...

    @property
    def alive(self) -> bool:
        """Whether there still is somebody to answer."""
        ...

    @property
    def unread(self) -> int:
        """Bytes that the client has not taken yet."""
        ...

    @property
    def write_blocked(self) -> bool:
        """Whether whoever writes should wait. When that changes, the exchange's `client_blocked` is called."""
        ...

    @property
    def body_owed(self) -> bool:
        """Whether the client has not sent the whole request body yet."""
        ...

    @property
    def body_wanted(self) -> bool:
        """Whether it is the client that a body waits for."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes of the response, soon."""
        ...

    def write_parts(self, parts: list[bytes | memoryview], size: int) -> None:
        """The same for several pieces, `size` bytes together. What is large is not copied where that can be."""
        ...

    def open_body(self) -> None:
        """Somebody takes the request body now."""
        ...

    def close_body(self) -> None:
        """Nobody takes the request body for now; what comes waits."""
        ...

    def hold_body(self, held: bool) -> None:
        """Whoever takes the request body cannot take more for now, or can again."""
        ...

    def open_tunnel(self) -> None:
        """From now on bytes go both ways as they are."""
        ...

    def can_skip_body(self) -> bool:
        """Whether what is left of the body can be thrown away without ending the connection."""
        ...

    def cut(self, framed: bool) -> None:
        """End in a way that tells the client its response is not whole. `framed`: the framing tells."""
        ...

    def give_up_writing(self) -> None:
        """The client takes nothing."""
        ...

    def exchange_ended(self, keep: bool, ending: Ending) -> None:
        """The answer is done; `keep` tells whether the connection can be kept."""
        ...
