"""What one more rule would have done: a rule, recorded requests, and who would have been hit."""

from __future__ import annotations

from typing import Any, Final, final

from botproxy.model import ClearanceLevel, Facts
from botproxy.rules import Lists, compile_expression
from botproxy.simulation.facts import facts_of
from botproxy.simulation.fates import FATES, LEVELS, Fate, judged, reached, recorded_fate
from botproxy.simulation.harm import HARMS, harm_of
from botproxy.simulation.judging import Judged
from botproxy.simulation.knowing import Known, gap_of, gaps, known
from botproxy.simulation.past import Solvers
from botproxy.simulation.recorded import Recorded
from botproxy.simulation.tallies import Attributes

ACTIONS: Final = tuple(FATES)
SAMPLES: Final = 20

_SHOWN: Final = (
    "ray",
    "start",
    "zone",
    "client_ip",
    "client_country",
    "client_asn",
    "method",
    "host",
    "path",
    "user_agent",
    "status",
    "score",
    "score_source",
    "score_group",
    "verified_bot_category",
    "js_detection",
    "action",
    "would",
    "rule_id",
    "sequence",
)


@final
class OneMore:
    """One more rule at the end of a zone's own, before its presets, beside what was recorded of all others."""

    def __init__(self, expression: str, action: str, lists: Lists | None = None) -> None:
        """Raises RuleError."""
        self._expression: Final = compile_expression(expression, lists=lists)
        self._gap: Final = gap_of(self._expression.tree)
        self.fate: Final = FATES[action]
        self.level: Final = LEVELS.get(self.fate, ClearanceLevel.NONE)
        self._variants: Final[dict[int, Known]] = {}

    def matches(self, facts: Facts, missing: int) -> bool | None:
        """Whether it matches; None where that cannot be told."""
        if facts.scoring_failed and self._expression.uses_bot_management:
            return False  # no rule that reads bot fields is evaluated then
        lacking = self._gap & missing
        if not lacking:
            return self._expression.matches(facts)
        variant = self._variants.get(lacking)
        if variant is None:
            variant = self._variants[lacking] = known(self._expression, lacking)
        if not variant.possibly.matches(facts):
            return False
        return True if variant.surely.matches(facts) else None

    def after(self, recorded: Recorded, facts: Facts) -> Fate:
        """What becomes of a request that it matches."""
        before = recorded_fate(recorded)
        clearance = facts.clearance
        passed = clearance is not None and clearance.level >= self.level > ClearanceLevel.NONE
        return before if self.fate is Fate.FORWARD or passed or not reached(recorded, before) else self.fate

    def judge(self, recorded: Recorded, facts: Facts, missing: int) -> Judged:
        """What becomes of a request."""
        matches = self.matches(facts, missing)
        if matches is None:
            if self.after(recorded, facts) is recorded_fate(recorded):
                return Judged(recorded_fate(recorded))  # it would not change a thing
            return Judged(None, self._gap & missing)
        return Judged(self.after(recorded, facts) if matches else recorded_fate(recorded))


@final
class Trial:
    """What one more rule does, counted. Give it requests, then read the result."""

    def __init__(self, expression: str, action: str, solvers: Solvers, lists: Lists | None = None) -> None:
        """Raises RuleError."""
        self._rule: Final = OneMore(expression, action, lists)
        self.solvers: Final = solvers
        self._by: Final = Attributes()
        self._samples: Final[list[Recorded]] = []
        self.scanned = 0  # records
        self.judged = 0  # requests; so are those below
        self.matched = 0
        self.unjudgeable = 0
        self.unseen = 0
        self.changed = 0
        self.harm: Final = dict.fromkeys(HARMS, 0)

    def add(self, recorded: Recorded) -> None:
        """Try the rule on a request."""
        weight = recorded.sample_interval
        self.scanned += 1
        if not judged(recorded):
            self.unseen += weight  # paths of our own, and what was refused before any rule
            return
        facts = facts_of(recorded, self.solvers.clearance(recorded))
        matches = self._rule.matches(facts, gaps(recorded))
        if matches is None:
            self.unjudgeable += weight
            return
        self.judged += weight
        if not matches:
            return
        self.matched += weight
        self._by.add(recorded, weight)
        if len(self._samples) < SAMPLES:
            self._samples.append(recorded)
        before, after = recorded_fate(recorded), self._rule.after(recorded, facts)
        if after is before:
            return
        self.changed += weight
        harm = harm_of(recorded, facts, before, after, self.solvers)
        if harm is not None:
            self.harm[harm] += weight

    def result(self) -> dict[str, Any]:
        """Everything, ready for JSON. Counts are of requests: each record counts for as many as it stands for."""
        samples = [{name: value for name, value in each._asdict().items() if name in _SHOWN} for each in self._samples]
        return {
            "judged": self.judged,
            "matched": self.matched,
            "unjudgeable": self.unjudgeable,
            "changed": self.changed,
            "by": self._by.top(),
            "harm": self.harm,
            "samples": samples,
            "scanned": self.scanned,
        }
