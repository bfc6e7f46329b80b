"""Fields of our own about the bot that a request says it is: what nobody verified is a claim, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.model import BotClaim, Facts
from botproxy.rules.types import BOOL, BYTES, Reader, Type

PREFIX: Final = "botproxy.bot."
"""They are missing, as `cf.bot_management.*` is, when scoring failed."""


def _claim(read: Callable[[BotClaim], Any], otherwise: Any) -> Reader:
    def from_claim(facts: Facts) -> Any:
        bots = facts.bot_management
        if bots is None:
            return None
        claim = bots.claim
        return otherwise if claim is None else read(claim)

    return from_claim


BOT_FIELDS: Final[tuple[tuple[str, Type, Reader], ...]] = (
    (f"{PREFIX}name", BYTES, _claim(lambda claim: claim.name.encode("utf-8", "replace"), b"")),
    (f"{PREFIX}category", BYTES, _claim(lambda claim: claim.category.encode("utf-8", "replace"), b"")),
    (f"{PREFIX}status", BYTES, _claim(lambda claim: claim.status.encode(), b"")),
    (f"{PREFIX}ai_purpose", BYTES, _claim(lambda claim: claim.ai_purpose.encode(), b"")),
    (f"{PREFIX}disobeys_robots", BOOL, _claim(lambda claim: claim.disobeys_robots, False)),
)
