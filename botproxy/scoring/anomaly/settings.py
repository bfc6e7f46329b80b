"""What an operator may set about anomaly detection, for each site."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from botproxy.schema import Seconds, Section


class Settings(Section):
    """Anomaly detection of one site."""

    enabled: bool = False
    """Whether the usual traffic of the site is learned, and callers that stand out of it get score 1."""

    learn: Annotated[Seconds, Field(le=90 * 86_400)] = 7 * 86_400.0
    """How long it learns before it says anything. In a week every hour of every day is seen once."""

    visits: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    """Ordinary visits that it has to see as well: it compares callers with the busiest 1 in 200 of them, and among
    1,000 there are five of those."""

    hold: Annotated[Seconds, Field(ge=10, le=86_400)] = 600.0
    """How long a caller stays found once it has stopped."""

    callers: Annotated[int, Field(ge=100, le=100_000)] = 10_000
    """Callers that are held found at most. When they are more, further ones are not held, and counted."""
