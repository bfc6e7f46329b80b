"""What a model was asked, kept with the request until its event is made."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Final, NamedTuple

from botproxy.model import Facts

_MEMO: Final = "scoring.asked"


class Asked(NamedTuple):
    """One question to a model."""

    model: str  # its version
    vector: bytes  # float32, little-endian, in the order of `scoring.ml.FEATURES`


def keep(facts: Facts, asked: Asked) -> None:
    """For as long as the request lives."""
    facts.memo[_MEMO] = asked


def kept(facts: Facts) -> Asked | None:
    """What was kept."""
    asked = facts.memo.get(_MEMO)
    return asked if isinstance(asked, Asked) else None


def text_of(asked: Asked) -> str:
    """As events hold it: the version, a colon, and the vector in base64."""
    return f"{asked.model}:{b2a_base64(asked.vector, newline=False).decode('ascii')}"


def read(text: str) -> Asked | None:
    """What `text_of` wrote; None for anything else."""
    model, mark, packed = text.partition(":")
    if not mark:
        return None
    try:
        return Asked(model, a2b_base64(packed, strict_mode=True))
    except ValueError:
        return None
