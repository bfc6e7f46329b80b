"""Rate limiting rules of one zone: compiled once, and judged with the counters of a worker.

Deciding only: the clock is the request's own and counters are handed in. A request is counted when it is judged; where
the counting expression asks for the answer, or the origin scores it, after the answer. The action is done when the
count exceeds the limit: with a limit of 1, to the second request of a period.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final, NamedTuple, final

from botproxy.model import Action, Facts
from botproxy.rules import Expression, ExpressionSet, Lists, joined_needs
from botproxy.rulesets.compiling import Place, Problem, RulesetError
from botproxy.rulesets.rate_limit_rules import LimitedRule, compile_limit
from botproxy.rulesets.rate_limit_settings import MAX_SCORE, RateLimitSettings
from botproxy.rulesets.ruling import Ruling, holds
from botproxy.traffic import NOWHERE, RateCounts

_JUDGED: Final = "rulesets.rate_limits"

FEW: Final = 8
"""Up to so many expressions are asked one after the other, because finding candidates costs as much."""

_NOTHING: Final[tuple[Ruling, ...]] = ()


@final
class RateLimiter:
    """The rate limiting rules of one zone. It holds nothing that a request changes, so workers share it."""

    __slots__ = ("body_need", "needs_crowds", "needs_profile", "rules", "unindexed")

    def __init__(self, rules: Sequence[LimitedRule]) -> None:
        self.rules: Final = tuple(rules)
        self.body_need: Final = joined_needs([rule.body_need for rule in rules])
        """How much of a body must be there when `judge` is called."""
        self.needs_profile: Final = any(rule.needs_profile for rule in rules)
        """Whether some rule looks at what callers did lately."""
        self.needs_crowds: Final = any(rule.needs_crowds for rule in rules)
        """Whether some rule looks at what others did with the same JA4, headers or path."""
        unindexed = ExpressionSet([rule.expression for rule in rules]).unindexed
        self.unindexed: Final = tuple(rules[at].wish.match.rule_id for at in unindexed)
        """Names of the rules that have no necessary atom, and so are evaluated for every request."""

    @classmethod
    def compile(
        cls,
        zone: str,
        settings: Sequence[RateLimitSettings],
        lists: Lists | None = None,
        taken: dict[str, str] | None = None,
        presets: Sequence[RateLimitSettings] = (),
    ) -> RateLimiter | None:
        """The limiter of a zone; None when no rule is enabled. `taken` says whose a ref is already, `presets` are the
        rules that come after the zone's own.

        Raises RulesetError with all problems at once.
        """
        problems: list[Problem] = []
        owners = {} if taken is None else dict(taken)
        rules: list[LimitedRule] = []
        own: list[tuple[Place, RateLimitSettings]] = [(("rate_limits", at), rule) for at, rule in enumerate(settings)]
        for at, (place, rule) in enumerate([*own, *((("presets",), rule) for rule in presets)]):
            if rule.ref in owners:
                problems.append(Problem((*place, "ref"), f'the name "{rule.ref}" is taken by {owners[rule.ref]}'))
            owners.setdefault(rule.ref, f"rate limit {at + 1}")
            compiled = compile_limit(zone, rule, lists, place, problems)
            if compiled is not None and rule.enabled:
                rules.append(compiled)
        if problems:
            raise RulesetError(problems)
        return cls(rules) if rules else None

    def bind(self, counts: RateCounts) -> ZoneRates:
        """The limiter with the counters of one worker."""
        return ZoneRates(self.rules, counts)


class _Part(NamedTuple):
    """One expression of a rule; `acts` is whether the action follows from it, otherwise it only counts."""

    rule: LimitedRule
    number: int  # under which the rule counts
    acts: bool


@final
class ZoneRates:
    """The rate limiting rules of one zone with their counters: `rulesets.RateLimits`."""

    __slots__ = (
        "_answers", "_counts", "_later", "_matchers", "_parts", "_set", "_set_without_bots", "_without_bots",
        "body_need", "bot_rules", "needs_answers", "needs_crowds",
    )  # fmt: skip

    def __init__(self, rules: Sequence[LimitedRule], counts: RateCounts) -> None:
        self._counts: Final = counts
        self.body_need: Final = joined_needs([rule.body_need for rule in rules])
        self.needs_crowds: Final = any(rule.needs_crowds for rule in rules)
        """Whether some rule looks at what others did with the same JA4, headers or path."""
        parts: list[tuple[_Part, Expression]] = []
        later: list[tuple[_Part, Expression]] = []
        for rule in rules:
            number = counts.register(rule.counted)
            if rule.later:
                later.append((_Part(rule, number, False), rule.counting or rule.expression))
            elif rule.counting is not None:
                parts.append((_Part(rule, number, False), rule.counting))
            parts.append((_Part(rule, number, True), rule.expression))
        self._parts: Final = [part for part, _ in parts]
        self._matchers: Final = [expression.matches for _, expression in parts] if len(parts) <= FEW else None
        self._set: Final = ExpressionSet([expression for _, expression in parts])
        self._without_bots: Final = [at for at, part in enumerate(self._parts) if not part.rule.needs_bots]
        self._set_without_bots: Final = ExpressionSet([parts[at][1] for at in self._without_bots])
        self._later: Final = [part for part, _ in later]
        self._answers: Final = ExpressionSet([expression for _, expression in later])
        self.bot_rules: Final = sum(1 for rule in rules if rule.needs_bots and not rule.wish.shadow)
        """Rules that are not evaluated when scoring failed."""
        self.needs_answers: Final = bool(later)
        """Whether some rule counts after the answer, and `settle` has to be called."""

    def judge(self, facts: Facts) -> Sequence[Ruling]:
        """Count this request, and give what the rules ask for whose limit it exceeds, in their order.

        Rules behind one that ends the matter are neither asked nor do they count.
        """
        now = facts.request.received
        if self._later:
            facts.memo[_JUDGED] = True
        wishes: list[Ruling] = []
        for position in self._positions(facts):
            rule, number, acts = self._parts[position]
            if not acts:
                # Where the rule itself matches as well, its own part counts, which knows whether the request passes.
                if not rule.expression.matches(facts):
                    self._count(rule, number, facts, now, 1)
                continue
            counting = not rule.later and (rule.counting is None or rule.counting.matches(facts))
            wish = self._judge(rule, number, facts, now, counting)
            if wish is None:
                continue
            wishes.append(wish)
            if not wish.shadow and wish.action is not Action.LOG and (wish.again or not wish.level):
                break
        return wishes if wishes else _NOTHING

    def settle(self, facts: Facts, now: float) -> None:
        """Count what is counted after the answer, which `facts.response` tells of: once, and only what was judged."""
        if not self._later or facts.memo.pop(_JUDGED, None) is None:
            return
        response = facts.response
        for position in self._answers.matching(facts):
            rule, number, _ = self._later[position]
            if rule.needs_bots and facts.scoring_failed:
                continue
            weight = 1
            if rule.score_header is not None:
                weight = _score(response.headers.first(rule.score_header) if response is not None else None)
            if weight:
                self._count(rule, number, facts, now, weight)

    def _positions(self, facts: Facts) -> Iterable[int]:
        if facts.scoring_failed:
            return [self._without_bots[at] for at in self._set_without_bots.matching(facts)]
        matchers = self._matchers
        if matchers is None:
            return self._set.matching(facts)
        return [at for at, matches in enumerate(matchers) if matches(facts)]

    def _judge(self, rule: LimitedRule, number: int, facts: Facts, now: float, counting: bool) -> Ruling | None:
        """What the rule asks for; None when the request keeps to its limit."""
        counts = self._counts
        key = counts.key(number, rule.values(facts))
        if counting and counts.hit(number, key, now, rule.counted.limit):
            return None
        place = counts.find(number, key, now)
        if place < 0:
            return None
        until = counts.until(place)
        if until <= now:
            if counts.rate(place, now) + counting <= rule.counted.limit:
                return None
            if rule.timeout:
                until = now + rule.timeout
                counts.mitigate(place, until)
        return self._exceeded(rule, place, facts, now, until, counting)

    def _exceeded(
        self, rule: LimitedRule, place: int, facts: Facts, now: float, until: float, counting: bool
    ) -> Ruling:
        """What is done about a request above the limit; `until` lies in the past unless a mitigation runs."""
        counts = self._counts
        wish = rule.wish
        if wish.level:
            clearance = facts.clearance
            if clearance is not None and holds(facts, wish.level) and clearance.expires > counts.passed(place):
                # Each passed challenge sets the counter to zero once, and the older ones are worth nothing then.
                counts.start_over(place, clearance.expires)
                if counting:
                    counts.add(place, now)
                return wish
            return wish._replace(again=True)
        if wish.action is not Action.BLOCK:
            return wish
        wait = ceil(until - now) if until > now else counts.seconds_below(place, now, rule.counted.limit)
        return wish._replace(retry_after=wait)

    def _count(self, rule: LimitedRule, number: int, facts: Facts, now: float, weight: int) -> None:
        counts = self._counts
        key = counts.key(number, rule.values(facts))
        place = counts.find(number, key, now)
        if place < 0:
            place = counts.admit(number, key, now, weight)
            if place == NOWHERE:
                return
        if counts.until(place) > now:
            return
        counts.add(place, now, weight)
        if rule.timeout and counts.rate(place, now) > rule.counted.limit:
            counts.mitigate(place, now + rule.timeout)


def _score(value: bytes | None) -> int:
    """The score that an origin gave its answer; 0 when there is none that counts."""
    if value is None or not value.isdigit() or len(value) > 7:
        return 0
    score = int(value)
    return score if score <= MAX_SCORE else 0
