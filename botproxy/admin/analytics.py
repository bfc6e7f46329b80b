"""What the admin listener may ask about events: the store, and the sites that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from aiohttp import web

from botproxy.store.events import EventStore

ANSWER_SECONDS: Final = 10.0
"""For one question to the store."""


class Analytics(NamedTuple):
    """Everything that questions about events need."""

    store: EventStore | None
    zones: tuple[str, ...]
    seconds: float = 30 * 86400.0  # that single events are kept
    location: str = "BOT"
    lists: Callable[[], Any] | None = None  # reads the named lists of the configuration in use (`rules.Lists`); blocks


ANALYTICS: Final[web.AppKey[Any]] = web.AppKey("analytics", object)
"""A function without arguments that gives the `Analytics` of now."""
