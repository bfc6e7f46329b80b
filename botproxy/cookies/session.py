"""The session that `__cf_bm` carries: who has it is the same visitor as a moment ago, and nothing more.

It lives as long as less than half an hour passes between two requests. It is written again when there is none, when
the written time is a minute old, or when the highest score rose; so an active visitor gets one Set-Cookie a minute and
loses the session after 29 to 30 minutes of silence.

It remembers its highest score together with whose that was: network, TLS and User-Agent. Whoever has the cookie and
differs in one of them gets nothing lent, and starts anew.
"""

from __future__ import annotations

from hashlib import blake2b
from ipaddress import IPv4Address
from struct import Struct
from typing import Final

from botproxy.model import Address, Session

IDLE_SECONDS: Final = 1800.0
RENEW_SECONDS: Final = 60.0
SKEW_SECONDS: Final = 60.0
"""How far ahead another node's clock may be."""

_LAYOUT: Final = Struct(">B16sQQB8s")
_FORMAT: Final = 2
_BEFORE: Final = Struct(">B16sQQB")
_FORMAT_BEFORE: Final = 1
"""Without `bound`; still read."""


def binding(address: Address, ja4: str, user_agent: bytes) -> bytes:
    """Eight bytes for the /24 or /48, the cipher suites of a JA4 ("" without TLS), and the User-Agent.

    The rest of a JA4 differs between a client's first connection and those that resume it.
    """
    network = address.packed[: 3 if isinstance(address, IPv4Address) else 6]
    return blake2b(b"%b|%b|%b" % (network, ja4[11:23].encode(), user_agent[:1024]), digest_size=8).digest()


def started(now: float, identity: bytes, score: int = 0, bound: bytes = b"") -> Session:
    """A new session; `identity` is 16 random bytes, `score` that of the request that starts it."""
    return Session(identity.hex(), now, now, score, bound)


def renewal_due(session: Session, now: float, score: int) -> bool:
    """Whether the cookie should be written again; `score` is that of this request, 0 when none was computed."""
    return now - session.seen >= RENEW_SECONDS or score > session.highest


def renewed(session: Session, now: float, score: int, bound: bytes = b"") -> Session:
    """The session as it is written again. The time seen never goes back, nor does the highest score of the same one."""
    highest = max(score, session.highest) if bound == session.bound else score
    return Session(session.id, session.issued, max(now, session.seen), highest, bound)


def is_current(session: Session, now: float) -> bool:
    """Whether the session is neither stale nor from the future."""
    return -SKEW_SECONDS <= now - session.seen < IDLE_SECONDS


def encode(session: Session) -> bytes:
    """42 bytes: format, id, issued and seen in milliseconds, highest score, and whose that was."""
    return _LAYOUT.pack(
        _FORMAT,
        bytes.fromhex(session.id),
        int(session.issued * 1000),
        int(session.seen * 1000),
        session.highest,
        session.bound,
    )


def decode(payload: bytes) -> Session | None:
    """The session of an opened payload, or None when it has another format."""
    if len(payload) == _LAYOUT.size:
        form, identity, issued, seen, highest, bound = _LAYOUT.unpack(payload)
        bound = bound if any(bound) else b""
        known = form == _FORMAT
    elif len(payload) == _BEFORE.size:
        form, identity, issued, seen, highest = _BEFORE.unpack(payload)
        bound = b""
        known = form == _FORMAT_BEFORE
    else:
        return None
    if not known or highest > 99 or issued > seen:
        return None
    return Session(identity.hex(), issued / 1000, seen / 1000, highest, bound)
