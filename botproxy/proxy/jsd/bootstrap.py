"""What a page is given to begin with: sealed, for one visitor, one session, one use and a few minutes.

    format (1 byte) | issued (8, milliseconds) | ray (8) | seed (16) | visitor (16) | session (8)

The zone is in the seal. The seed travels in the clear beside it as well: a report has to be made with it, by this
browser and now.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from hashlib import blake2s
from ipaddress import IPv4Address
from struct import Struct, error
from typing import Final, NamedTuple

from botproxy.cookies import AddressBinding, Sealer
from botproxy.model import Address, Headers

PURPOSE: Final = "javascript detections"
SEED_BYTES: Final = 16

LIFETIME: Final = 600.0
"""Seconds in which a report may answer a bootstrap; after that the script asks for another."""

_SKEW: Final = 60.0
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FORMAT: Final = 1
_LAYOUT: Final = Struct(">BQ8s16s16s8s")
_NO_SESSION: Final = bytes(8)


class Bootstrap(NamedTuple):
    """One page's. Times in seconds since the epoch."""

    issued: float
    ray: str  # of the page
    seed: bytes
    visitor: bytes  # `visitor(...)` of who was given it
    session: bytes  # `session_mark(...)` of the session that the visitor has then


class Bound(NamedTuple):
    """Why a bootstrap counts or does not: "fresh", or "forged", "expired", "visitor", "session"."""

    word: str
    bootstrap: Bootstrap | None


def visitor(headers: Headers, address: Address, strictness: AddressBinding) -> bytes:
    """Whom a bootstrap is bound to: the User-Agent, and the address as strictly as the zone asks."""
    packed = b""
    if strictness == "exact":
        packed = address.packed
    elif strictness == "network":
        packed = address.packed[: 3 if isinstance(address, IPv4Address) else 8]
    agent = headers.first(b"user-agent") or b""
    # A short text: what OpenSSL does before its first byte costs ten times this hash.
    return blake2s(bytes((len(packed),)) + packed + agent, digest_size=16).digest()


def session_mark(session_id: str) -> bytes:
    """The first eight bytes of a session's id; zeros without one, which is bound to none."""
    return bytes.fromhex(session_id[:16]) if session_id else _NO_SESSION


def started(
    now: float,
    ray: str,
    headers: Headers,
    address: Address,
    strictness: AddressBinding,
    session_id: str,
    randomness: Callable[[int], bytes],
) -> Bootstrap:
    """A new one for this visitor; `randomness(n)` gives n unpredictable bytes."""
    return Bootstrap(now, ray, randomness(SEED_BYTES), visitor(headers, address, strictness), session_mark(session_id))


def seal(sealer: Sealer, bootstrap: Bootstrap) -> str:
    """Its sealed text, of the base64url alphabet."""
    return sealer.seal(
        _LAYOUT.pack(
            _FORMAT,
            int(bootstrap.issued * 1000),
            bytes.fromhex(bootstrap.ray),
            bootstrap.seed,
            bootstrap.visitor,
            bootstrap.session,
        )
    )


def unseal(sealer: Sealer, text: bytes) -> Bootstrap | None:
    """The bootstrap of a sealed text, or None for anything else."""
    payload = sealer.open(text)
    if payload is None:
        return None
    try:
        form, issued, ray, seed, whose, session = _LAYOUT.unpack(payload)
    except error:
        return None
    return Bootstrap(issued / 1000, ray.hex(), seed, whose, session) if form == _FORMAT else None


def judge_binding(
    sealer: Sealer,
    text: bytes,
    now: float,
    headers: Headers,
    address: Address,
    strictness: AddressBinding,
    session_id: str,
) -> Bound:
    """Whether the sealed text belongs to this visitor and this time; `session_id` is "" where none was brought."""
    bootstrap = unseal(sealer, text)
    if bootstrap is None:
        return Bound("forged", None)
    if not bootstrap.issued - _SKEW <= now < bootstrap.issued + LIFETIME:
        return Bound("expired", bootstrap)
    if bootstrap.visitor != visitor(headers, address, strictness):
        return Bound("visitor", bootstrap)
    if bootstrap.session != _NO_SESSION and bootstrap.session != session_mark(session_id):
        return Bound("session", bootstrap)
    return Bound("fresh", bootstrap)


def parameters(bootstrap: Bootstrap, sealed: str, base: str, consent_event: str = "") -> bytes:
    """What the script reads as `window.__CF$cv$params`: JSON of letters that need no escape in HTML.

    `r` is the ray and `t` the time as the original has them, `m` the sealed bootstrap, `s` the seed, `b` the folder
    of our own paths, `c` the event on `window` that the script waits for.
    """
    consent = b',"c":"%b"' % consent_event.encode() if consent_event else b""
    return b'{"r":"%b","t":"%b","m":"%b","s":"%b","b":"%b"%b}' % (
        bootstrap.ray.encode(),
        b2a_base64(b"%.6f" % bootstrap.issued, newline=False),
        sealed.encode(),
        b2a_base64(bootstrap.seed, newline=False).translate(_TO_URL, b"="),
        base.encode(),
        consent,
    )
