"""Making tickets: the one that a page begins with, and those that follow it on the same page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from botproxy.challenges.choosing import effort, first_step
from botproxy.challenges.destination import destination
from botproxy.challenges.settings import Settings
from botproxy.challenges.ticket import NONCE_BYTES, Step, Strictness, Ticket, agent, homes
from botproxy.model import ClearanceLevel, Client, Request

MOVES: Final = 3
"""How often a visitor's address may change while one page is open."""


class Known(NamedTuple):
    """What is known of a visitor who is about to be challenged."""

    score: int = 0  # 0 when there is none
    js_passed: bool | None = None  # what JavaScript detections found lately
    failed: float = 0.0  # challenges failed lately
    solved: int = 0  # challenges solved lately from the same network


NOBODY: Final = Known()


def new_ticket(
    *,
    settings: Settings,
    randomness: Callable[[int], bytes],
    now: float,
    zone: str,
    level: ClearanceLevel,
    request: Request,
    client: Client,
    strictness: Strictness,
    rule: str = "",
    known: Known = NOBODY,
) -> Ticket:
    """The ticket of a challenged request. `now` is seconds since the epoch."""
    step = first_step(level, known.score, known.js_passed, known.failed)
    work = effort(settings, step, known.score, known.solved)
    issued = int(now * 1000)
    return Ticket(
        zone=zone,
        level=level,
        nonce=randomness(NONCE_BYTES),
        issued=issued,
        expires=issued + int(settings.token_lifetime * 1000),
        budget=int(settings.time_budget * 1000),
        difficulty=settings.difficulty,
        puzzles=work.puzzles,
        minimum=work.minimum,
        strictness=strictness,
        agent=agent(request.headers),
        homes=homes(client.address, strictness),
        ray=request.ray,
        destination=destination(request.path, request.query),
        step=step,
        rule=rule[:64],
        failures=min(int(known.failed), 255),
    )


def next_ticket(
    before: Ticket, *, settings: Settings, randomness: Callable[[int], bytes], now: float, step: Step, failed: bool
) -> Ticket:
    """What follows a ticket that did not convince, or asked for a press; `failed` counts it."""
    issued = int(now * 1000)
    work = effort(settings, Step.REPORT)  # the work was done already: this is for the single use alone
    return before._replace(
        nonce=randomness(NONCE_BYTES),
        issued=issued,
        expires=issued + int(settings.token_lifetime * 1000),
        puzzles=work.puzzles,
        minimum=work.minimum,
        step=step,
        failures=min(before.failures + failed, 255),
    )


def moved_ticket(
    before: Ticket, *, settings: Settings, randomness: Callable[[int], bytes], now: float, client: Client
) -> Ticket | None:
    """The same challenge for the address where its visitor is now; None when it changed too often.

    The address before stays where it is of the other family: with both, a visitor whose requests alternate between
    IPv4 and IPv6 is challenged once for each, and no page asks twice.
    """
    if before.moves >= MOVES:
        return None
    issued = int(now * 1000)
    return before._replace(
        nonce=randomness(NONCE_BYTES),
        issued=issued,
        expires=issued + int(settings.token_lifetime * 1000),
        homes=homes(client.address, before.strictness, before.homes),
        moves=before.moves + 1,
    )
