"""Signed, expiring tokens of `is_timed_hmac_valid_v0` (reference section 2.7)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from typing import Final
from urllib.parse import unquote_to_bytes

_STAMP_DIGITS: Final = 10
_SHORTEST_MAC: Final = 43  # unpadded base64 of 32 bytes


def is_valid(key: bytes, token: bytes, lifetime: int, now: int, separator: int, url_safe: bool) -> bool:
    """Whether `token`, which is message, separator, ten digits of seconds, "-" and mac, was signed with `key`.

    `lifetime` and `now` are in seconds, `separator` is the length of what stands between message and time. The mac
    is base64 of HMAC-SHA256 over message and time: URL-encoded, or URL-safe without padding.
    """
    # The mac may itself contain "-": the split is at the first "-" that leaves ten digits before and enough behind,
    # seen from the right, because the message may contain anything.
    at = len(token) - _SHORTEST_MAC - 1
    while at > _STAMP_DIGITS:
        if token[at] == 0x2D and token[at - _STAMP_DIGITS : at].isdigit():
            break
        at -= 1
    else:
        return False
    stamp = token[at - _STAMP_DIGITS : at]
    message_end = at - _STAMP_DIGITS - separator
    if message_end < 1:
        return False
    issued = int(stamp)
    if not issued <= now <= issued + lifetime:
        return False
    digest = hmac.new(key, token[:message_end] + stamp, hashlib.sha256).digest()
    given = token[at + 1 :]
    if url_safe:
        return hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"="), given)
    return hmac.compare_digest(b64encode(digest), unquote_to_bytes(given))
