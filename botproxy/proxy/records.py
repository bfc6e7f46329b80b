"""What the wire tells the gateway besides `model` records: the origin's response head, and requests refused early."""

from __future__ import annotations

from typing import NamedTuple

from botproxy.model import Client, Headers, Outcome


class ResponseHead(NamedTuple):
    """An origin's final response head, as received; names as the origin spelled them."""

    status: int
    reason: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body_length: int | None  # 0 without a body, None when only its end will tell

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the header with this lower-case name, in order."""
        return [value for key, value in self.headers if key.lower() == name]


class Refusal(NamedTuple):
    """A request that the wire refused before the gateway saw it. What was not known yet is None."""

    ray: str
    client: Client
    when: float  # seconds since the epoch
    method: bytes | None
    target: bytes | None
    host: str | None
    headers: Headers | None
    status: int
    reason: str  # public
    detail: str  # private
    outcome: Outcome
    secure: bool
