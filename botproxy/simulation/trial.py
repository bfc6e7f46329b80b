"""What one more rule would have done: a rule, recorded requests, and who would have been hit."""

from __future__ import annotations

from typing import Any, Final, final

from botproxy.model import ClearanceLevel
from botproxy.rules import Lists, compile_expression
from botproxy.simulation.facts import facts_of
from botproxy.simulation.fates import FATES, LEVELS, Fate, judged, reached, recorded_fate
from botproxy.simulation.knowing import Gap, Known, gap_of, gaps, known
from botproxy.simulation.past import Solvers
from botproxy.simulation.recorded import Recorded
from botproxy.simulation.tallies import Attributes
from botproxy.simulation.welcome import welcome

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
class Trial:
    """One rule, at the end of a zone's own rules and before its presets. Give it requests, then read the result."""

    def __init__(self, expression: str, action: str, solvers: Solvers, lists: Lists | None = None) -> None:
        """Raises RuleError."""
        self._expression: Final = compile_expression(expression, lists=lists)
        self._gap: Final = gap_of(self._expression.tree)
        self._fate: Final = FATES[action]
        self._level: Final = LEVELS.get(self._fate, ClearanceLevel.NONE)
        self.solvers: Final = solvers
        self._variants: Final[dict[Gap, Known]] = {}
        self._by: Final = Attributes()
        self._samples: Final[list[Recorded]] = []
        self.scanned = 0  # records
        self.judged = 0  # requests; so are those below
        self.matched = 0
        self.unjudgeable = 0
        self.unseen = 0
        self.changed = 0
        self.harm: Final = {"solved_challenge": 0, "verified_bots": 0, "welcome_automation": 0}

    def add(self, recorded: Recorded) -> None:
        """Try the rule on a request."""
        weight = recorded.sample_interval
        self.scanned += 1
        if not judged(recorded):
            self.unseen += weight  # paths of our own, and what was refused before any rule
            return
        expression = self._expression
        if recorded.scoring_failed and expression.uses_bot_management:
            self.judged += weight  # no rule that reads bot fields is evaluated then
            return
        clearance = self.solvers.clearance(recorded)
        facts = facts_of(recorded, clearance)
        if self._gap:
            matches = self._matches(facts, self._gap & gaps(recorded))
            if matches is None:
                self.unjudgeable += weight
                return
        else:
            matches = expression.matches(facts)
        self.judged += weight
        if not matches:
            return
        self.matched += weight
        self._by.add(recorded, weight)
        if len(self._samples) < SAMPLES:
            self._samples.append(recorded)
        before = recorded_fate(recorded)
        passed = clearance is not None and clearance.level >= self._level > ClearanceLevel.NONE
        if self._fate is Fate.FORWARD or passed or before is self._fate or not reached(recorded, before):
            return
        self.changed += weight
        if before is Fate.FORWARD or before < self._fate is Fate.BLOCK:
            self._hit(recorded, before, weight, welcome(recorded, facts))

    def _matches(self, facts: Any, missing: Gap) -> bool | None:
        if not missing:
            return self._expression.matches(facts)
        variant = self._variants.get(missing)
        if variant is None:
            variant = self._variants[missing] = known(self._expression, missing)
        if not variant.possibly.matches(facts):
            return False
        return True if variant.surely.matches(facts) else None

    def _hit(self, recorded: Recorded, before: Fate, weight: int, exempt: bool) -> None:
        proven = self.solvers.proven(recorded)
        if proven and (self._fate is Fate.BLOCK or self._level > proven):
            self.harm["solved_challenge"] += weight
        if before is not Fate.FORWARD:
            return
        if recorded.verified_bot_category:
            self.harm["verified_bots"] += weight
        elif exempt:
            self.harm["welcome_automation"] += weight

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
