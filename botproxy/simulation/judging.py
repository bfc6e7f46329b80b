"""All rules of one zone, tried on recorded requests, as far as a record tells what they ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, final

from botproxy.model import Facts, Verdict
from botproxy.rules import Expression, ExpressionSet, RuleError
from botproxy.rules.parser import parse_value
from botproxy.rulesets import RateLimiter, Ruling, ZoneRates, ZoneRuleset
from botproxy.rulesets.rate_limit_keys import COLO, SCHEME
from botproxy.rulesets.rate_limit_rules import LimitedRule
from botproxy.simulation.facts import answered
from botproxy.simulation.fates import Fate, fate_of, recorded_fate
from botproxy.simulation.knowing import ALWAYS, Gap, gap_of, known
from botproxy.simulation.recorded import Recorded
from botproxy.traffic import RateCounts

MOST_DOUBTS: Final = 4
"""Rules of which it is not known whether they match, with one request; all ways in which they can are gone through."""

_SKIPS: Final = frozenset(("skip", "allow"))


class Judged(NamedTuple):
    """What becomes of a request; `fate` is None where that cannot be told, for want of `missing`."""

    fate: Fate | None
    missing: int = 0
    verdict: Verdict | None = None  # with the rules that are sure to have matched; of a `ZoneJudge` that could tell


class _Variant(NamedTuple):
    """The expressions of a zone where something is missing."""

    possibly: ExpressionSet
    doubtful: dict[int, Expression]  # position -> the expression that is true only when that is sure


@final
class ZoneJudge:
    """The rules of one zone with counters of their own. Requests come in the order of time.

    `unchanged` are refs of rules that were in force when the requests were recorded, word for word: where a record does
    not tell whether one of them matches, it tells whether it did.
    """

    def __init__(
        self, ruleset: ZoneRuleset, limiter: RateLimiter | None, counts: RateCounts, unchanged: frozenset[str]
    ) -> None:
        self._ruleset: Final = ruleset
        self.needs_profile: Final = ruleset.needs_profile or (limiter is not None and limiter.needs_profile)
        """Whether some rule looks at what callers did lately."""
        self._refs: Final = [rule.wish.match.rule_id for rule in ruleset.rules]
        self._needs_bots: Final = [rule.needs_bots for rule in ruleset.rules]
        self._places: Final = {ref: at for at, ref in enumerate(self._refs)}
        self._gaps: Final = [gap_of(expression.tree) for expression in ruleset.expressions]
        self._gap: Final = _joined(self._gaps)
        self._recorded: Final = {
            at for at, rule in enumerate(ruleset.rules) if rule.recorded and not rule.opens and not rule.wish.shadow
        }
        self._unchanged: Final = unchanged
        self._variants: Final[dict[int, _Variant]] = {}
        self._rates: Final = None if limiter is None else _Rates(limiter.rules, counts, unchanged)

    def judge(self, recorded: Recorded, facts: Facts, missing: int) -> Judged:
        """What these rules make of a request; `missing` is what its record does not tell."""
        variant = self._variant(missing & self._gap)
        sure: list[int] = []
        doubts: list[int] = []
        doubtful = variant.doubtful
        for at in variant.possibly.matching(facts):
            if facts.scoring_failed and self._needs_bots[at]:
                continue
            surely = doubtful.get(at)
            if surely is None or surely.matches(facts):
                sure.append(at)
            else:
                did = self._did(at, recorded)
                if did is None:
                    doubts.append(at)
                elif did:
                    sure.append(at)
        rates = self._rates
        if rates is not None:
            rates.begin(recorded, missing)
        evaluate = self._ruleset.evaluate_at
        verdict = evaluate(facts, sorted(sure), rates)
        fate = fate_of(verdict)
        if doubts:
            lacking = self._lacking(doubts, missing)
            if len(doubts) > MOST_DOUBTS:
                return Judged(None, lacking)
            if any(fate_of(evaluate(facts, way, rates)) is not fate for way in _ways(sure, doubts)):
                return Judged(None, lacking)
        if rates is not None:
            if rates.lacking and fate is Fate.FORWARD:
                return Judged(None, rates.lacking)
            rates.settle(answered(facts, recorded))
        return Judged(fate, 0, verdict)

    def _variant(self, missing: int) -> _Variant:
        variant = self._variants.get(missing)
        if variant is None:
            made = [known(expression, missing) for expression in self._ruleset.expressions]
            doubtful = {at: each.surely for at, each in enumerate(made) if not each.exact}
            variant = self._variants[missing] = _Variant(ExpressionSet([each.possibly for each in made]), doubtful)
        return variant

    def _did(self, at: int, recorded: Recorded) -> bool | None:
        """Whether this rule matched when the request was recorded; None where that is not known either."""
        ref = self._refs[at]
        if ref not in self._unchanged or at not in self._recorded:
            return None
        ids = recorded.rule_ids
        if ref in ids:
            return True
        if recorded_fate(recorded) is not Fate.FORWARD and self._places.get(ids[-1] if ids else "", -1) < at:
            # What decided stands before this one, or is none of these rules: a rate limit, which comes behind them all.
            return False if recorded.sources and recorded.sources[-1] in _BEHIND else None
        # Rules that another passed over were not asked.
        if any(
            word in _SKIPS and self._places.get(each, len(self._refs)) < at
            for each, word in zip(ids, recorded.actions, strict=False)
        ):
            return None
        return False

    def _lacking(self, doubts: Sequence[int], missing: int) -> int:
        return _joined([self._gaps[at] for at in doubts]) & missing


_BEHIND: Final = frozenset(("rateLimit", "botManagement", "botFight", "hook"))


def _ways(sure: Sequence[int], doubts: Sequence[int]) -> list[list[int]]:
    """Every choice of doubtful rules but none of them, with those that are sure."""
    ways: list[list[int]] = []
    for chosen in range(1, 1 << len(doubts)):
        ways.append(sorted([*sure, *(at for nth, at in enumerate(doubts) if chosen >> nth & 1)]))
    return ways


def _joined(several: Sequence[int]) -> int:
    found = 0
    for gap in several:
        found |= gap
    return found


class _Doubtful(NamedTuple):
    """The rate limits that cannot be judged where something is missing."""

    rules: list[tuple[LimitedRule, int]]  # and what of it each of them lacks
    possibly: ExpressionSet  # where they matter: what their own expressions can be true of


@final
class _Rates:
    """Rate limits in the form that a ruleset asks them, counted once a request however often it does."""

    def __init__(self, rules: Sequence[LimitedRule], counts: RateCounts, unchanged: frozenset[str]) -> None:
        self._rules: Final = [(rule, _gap_of_limit(rule)) for rule in rules]
        self._gap: Final = _joined([gap for _, gap in self._rules])
        self._variants: Final[dict[int, _Doubtful]] = {}
        counted = [rule for rule, gap in self._rules if not gap & ALWAYS]
        self._unchanged: Final = unchanged
        self._zone: Final = ZoneRates(counted, counts) if counted else None
        self._recorded: Recorded | None = None
        self._missing = 0
        self._wishes: Sequence[Ruling] | None = None
        self.lacking = 0
        """What would have to be known of this request, for a limit that was asked."""

    def begin(self, recorded: Recorded, missing: int) -> None:
        """The next request."""
        self._recorded = recorded
        self._missing = missing
        self._wishes = None
        self.lacking = 0

    @property
    def bot_rules(self) -> int:
        """See `rulesets.RateLimits`."""
        return 0

    def judge(self, facts: Facts) -> Sequence[Ruling]:
        """See `rulesets.RateLimits`."""
        if self._wishes is None:
            self._wishes = self._judged(facts)
        return self._wishes

    def settle(self, facts: Facts) -> None:
        """Count by the answer."""
        if self._zone is not None and self._wishes is not None and self._zone.needs_answers:
            self._zone.settle(facts, facts.request.received)

    def _judged(self, facts: Facts) -> Sequence[Ruling]:
        wishes: list[Ruling] = []
        recorded = self._recorded
        assert recorded is not None
        doubtful = self._variant(self._missing & self._gap)
        for at in doubtful.possibly.matching(facts):
            rule, lacking = doubtful.rules[at]
            if facts.scoring_failed and rule.needs_bots:
                continue
            ref = rule.wish.match.rule_id
            if ref not in self._unchanged:
                self.lacking |= lacking
            elif ref in recorded.rule_ids:
                wishes.append(rule.wish)
        if self._zone is not None:
            wishes.extend(self._zone.judge(facts))
        return wishes

    def _variant(self, missing: int) -> _Doubtful:
        variant = self._variants.get(missing)
        if variant is None:
            rules = [(rule, gap & missing) for rule, gap in self._rules if gap & missing]
            possibly = [known(rule.expression, gap).possibly for rule, gap in rules]
            variant = self._variants[missing] = _Doubtful(rules, ExpressionSet(possibly))
        return variant


def _gap_of_limit(rule: LimitedRule) -> int:
    gap = Gap.RATES | gap_of(rule.expression.tree)
    if rule.counting is not None:
        gap |= gap_of(rule.counting.tree)
    if rule.score_header is not None:
        gap |= Gap.RESPONSE
    for text in rule.characteristics:
        if text.strip() != COLO:
            gap |= _gap_of_value(text)
    return gap


def _gap_of_value(text: str) -> int:
    try:
        return gap_of(parse_value(text, SCHEME, {}))
    except RuleError:  # it names a list, which the rule that was compiled had
        return Gap.HEADERS
