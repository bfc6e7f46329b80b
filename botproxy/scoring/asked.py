"""What a model was asked: who can tell is kept with the request until its event is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from binascii import a2b_base64, b2a_base64
from typing import Final, NamedTuple

from botproxy.model import Facts

_MEMO: Final = "scoring.asked"
_SHADOW: Final = "scoring.shadow"
_SHADOW_DETECTIONS: Final = "scoring.shadow_detections"


class Asked(NamedTuple):
    """One question to a model."""

    model: str  # its version
    vector: bytes  # float32, little-endian, in the order of `scoring.ml.FEATURES`


class Asker(ABC):
    """Tells what it asked its model about a request, which few events hold."""

    __slots__ = ()

    @abstractmethod
    def asked(self, facts: Facts) -> Asked:
        """The question that these facts make."""


def keep(facts: Facts, asker: Asker) -> None:
    """For as long as the request lives."""
    facts.memo[_MEMO] = asker


def kept(facts: Facts) -> Asked | None:
    """What the model was asked; None where that is not to be kept. As costly as asking it."""
    asker = facts.memo.get(_MEMO)
    return asker.asked(facts) if isinstance(asker, Asker) else None


def keep_shadow(facts: Facts, score: int) -> None:
    """What the model on trial says, which decides nothing."""
    facts.memo[_SHADOW] = score


def shadowed(facts: Facts) -> int:
    """What was kept of it; 0 where it was not asked."""
    score = facts.memo.get(_SHADOW)
    return score if isinstance(score, int) else 0


def keep_shadow_detections(facts: Facts, ids: tuple[int, ...]) -> None:
    """What fingerprints would have found that a zone only watches."""
    facts.memo[_SHADOW_DETECTIONS] = ids


def shadow_detections(facts: Facts) -> tuple[int, ...]:
    """What was kept of it; nothing where there was nothing."""
    ids = facts.memo.get(_SHADOW_DETECTIONS)
    return ids if isinstance(ids, tuple) else ()


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
