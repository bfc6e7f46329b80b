"""Everything that judges the requests of one zone, compiled, and asked in the order of `phases.TABLE`.

Deciding only: whoever calls acts on the verdict. All rules with an expression, whichever phase they belong to, are one
ordered set, so that a phase that nobody uses costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, Protocol, final

from botproxy.model import Action, ClearanceLevel, Disposition, Facts, RuleMatch, Verdict
from botproxy.rules import Expression, ExpressionSet, Lists
from botproxy.rulesets.access import AccessRuleSettings, AccessTable
from botproxy.rulesets.account import AccountRuleset
from botproxy.rulesets.bot_management import Settings as BotManagementSettings
from botproxy.rulesets.bot_management import built_in
from botproxy.rulesets.compiling import Problem, RulesetError, compile_rules, once_each
from botproxy.rulesets.phases import Phase
from botproxy.rulesets.placing import OPEN, Placed, place
from botproxy.rulesets.presets import PresetSettings, expand
from botproxy.rulesets.ruling import Ruling, holds, ruling
from botproxy.rulesets.settings import RuleSettings
from botproxy.rulesets.user_agents import UserAgentRuleSettings, UserAgentTable

_FORWARD: Final = Verdict(Disposition.FORWARD, ClearanceLevel.NONE, (), 0)
_UNDER_ATTACK: Final = ruling("security_level.under_attack", "Under attack", Action.MANAGED_CHALLENGE, "securityLevel")


class RateLimits(Protocol):
    """Rate limiting rules of one zone, with their counters."""

    @property
    def bot_rules(self) -> int:
        """Rules that are not evaluated when scoring failed."""
        ...

    def judge(self, facts: Facts) -> Sequence[Ruling]:
        """Count this request, and give what the rules ask for whose limit it exceeds, in their order."""
        ...


@final
class ZoneRuleset:
    """What judges the requests of one zone."""

    __slots__ = (
        "_access", "_bot_rules", "_fights", "_guarded", "_js_detection", "_reached", "_rules", "_set",
        "_set_without_bots", "_user_agents", "_without_bots", "body_need", "expressions", "needs_crowds",
        "needs_profile", "unindexed",
    )  # fmt: skip

    def __init__(
        self,
        rules: Sequence[Placed],
        expressions: Sequence[Expression],
        access: AccessTable | None = None,
        user_agents: UserAgentTable | None = None,
        js_detection: Ruling | None = None,
    ) -> None:
        self._rules: Final = list(rules)
        self.expressions: Final = tuple(expressions)
        """In the order in which the rules stand; `rules` tells whose they are."""
        self._set: Final = ExpressionSet(expressions)
        self.body_need: Final = self._set.body_need
        """How much of a body must be there when `evaluate` is called."""
        self.needs_profile: Final = self._set.needs_profile
        """Whether some rule looks at what callers did lately."""
        self.needs_crowds: Final = self._set.needs_crowds
        """Whether some rule looks at what others did with the same JA4, headers or path."""
        self._without_bots: Final = [at for at, rule in enumerate(self._rules) if not rule.needs_bots]
        self._set_without_bots: Final = ExpressionSet([expressions[at] for at in self._without_bots])
        self._bot_rules: Final = sum(1 for rule in rules if rule.needs_bots and not rule.wish.shadow)
        self._access: Final = access
        self._user_agents: Final = user_agents
        self._guarded: Final = access is not None or user_agents is not None
        self._js_detection: Final = js_detection
        self._reached: Final = frozenset(phase for rule in rules if rule.skip is not None for phase in rule.skip.phases)
        self._fights: Final = sum(1 << at for at, rule in enumerate(rules) if not rule.skippable)
        self.unindexed: Final = tuple(rules[at].wish.match.rule_id for at in self._set.unindexed)
        """Names of the rules that have no necessary atom, and so are evaluated for every request."""

    @classmethod
    def compile(
        cls,
        settings: Sequence[RuleSettings],
        lists: Lists | None = None,
        *,
        account: Sequence[AccountRuleset] = (),
        presets: Sequence[str | PresetSettings] = (),
        access: Sequence[AccessRuleSettings] = (),
        user_agents: Sequence[UserAgentRuleSettings] = (),
        bot_management: BotManagementSettings | None = None,
        js_detection: str = "allow",
    ) -> ZoneRuleset:
        """Compile all rules of a zone; raises RulesetError with all problems at once when there is any.

        `account` are the rulesets that hold for this zone, compiled once for all zones. `js_detection` is what is done
        about browsers that failed JavaScript detections: `allow`, `block` or `managed_challenge`.
        """
        problems: list[Problem] = []
        try:
            templates = expand(presets)
        except ValueError as error:
            problems.append(Problem(("presets",), str(error)))
            templates = []
        taken = {
            rule.settings.ref: f"a rule of the account ruleset {ruleset.id}"
            for ruleset in account
            for rule in ruleset.rules
        }
        own = compile_rules(settings, ("rules",), lists, problems, taken)
        own += compile_rules(templates, ("presets",), lists, problems, taken)
        once_each([(each.configuration.target, each.configuration.value) for each in access], "access_rules", problems)
        once_each([("ua", each.configuration.value) for each in user_agents], "user_agent_rules", problems)
        stand_for = built_in(bot_management) if bot_management is not None else ()
        rules, expressions = place(account, own, stand_for, problems)
        if problems:
            raise RulesetError(problems)
        table = AccessTable(access)
        agents = UserAgentTable(user_agents)
        failed = (
            None
            if js_detection == "allow"
            else ruling("js_detection_action", "Failed JavaScript detections", Action(js_detection), "botManagement")
        )
        return cls(rules, expressions, table if len(table) else None, agents if len(agents) else None, failed)

    @property
    def rules(self) -> Sequence[Placed]:
        """All rules that have an expression, in their order."""
        return self._rules

    def evaluate(self, facts: Facts, rates: RateLimits | None = None, under_attack: bool = False) -> Verdict:
        """What the rules say of these facts.

        When scoring failed, rules that use a bot field are not evaluated but counted: their fields are missing, and
        a `not` around a missing value would come true.
        """
        return self.evaluate_at(facts, None, rates, under_attack)

    def evaluate_at(
        self,
        facts: Facts,
        known: Sequence[int] | None,
        rates: RateLimits | None = None,
        under_attack: bool = False,
    ) -> Verdict:
        """As `evaluate`; where `known` is given, the rules whose expressions are true are those at these positions."""
        if self._guarded or under_attack:
            return self._guard(facts, rates, under_attack, known)
        if known is not None or facts.scoring_failed:
            return self._decide(facts, rates, known if known is not None else self._positions(facts), [], [], 0)
        candidates = self._set.candidates(facts)
        if rates is not None or self._js_detection is not None:
            return self._decide(facts, rates, self._set.true_of(candidates, facts) if candidates else (), [], [], 0)
        # Most requests match nothing, and pay for nothing but finding that out.
        if not candidates:
            return _FORWARD
        positions = self._set.true_of(candidates, facts)
        for first in positions:
            return self._decide(facts, None, chain((first,), positions), [], [], 0)
        return _FORWARD

    def _positions(self, facts: Facts) -> Iterable[int]:
        if facts.scoring_failed:
            return (self._without_bots[at] for at in self._set_without_bots.matching(facts))
        return self._set.matching(facts)

    def _guard(
        self, facts: Facts, rates: RateLimits | None, under_attack: bool, known: Sequence[int] | None
    ) -> Verdict:
        """The phases before rules with expressions, then those."""
        matches: list[RuleMatch] = []
        shadows: list[RuleMatch] = []
        removed = 0
        access = self._access
        if access is not None:
            for wish in access.matching(facts.client):
                verdict = self._act(wish, facts, matches, shadows, 0)
                if verdict is not None:
                    return verdict
                if not wish.shadow:
                    if wish.action is Action.ALLOW:
                        return _forwarded(matches, shadows, 0)
                    removed = self._fights
                    break
        skipped: frozenset[Phase] | None = None
        user_agents = self._user_agents
        if user_agents is not None:
            found = user_agents.matching(facts.request)
            if found is not None:
                if Phase.USER_AGENT in self._reached:
                    skipped = self._skipped_ahead(facts, known)
                if skipped is None or Phase.USER_AGENT not in skipped:
                    verdict = self._act(found, facts, matches, shadows, 0)
                    if verdict is not None:
                        return verdict
        if under_attack and not _verified(facts):
            if skipped is None and Phase.UNDER_ATTACK in self._reached:
                skipped = self._skipped_ahead(facts, known)
            if skipped is None or Phase.UNDER_ATTACK not in skipped:
                verdict = self._act(_UNDER_ATTACK, facts, matches, shadows, 0)
                if verdict is not None:
                    return verdict
        positions = known if known is not None else self._positions(facts)
        return self._decide(facts, rates, positions, matches, shadows, removed)

    def _skipped_ahead(self, facts: Facts, known: Sequence[int] | None) -> frozenset[Phase]:
        """What the custom rules that this request would reach pass over; nothing is recorded."""
        skipped: frozenset[Phase] = frozenset()
        removed = 0
        gate = OPEN
        for position in known if known is not None else self._positions(facts):
            rule = self._rules[position]
            if rule.phase > Phase.CUSTOM:
                break
            if removed >> position & 1 or (rule.gate not in (OPEN, gate) and not rule.opens):
                continue
            if rule.opens:
                gate = rule.gate
                continue
            wish = rule.wish
            if wish.shadow or wish.action is Action.LOG or (wish.level and holds(facts, wish.level)):
                continue
            if rule.skip is None:
                break
            skipped |= rule.skip.phases
            removed |= rule.skip.removed
        return skipped

    def _decide(
        self,
        facts: Facts,
        rates: RateLimits | None,
        positions: Iterable[int],
        matches: list[RuleMatch],
        shadows: list[RuleMatch],
        removed: int,
    ) -> Verdict:
        """The rules with expressions, which match at `positions`, and what stands between them; `removed` are positions
        that are passed over.
        """
        unevaluated = 0
        if facts.scoring_failed:
            unevaluated = self._bot_rules + (rates.bot_rules if rates is not None else 0)
        rules = self._rules
        gate = OPEN
        skipped: frozenset[Phase] = frozenset()
        between = rates is not None or self._js_detection is not None
        for position in positions:
            if removed and removed >> position & 1:
                continue
            rule = rules[position]
            if rule.gate != OPEN:
                if rule.opens:
                    gate = rule.gate
                    continue
                if gate != rule.gate:
                    continue
            if between and rule.phase > Phase.CUSTOM:
                between = False
                verdict = self._between(facts, rates, skipped, matches, shadows, unevaluated)
                if verdict is not None:
                    return verdict
            skip = rule.skip
            if skip is None:
                verdict = self._act(rule.wish, facts, matches, shadows, unevaluated)
                if verdict is not None:
                    return verdict
            elif rule.wish.shadow:
                shadows.append(rule.wish.match)
            else:
                if rule.recorded:
                    matches.append(rule.wish.match)
                removed |= skip.removed
                skipped |= skip.phases
                if skip.last:
                    break
        if between:
            verdict = self._between(facts, rates, skipped, matches, shadows, unevaluated)
            if verdict is not None:
                return verdict
        return _forwarded(matches, shadows, unevaluated)

    def _between(
        self,
        facts: Facts,
        rates: RateLimits | None,
        skipped: frozenset[Phase],
        matches: list[RuleMatch],
        shadows: list[RuleMatch],
        unevaluated: int,
    ) -> Verdict | None:
        """Rate limiting, and the zone's action on failed JavaScript detections."""
        if rates is not None and Phase.RATE_LIMIT not in skipped:
            for wish in rates.judge(facts):
                verdict = self._act(wish, facts, matches, shadows, unevaluated)
                if verdict is not None:
                    return verdict
        failed = self._js_detection
        if failed is not None and Phase.JS_DETECTION not in skipped:
            known = facts.bot_management
            # Only a report that says so: a browser that was not asked yet has not failed.
            if known is not None and known.js_passed is False and known.verified_bot is None:
                return self._act(failed, facts, matches, shadows, unevaluated)
        return None

    def _act(
        self, wish: Ruling, facts: Facts, matches: list[RuleMatch], shadows: list[RuleMatch], unevaluated: int
    ) -> Verdict | None:
        """The verdict when this rule ends the matter; otherwise it is only recorded."""
        level = wish.level
        if wish.shadow:
            passed = level and not wish.again and holds(facts, level)
            shadows.append(wish.passed if passed else wish.match)
            return None
        if level and not wish.again and holds(facts, level):
            matches.append(wish.passed)
            return None
        matches.append(wish.match)
        action = wish.action
        if action is Action.LOG or action is Action.ALLOW:
            return None
        disposition = Disposition.BLOCK if action is Action.BLOCK else Disposition.CHALLENGE
        return Verdict(
            disposition, level, tuple(matches), unevaluated, wish.block, tuple(shadows), retry_after=wish.retry_after
        )


def _forwarded(matches: list[RuleMatch], shadows: list[RuleMatch], unevaluated: int) -> Verdict:
    if not matches and not unevaluated and not shadows:
        return _FORWARD
    return Verdict(Disposition.FORWARD, ClearanceLevel.NONE, tuple(matches), unevaluated, None, tuple(shadows))


def _verified(facts: Facts) -> bool:
    known = facts.bot_management
    return known is not None and known.verified_bot is not None
