"""Who must not be stopped: people who solved a challenge, verified bots, and programs that are welcome unproven."""

from __future__ import annotations

from typing import Final

from botproxy.model import Facts
from botproxy.simulation.fates import LEVELS, Fate
from botproxy.simulation.past import Solvers
from botproxy.simulation.recorded import Recorded
from botproxy.simulation.welcome import welcome

HARMS: Final = ("solved_challenge", "verified_bots", "welcome_automation")


def harm_of(recorded: Recorded, facts: Facts, before: Fate, after: Fate, solvers: Solvers) -> str | None:
    """Which of `HARMS` it is that a request meets `after` instead of `before`: the first that holds, or None.

    Who solved a challenge can solve another of that level, so only a block or a higher level stops them. A program that
    was challenged before was stopped already.
    """
    if after <= before:
        return None
    proven = solvers.proven(recorded)
    if proven and (after is Fate.BLOCK or LEVELS[after] > proven):
        return "solved_challenge"
    if before is not Fate.FORWARD:
        return None
    if recorded.verified_bot_category:
        return "verified_bots"
    return "welcome_automation" if welcome(recorded, facts) else None
