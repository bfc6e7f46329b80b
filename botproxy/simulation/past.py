"""Who solved a challenge in the recorded time: people, as far as anybody can tell."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from typing import Final, final

from botproxy.model import Clearance, ClearanceLevel
from botproxy.simulation.recorded import SOLVED, Recorded

SECONDS: Final = 1800.0
"""For which a solved challenge counts, unless the configuration says otherwise."""

MAX_VISITORS: Final = 200_000
MAX_EACH: Final = 64
"""Solved challenges of one visitor that are remembered: the newest."""

_LEVELS: Final = {
    "jschallengeSolved": ClearanceLevel.JS,
    "managedChallengeNonInteractiveSolved": ClearanceLevel.MANAGED,
    "managedChallengeInteractiveSolved": ClearanceLevel.MANAGED,
    "challengeSolved": ClearanceLevel.INTERACTIVE,
}


@final
class Solvers:
    """Visitors by address and User-Agent, to which a clearance is bound, with the challenges that they solved."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds: Final = seconds
        self._solved: Final[dict[tuple[str, str], list[tuple[float, ClearanceLevel]]]] = {}
        self.refused = 0
        """Visitors that were too many to be remembered."""

    def __len__(self) -> int:
        return len(self._solved)

    def add(self, recorded: Recorded) -> None:
        """Note a request that solved a challenge; others are passed over."""
        if recorded.action in SOLVED:
            self.solved(recorded.client_ip, recorded.user_agent, recorded.start, recorded.action)

    def solved(self, address: str, user_agent: str, start: float, word: str) -> None:
        """Note that this visitor solved a challenge."""
        level = _LEVELS.get(word)
        if level is None:
            return
        known = self._solved.get((address, user_agent))
        if known is None:
            if len(self._solved) >= MAX_VISITORS:
                self.refused += 1
                return
            known = self._solved[address, user_agent] = []
        insort(known, (start, level))
        if len(known) > MAX_EACH:
            del known[0]

    def add_all(self, records: Iterable[Recorded]) -> None:
        """Note all of them."""
        for recorded in records:
            self.add(recorded)

    def proven(self, recorded: Recorded) -> ClearanceLevel:
        """The highest level that this visitor solved at any recorded time; NONE when none."""
        known = self._solved.get((recorded.client_ip, recorded.user_agent)) if self._solved else None
        return max(level for _, level in known) if known else ClearanceLevel.NONE

    def clearance(self, recorded: Recorded) -> Clearance | None:
        """The clearance that this request held: by a challenge solved shortly before, or since it was said to be
        passed by one."""
        level, expires = ClearanceLevel.NONE, recorded.start + self.seconds
        known = self._solved.get((recorded.client_ip, recorded.user_agent)) if self._solved else None
        if known:
            for start, each in reversed(known[: bisect_right(known, (recorded.start, ClearanceLevel.INTERACTIVE))]):
                if start + self.seconds < recorded.start:
                    break
                if each > level:
                    level, expires = each, start + self.seconds
        for word in recorded.actions:
            if word.endswith("Bypassed"):
                level = max(level, _PASSED.get(word, ClearanceLevel.NONE))
        if not level:
            return None
        return Clearance(level, expires, None, 0.0, "0" * 16)


_PASSED: Final = {
    "jschallengeBypassed": ClearanceLevel.JS,
    "managedChallengeBypassed": ClearanceLevel.MANAGED,
    "challengeBypassed": ClearanceLevel.INTERACTIVE,
}
