"""What an operator may set about challenges."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from botproxy.schema import Seconds, Section


class Settings(Section):
    """How hard a challenge is, how long it stays open and what happens when it cannot be recorded as used.

    The work is `puzzles` small SHA-256 puzzles of `difficulty` leading zero bits each, 2**difficulty hashes on average;
    a visitor stops at `time_budget`, whatever the machine, once `minimum` of them are solved.
    """

    time_budget: Annotated[Seconds, Field(ge=0.2, le=30)] = 2.5
    """Longest time that a visitor's machine works, slow ones included, unless it has not reached `minimum` by then."""

    puzzles: Annotated[int, Field(ge=1, le=256)] = 64
    """Number of puzzles. Many easy ones vary less in time than few hard ones; each costs us a hash to check."""

    difficulty: Annotated[int, Field(ge=1, le=22)] = 12
    """Leading zero bits that the hash of each solution must have."""

    minimum: Annotated[int, Field(ge=1, le=256)] = 8
    """Fewest solved puzzles that are accepted once `time_budget` has passed on our own clock."""

    token_lifetime: Annotated[Seconds, Field(ge=10, le=3600)] = 300.0
    """How long a challenge can be solved after it was issued."""

    store_timeout: Annotated[Seconds, Field(ge=0.01, le=10)] = 0.5
    """Longest wait for the shared store that makes a solution count once."""

    store_away_clearance: Annotated[Seconds, Field(ge=0, le=300)] = 300.0
    """Longest clearance while that store is away and this worker alone knows what was used; 0 gives none."""

    free_solves: Annotated[int, Field(ge=1, le=100_000)] = 20
    """Challenges that one address (IPv6: one /64) may solve within ten minutes before the work grows: it doubles with
    each further as many, up to sixteen times. A visitor's machine still works no longer than `time_budget` asks."""

    pending: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Solutions that may wait for the store at once in one worker; above it the visitor is asked to try again."""

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if self.minimum > self.puzzles:
            raise ValueError(f"minimum ({self.minimum}) cannot be more than puzzles ({self.puzzles})")
        if self.token_lifetime < 2 * self.time_budget:
            raise ValueError("token_lifetime must be at least twice time_budget, or slow visitors never finish")
        return self
