"""What callers do on paths of our own, counted in their profiles."""

from __future__ import annotations

from collections.abc import Callable

from botproxy.model import Client, Request
from botproxy.pipeline import Pipeline
from botproxy.telemetry import Counters


def noting(pipeline: Pipeline, zone: str, counters: Counters, figure: int) -> Callable[[Request, Client], None] | None:
    """Something that counts this figure of `traffic.profiles` for who asks; None where nobody looks at profiles."""
    if not pipeline.observes:
        return None

    def note(request: Request, client: Client) -> None:
        try:
            pipeline.note(request, client, figure)
        except Exception:
            counters.add(("engine_failed", zone, "traffic"))

    return note
