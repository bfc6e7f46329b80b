"""Which fields are missing when scoring failed, so that nothing may be concluded from their absence."""

from __future__ import annotations

from typing import Final

from botproxy.rules.bot_fields import PREFIX

_SCORED: Final = ("cf.bot_management.", "cf.client.bot", "cf.verified_bot_category", PREFIX)
# Told by the connection and by the path, whatever becomes of scoring.
_KNOWN: Final = frozenset(("cf.bot_management.ja3_hash", "cf.bot_management.ja4", "cf.bot_management.static_resource"))


def follows_from_scoring(name: str) -> bool:
    """Whether this field is there only once a request was scored."""
    return name.startswith(_SCORED) and name not in _KNOWN
