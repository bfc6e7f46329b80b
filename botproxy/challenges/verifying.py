"""Whether what a browser handed in solves the challenge that its token names. The nonce is burned by the caller.

Two questions, asked apart: `verify`, cheap, whether the work was done by whom it was given to; and, once the nonce is
burned, `conclude`, whether what was seen of the browser and of the person is enough for the level.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from botproxy.challenges.presses import doubt, read_presses
from botproxy.challenges.puzzle import solved
from botproxy.challenges.ticket import Step, Ticket, agent, decode
from botproxy.cookies import Sealer, home
from botproxy.model import ClearanceLevel, Client, Headers
from botproxy.scoring.jsd import PUBLIC, Programs, judge

_SKEW: Final = 60_000
"""Milliseconds that another node's clock may be ahead of ours."""

ODD: Final = 40
"""Points of signs that do not convict, from which a managed challenge asks for a press nevertheless."""


class Reason(Enum):
    """Why a solution does not count; a word that the page and metrics use."""

    MALFORMED = "malformed"  # not a request that the page makes
    FORGED = "forged"  # not sealed by us, or under a key long gone
    ZONE = "zone"  # issued for another site
    EXPIRED = "expired"
    VISITOR = "visitor"  # another User-Agent than was challenged, or an address that changed too often
    MOVED = "moved"  # another address than was challenged: the page is given a new ticket
    WORK = "work"  # wrong, or too little
    EARLY = "early"  # right as far as it goes, but its time is not over yet
    USED = "used"  # solved before
    BUSY = "busy"  # nobody could say whether it was used before
    AUTOMATED = "automated"  # the report shows a browser that a program drives, or none
    UNPROVEN = "unproven"  # no report, or one that shows too little
    CLICK = "click"  # nothing is wrong, but a press is wanted
    INPUT = "input"  # the presses are not believed


class Passed(NamedTuple):
    """Work that counts, once the ticket's nonce has been burned for `ttl` seconds."""

    ticket: Ticket
    ttl: float
    puzzles: int  # solved
    seconds: float  # since the challenge was issued


class Failed(NamedTuple):
    """A solution that does not count. `wait` is after how many seconds an early one may be handed in again."""

    reason: Reason
    ray: str = ""
    wait: float = 0.0
    ticket: Ticket | None = None  # where there was one that this visitor could have been given
    detail: str = ""


class Concluded(NamedTuple):
    """What a solved ticket is worth. `reason` is None when it counts; `js_passed` what a report said, if any did."""

    reason: Reason | None
    js_passed: bool | None = None
    pressed: bool = False
    detail: str = ""


def verify(
    *, sealer: Sealer, now: float, zone: str, headers: Headers, client: Client, token: str, answer: str
) -> Passed | Failed:
    """Judge the work. `now` is seconds since the epoch, `headers` and `client` are those of whoever hands it in.

    The cheap questions come first; at most `puzzles` hashes are computed, about 0.8 µs each.
    """
    if not token.isascii():
        return Failed(Reason.MALFORMED)
    payload = sealer.open(token.encode("ascii"))
    ticket = None if payload is None else decode(payload)
    if ticket is None:
        return Failed(Reason.FORGED)
    moment = int(now * 1000)
    if ticket.zone != zone:
        return Failed(Reason.ZONE, ticket.ray)
    if moment >= ticket.expires or ticket.issued > moment + _SKEW:
        return Failed(Reason.EXPIRED, ticket.ray)
    if ticket.agent != agent(headers):
        return Failed(Reason.VISITOR, ticket.ray)
    here = home(client.address, ticket.strictness)
    if here and here not in ticket.homes:
        return Failed(Reason.MOVED, ticket.ray, ticket=ticket)
    count = solved(ticket.nonce, ticket.difficulty, ticket.puzzles, answer)
    if count is None or count < ticket.minimum:
        return Failed(Reason.WORK, ticket.ray)
    elapsed = moment - ticket.issued
    if count < ticket.puzzles and elapsed < ticket.budget:
        return Failed(Reason.EARLY, ticket.ray, (ticket.budget - elapsed) / 1000)
    return Passed(
        ticket,
        # Whoever burns it may have another clock than ours: remember it for as long as any of them takes the token.
        ttl=(ticket.expires - moment + _SKEW) / 1000,
        puzzles=count,
        seconds=max(elapsed, 0) / 1000,
    )


def conclude(
    passed: Passed,
    *,
    headers: Headers,
    report: str | None,
    presses: object,
    programs: Programs = PUBLIC,
    now: float = 0.0,
) -> Concluded:
    """What the work is worth with all that was seen besides. Costs nothing for `Step.WORK`, else a millisecond or two.

    Whoever computes puzzles without a browser has no report that convinces, and gets no further than level js.
    """
    ticket = passed.ticket
    if ticket.level <= ClearanceLevel.JS:
        return Concluded(None)
    if not report:
        return Concluded(Reason.UNPROVEN, detail="no report")
    judged = judge(report.encode("utf-8", "replace"), seed=ticket.nonce, headers=headers, programs=programs, now=now)
    if judged.passed is False:
        return Concluded(Reason.AUTOMATED, False, detail=judged.reason)
    if judged.passed is None:
        return Concluded(Reason.UNPROVEN, detail=judged.reason)
    if ticket.step < Step.PRESS:
        return Concluded(Reason.CLICK if judged.points >= ODD else None, True)
    seen = read_presses(presses)
    why = "unreadable" if seen is None else doubt(seen, ticket.nonce, ticket.step, passed.seconds * 1000)
    return Concluded(Reason.INPUT if why else None, True, True, why)
