"""What every engine offers."""

from __future__ import annotations

from typing import Protocol

from botproxy.model import Facts, Finding


class Engine(Protocol):
    """Looks at one request and says what it thinks, or nothing.

    Synchronous and without I/O. What it raises is caught by the pipeline, counted, and makes the bot fields missing.
    """

    def assess(self, facts: Facts) -> Finding | None:
        """The engine's finding, or None when it has no opinion."""
