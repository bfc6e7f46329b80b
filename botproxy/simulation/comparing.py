"""Two sets of rules over the same recorded requests: what is the same, what changes, and what cannot be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, final

from botproxy.simulation.facts import facts_of
from botproxy.simulation.fates import Fate, judged, recorded_fate
from botproxy.simulation.harm import HARMS, harm_of
from botproxy.simulation.judging import Judged
from botproxy.simulation.knowing import WORDS, gaps
from botproxy.simulation.past import Solvers
from botproxy.simulation.recorded import Recorded
from botproxy.simulation.tallies import Tally, family, verified

SAMPLES: Final = 20
UNJUDGEABLE_SHARE: Final = 0.01
"""Of the requests that rules saw; when more cannot be judged, nothing should be concluded."""


class After(Protocol):
    """The new rules of one zone."""

    def judge(self, recorded: Recorded, facts: Any, missing: int) -> Judged:
        """What they make of a request."""
        ...


@final
class Comparison:
    """Give it requests in the order of time, then read the result. Counts are of requests."""

    def __init__(
        self,
        after: Callable[[str], After | None],
        solvers: Solvers,
        before: Callable[[str], After | None] | None = None,
    ) -> None:
        """`after` and `before` give the rules of a zone, None where there are none; without `before`, what was recorded
        is compared with."""
        self._after: Final = after
        self._before: Final = before
        self._solvers: Final = solvers
        self.events = 0
        self.unseen = 0
        self.elsewhere = 0
        self.same = 0
        self.changed = 0
        self.unjudgeable = 0
        self.drifted = 0  # the running rules would not say today what was recorded
        self.harm: Final = dict.fromkeys(HARMS, 0)
        self._changes: Final[dict[tuple[Fate, Fate], int]] = {}
        self._paths: Final = Tally()
        self._families: Final = Tally()
        self._verified: Final = Tally()
        self._lacking: Final[dict[int, int]] = {}
        self._samples: Final[list[dict[str, Any]]] = []
        self._harmed: Final[list[dict[str, Any]]] = []

    def add(self, recorded: Recorded) -> None:
        """Compare what becomes of a request."""
        weight = recorded.sample_interval
        self.events += weight
        if not judged(recorded):
            self.unseen += weight
            return
        after = self._after(recorded.zone)
        if after is None:
            self.elsewhere += weight
            return
        facts = facts_of(recorded, self._solvers.clearance(recorded))
        missing = gaps(recorded)
        old: Fate | None = recorded_fate(recorded)
        if self._before is not None:
            running = self._before(recorded.zone)
            if running is not None:
                was = running.judge(recorded, facts, missing)
                if was.fate is not None:
                    self.drifted += (was.fate is not old) * weight
                    old = was.fate
                facts.memo.clear()
        new = after.judge(recorded, facts, missing)
        if new.fate is None:
            self.unjudgeable += weight
            self._lacking[new.missing] = self._lacking.get(new.missing, 0) + weight
        elif new.fate is old:
            self.same += weight
        else:
            assert old is not None
            self.changed += weight
            self._change(recorded, facts, old, new.fate, weight)

    def _change(self, recorded: Recorded, facts: Any, old: Fate, new: Fate, weight: int) -> None:
        kind = (old, new)
        self._changes[kind] = self._changes.get(kind, 0) + weight
        self._paths.add((recorded.path, old, new), weight)
        self._families.add((family(recorded), old, new), weight)
        self._verified.add((verified(recorded), old, new), weight)
        sample = {
            "ray": recorded.ray,
            "zone": recorded.zone,
            "method": recorded.method,
            "path": recorded.path,
            "user_agent": recorded.user_agent,
            "client_ip": recorded.client_ip,
            "score": recorded.score,
            "before": old.word,
            "after": new.word,
        }
        if len(self._samples) < SAMPLES:
            self._samples.append(sample)
        harm = harm_of(recorded, facts, old, new, self._solvers)
        if harm is not None:
            self.harm[harm] += weight
            if len(self._harmed) < SAMPLES:
                self._harmed.append({**sample, "harm": harm})

    @property
    def compared(self) -> int:
        """Requests that rules saw, of the zones that there are."""
        return self.same + self.changed + self.unjudgeable

    @property
    def harmful(self) -> bool:
        """Whether legitimate automation or people with solved challenges would be newly stopped."""
        return any(self.harm.values())

    @property
    def doubtful(self) -> bool:
        """Whether too many cannot be judged, or there are none."""
        return self.unjudgeable > UNJUDGEABLE_SHARE * self.compared or not self.compared

    def result(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        compared = self.compared
        lacking = sorted(self._lacking.items(), key=lambda item: item[1], reverse=True)
        changes = sorted(self._changes.items(), key=lambda item: item[1], reverse=True)
        return {
            "events": self.events,
            "unseen": self.unseen,
            "elsewhere": self.elsewhere,
            "compared": compared,
            "same": self.same,
            "changed": self.changed,
            "unjudgeable": self.unjudgeable,
            "shares": {
                name: round(number / compared, 6) if compared else 0.0
                for name, number in (("same", self.same), ("changed", self.changed), ("unjudgeable", self.unjudgeable))
            },
            "changes": [{"before": old.word, "after": new.word, "requests": number} for (old, new), number in changes],
            "by": {"path": _told(self._paths), "client": _told(self._families), "verified": _told(self._verified)},
            "approximate": self._paths.approximate,
            "harm": self.harm,
            "harmed": self._harmed,
            "samples": self._samples,
            "missing": [{"what": _words(gap), "requests": number} for gap, number in lacking],
            "drifted": self.drifted,
        }


def _told(tally: Tally) -> list[dict[str, Any]]:
    return [
        {"value": value, "before": old.word, "after": new.word, "requests": number}
        for (value, old, new), number in tally.top()
    ]


def _words(gap: int) -> str:
    return "; ".join(word for each, word in WORDS.items() if each & gap)
