"""What a challenge's sealed token says: everything that decides whether a solution counts.

Encoding is canonical: fixed numbers first, then each text with its length in front, nothing after. A decoder that meets
anything else gives None.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256
from struct import Struct, error
from typing import Final, NamedTuple

from botproxy.cookies import AddressBinding, home, with_home
from botproxy.model import Address, ClearanceLevel, Headers

PURPOSE: Final = "challenge"
"""Purpose of the `Sealer` that seals tickets."""

NONCE_BYTES: Final = 16

Strictness = AddressBinding
"""How strictly a challenge is bound to an address; the zone's `bind_address`, as for its clearances."""

_STRICTNESS: Final[tuple[Strictness, ...]] = ("exact", "network", "none")
_VERSION: Final = 2
_HEAD: Final = Struct(">BBBBBHHIQQBBB16s16s")
_LENGTH: Final = Struct(">H")
_TEXTS: Final = 6


class Step(IntEnum):
    """What has to be done on the page before the challenge counts; each asks for all that the one before asks for."""

    WORK = 0  # puzzles
    REPORT = 1  # and a report of JavaScript detections that shows a browser
    PRESS = 2  # and one press of a button
    CONFIRM = 3  # and two, the second at a place and after a pause that nobody knows before


PRESSES: Final = {Step.WORK: 0, Step.REPORT: 0, Step.PRESS: 1, Step.CONFIRM: 2}
"""How often the button has to be pressed."""


class Ticket(NamedTuple):
    """One challenge that was issued. Times in milliseconds since the epoch, by the clock of whoever issued it."""

    zone: str
    level: ClearanceLevel  # that a solution gives
    nonce: bytes  # 16 random bytes; the puzzles, the report and the single use hang on them
    issued: int
    expires: int
    budget: int  # milliseconds after which a part of the puzzles is enough
    difficulty: int
    puzzles: int
    minimum: int
    strictness: Strictness
    agent: bytes  # `agent(...)` of whoever was challenged
    homes: tuple[bytes, ...]  # where it may be solved: of each family of addresses one; () anywhere
    ray: str  # of the request that was challenged
    destination: str  # where to go afterwards; "" means the same address again
    step: Step = Step.WORK
    rule: str = ""  # id of the rule that asked for it
    failures: int = 0  # on the way to this ticket, one page after the other
    moves: int = 0  # how often the visitor's address changed on that way

    def encode(self) -> bytes:
        """The canonical encoding."""
        head = _HEAD.pack(
            _VERSION,
            self.level,
            _STRICTNESS.index(self.strictness),
            self.difficulty,
            self.step,
            self.puzzles,
            self.minimum,
            self.budget,
            self.issued,
            self.expires,
            self.failures,
            self.moves,
            len(self.homes),
            self.nonce,
            self.agent,
        )
        homes = (*self.homes, b"", b"")[:2]
        parts = [self.zone.encode(), self.ray.encode(), self.destination.encode(), self.rule.encode(), *homes]
        return head + b"".join([_LENGTH.pack(len(part)) + part for part in parts])


def decode(payload: bytes) -> Ticket | None:
    """The ticket that `encode` made, or None for anything else."""
    try:
        (
            version,
            level,
            strict,
            difficulty,
            step,
            puzzles,
            minimum,
            budget,
            issued,
            expires,
            failures,
            moves,
            homes,
            *(nonce_and_agent),
        ) = _HEAD.unpack_from(payload)
        parts: list[bytes] = []
        at = _HEAD.size
        for _ in range(_TEXTS):
            (length,) = _LENGTH.unpack_from(payload, at)
            at += _LENGTH.size
            if at + length > len(payload):
                return None
            parts.append(payload[at : at + length])
            at += length
        if version != _VERSION or at != len(payload) or homes > 2 or any(parts[4 + homes :]):
            return None
        return Ticket(
            zone=parts[0].decode(),
            level=ClearanceLevel(level),
            nonce=nonce_and_agent[0],
            issued=issued,
            expires=expires,
            budget=budget,
            difficulty=difficulty,
            puzzles=puzzles,
            minimum=minimum,
            strictness=_STRICTNESS[strict],
            agent=nonce_and_agent[1],
            homes=tuple(parts[4 : 4 + homes]),
            ray=parts[1].decode(),
            destination=parts[2].decode(),
            step=Step(step),
            rule=parts[3].decode(),
            failures=failures,
            moves=moves,
        )
    except (error, ValueError, IndexError):
        return None


def agent(headers: Headers) -> bytes:
    """The User-Agent that a challenge is bound to, as 16 bytes."""
    return sha256(headers.first(b"user-agent") or b"").digest()[:16]


def homes(address: Address, strictness: Strictness, before: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    """Where a challenge may be solved that goes to `address`, and was at `before` before."""
    return with_home(before, home(address, strictness))
