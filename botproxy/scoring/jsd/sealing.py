"""What a seed gives: numbers that the script draws alike, and the key under which a report is closed.

Whoever reads the script can do the same: this binds a report to its seed and keeps it from being read or changed in
passing; it proves nothing about who made it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from struct import iter_unpack
from typing import Final, final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

LONGEST: Final = 16_384
"""Bytes of a report as sent. One of a browser has about 3,000."""

_CODE: Final = 16
_NONCE: Final = b"\0" * 16
_ALPHABET: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_PIECE: Final = 512


def open_report(report: bytes, seed: bytes) -> bytes | None:
    """The text inside, or None for anything but an unchanged report that was closed under this seed."""
    if not _CODE < len(report) <= LONGEST or not _ALPHABET.issuperset(report) or len(report) % 4 == 1:
        return None
    raw = urlsafe_b64decode(report + b"=" * (-len(report) % 4))
    closed = raw[_CODE:]
    secret = _key(b"code", seed)
    code = sha256(secret + sha256(secret + closed).digest()).digest()
    if not hmac.compare_digest(code[:_CODE], raw[:_CODE]):
        return None
    return _cipher(_key(b"report", seed)).update(closed)


def close_report(text: bytes, seed: bytes) -> bytes:
    """A report as the script closes it."""
    closed = _cipher(_key(b"report", seed)).update(text)
    secret = _key(b"code", seed)
    code = sha256(secret + sha256(secret + closed).digest()).digest()[:_CODE]
    return urlsafe_b64encode(code + closed).rstrip(b"=")


@final
class Draws:
    """Whole numbers that the script draws alike for the same seed and purpose."""

    __slots__ = ("_cipher", "_words")

    def __init__(self, seed: bytes, purpose: str) -> None:
        self._cipher = _cipher(_key(purpose.encode(), seed))
        self._words: list[int] = []

    def __call__(self, low: int, high: int) -> int:
        """One from `low` to `high`, both included."""
        if not self._words:
            piece = self._cipher.update(b"\0" * _PIECE)
            self._words = [word for (word,) in iter_unpack("<I", piece)]
            self._words.reverse()
        return low + self._words.pop() % (high - low + 1)


class _Keystream:
    def __init__(self, key: bytes) -> None:
        self._encryptor: Final = Cipher(ChaCha20(key, _NONCE), mode=None).encryptor()

    def update(self, text: bytes) -> bytes:
        return self._encryptor.update(text)


def _cipher(key: bytes) -> _Keystream:
    return _Keystream(key)


def _key(purpose: bytes, seed: bytes) -> bytes:
    return sha256(purpose + b"\0" + seed).digest()
