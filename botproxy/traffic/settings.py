"""How much is remembered of who did what lately."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from botproxy.schema import Section


class Settings(Section):
    """Counters of rate limiting rules."""

    keys: Annotated[int, Field(ge=1_000, le=10_000_000)] = 100_000
    """Counters that each worker keeps, of all rules and sites together; the supervisor keeps as many. One takes about
    330 bytes in a worker and 650 in the supervisor. When all are taken, light ones give way to heavier ones, and who
    finds no place passes uncounted (`botproxy_rate_limit_uncounted_total`)."""
