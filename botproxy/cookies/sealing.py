"""Sealing: AES-256-GCM over a payload, as base64url text that has exactly one spelling.

    version (1 byte) | key hint (2) | nonce (12) | ciphertext | tag (16)

The plaintext is one byte that counts padding, the padding (0 to 2 zero bytes), the payload; padded so, the whole is a
multiple of three bytes and its text neither ends in `=` nor has spare bits that could be changed without notice.
"""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Callable
from os import urandom
from typing import Final, final

from cryptography.exceptions import InvalidTag

from botproxy.cookies.keyring import HINT_BYTES, KeyRing

MAX_TEXT: Final = 4096
"""Characters of the longest text that is opened: what browsers keep of one cookie (RFC 6265 section 6.1)."""

_VERSION: Final = b"\x01"
_HEAD: Final = 1 + HINT_BYTES
_NONCE_END: Final = _HEAD + 12
_SHORTEST: Final = (_NONCE_END + 1 + 16 + 2) // 3 * 4
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# What is not of the alphabet becomes "!", which strict decoding refuses.
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"\x00", b"\x01\x00", b"\x02\x00\x00")


@final
class Sealer:
    """Seals and opens for one purpose in one zone; a text of another purpose or zone does not open."""

    __slots__ = ("_by_hint", "_first", "_longest", "_randomness")

    def __init__(
        self,
        keyring: KeyRing,
        purpose: str,
        zone: str,
        randomness: Callable[[int], bytes] = urandom,
        longest: int = MAX_TEXT,
    ) -> None:
        """`randomness(n)` gives n unpredictable bytes that nobody else gets; asking the system each time costs 4 µs.
        `longest` is the characters of the longest text that is opened."""
        self._randomness: Final = randomness
        self._longest: Final = longest
        keys = keyring.derive(purpose, zone)
        self._first: Final = keys[0]
        self._by_hint: Final = {
            _VERSION + key.hint: tuple(other.cipher for other in keys if other.hint == key.hint) for key in keys
        }

    def seal(self, payload: bytes, bound: bytes = b"") -> str:
        """Text for `payload`. Opening demands the same `bound`, which does not travel in the text."""
        head = _VERSION + self._first.hint
        nonce = self._randomness(12)
        padding = _PADDING[-(_NONCE_END + 1 + len(payload) + 16) % 3]
        sealed = self._first.cipher.encrypt(nonce, padding + payload, head + bound)
        return b2a_base64(head + nonce + sealed, newline=False).translate(_TO_URL).decode("ascii")

    def open(self, text: bytes, bound: bytes = b"") -> bytes | None:
        """The payload, or None for a text that is forged, foreign, oversized or bound to something else."""
        if not _SHORTEST <= len(text) <= self._longest or len(text) % 4:
            return None
        try:
            sealed = a2b_base64(text.translate(_FROM_URL), strict_mode=True)
        except Error:
            return None
        head = sealed[:_HEAD]
        for cipher in self._by_hint.get(head, ()):
            try:
                opened = cipher.decrypt(sealed[_HEAD:_NONCE_END], sealed[_NONCE_END:], head + bound)
            except InvalidTag:
                continue
            return opened[1 + opened[0] :]
        return None
