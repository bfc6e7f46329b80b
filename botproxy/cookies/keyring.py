"""The secrets that everything is sealed with, and the keys that come of them: one for each purpose and zone."""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_urlsafe
from typing import NamedTuple, final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from botproxy.cookies.fields import pack_fields
from botproxy.errors import OperatorError

MIN_SECRET = 32
"""Bytes that a secret must have at least."""

HINT_BYTES = 2
_HELP = "make one with `botproxy keys new`"


class Key(NamedTuple):
    """One derived key. `hint` travels in the open so that opening need not try every key; it tells nothing else."""

    hint: bytes
    cipher: AESGCM


@final
class KeyRing:
    """Secrets, the newest first: the first one seals, all of them open.

    Keep a rotated-out secret in the ring for the longest lifetime of anything sealed with it. A nonce is 96 random
    bits, so a secret should be rotated before one zone has sealed 2**32 cookies with it (NIST SP 800-38D, 8.3).
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Raises `OperatorError` when there is no secret, or one is shorter than 32 bytes or there twice."""
        if not secrets:
            raise OperatorError(f"there is no secret; {_HELP}")
        for position, secret in enumerate(secrets, 1):
            if len(secret) < MIN_SECRET:
                raise OperatorError(
                    f"secret {position} has {len(secret)} bytes, and {MIN_SECRET} are the least that is safe; {_HELP}"
                )
        if len(set(secrets)) != len(secrets):
            raise OperatorError("the same secret stands there twice; the first one seals, the others only open")
        self._secrets = tuple(secrets)

    @classmethod
    def from_text(cls, text: str) -> KeyRing:
        """A ring from the text of a secret file: one secret a line, the newest first; empty lines and `#` lines apart.

        Raises `OperatorError` also for a secret that is plainly made up, such as one letter repeated.
        """
        secrets = []
        for number, line in enumerate(text.split("\n"), 1):
            secret = line.strip(" \t\r").encode()
            if not secret or secret.startswith(b"#"):
                continue
            if len(set(secret)) < 8:
                raise OperatorError(f"line {number}: the secret is easy to guess; {_HELP}")
            secrets.append(secret)
        return cls(secrets)

    def derive(self, purpose: str, zone: str) -> tuple[Key, ...]:
        """Keys for one purpose in one zone, in the order of the secrets (HKDF with SHA-256, RFC 5869)."""
        info = pack_fields(purpose.encode(), zone.encode())
        keys = []
        for secret in self._secrets:
            material = HKDF(algorithm=SHA256(), length=32 + HINT_BYTES, salt=b"botproxy seal 1", info=info).derive(
                secret
            )
            keys.append(Key(material[32:], AESGCM(material[:32])))
        return tuple(keys)

    def shared(self, purpose: str) -> bytes:
        """32 bytes for one purpose that all nodes with the same secrets agree on; the oldest secret makes them."""
        hkdf = HKDF(algorithm=SHA256(), length=32, salt=b"botproxy shared 1", info=purpose.encode())
        return hkdf.derive(self._secrets[-1])


def new_secret() -> str:
    """A new secret as one line of text: 43 characters that carry 256 random bits."""
    return token_urlsafe(32)
