"""Rate limiting rules from settings to what is judged, with every fault told at its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from botproxy.model import Action, BlockResponse
from botproxy.rules import BodyNeed, Expression, Lists, RuleError, Value, compile_expression, joined_needs
from botproxy.rulesets.compiling import Place, Problem
from botproxy.rulesets.rate_limit_keys import Values, compile_characteristic, joined, misspelt_header
from botproxy.rulesets.rate_limit_settings import LimitedResponseSettings, RateLimitSettings
from botproxy.rulesets.ruling import Ruling, ruling
from botproxy.traffic import CountedRule

SOURCE: Final = "rateLimit"
"""The Logpush `SecuritySources` word (reference section 10.3)."""

USUAL: Final = BlockResponse(429, b"", b"")


class LimitedRule(NamedTuple):
    """A rule that is enabled, compiled."""

    counted: CountedRule
    timeout: int  # seconds; 0 throttles
    expression: Expression
    counting: Expression | None  # None when it is the expression itself
    later: bool  # counted after the answer
    score_header: bytes | None  # lower case
    values: Values
    wish: Ruling
    needs_bots: bool
    body_need: BodyNeed
    needs_profile: bool = False
    needs_crowds: bool = False
    characteristics: tuple[str, ...] = ()  # as written


def compile_limit(
    zone: str, rule: RateLimitSettings, lists: Lists | None, place: Place, problems: list[Problem]
) -> LimitedRule | None:
    """The rule, or None when something of it is wrong, which goes to `problems`."""
    given = rule.ratelimit
    known = len(problems)
    expression = _expression(rule.expression, lists, (*place, "expression"), problems)
    if expression is not None and expression.needs_response:
        what = "the answer is not there yet when the rule is judged — ask for it in ratelimit.counting_expression"
        problems.append(Problem((*place, "expression"), what))
    counting = None
    if given.counting_expression.strip() and given.counting_expression.strip() != rule.expression.strip():
        where = (*place, "ratelimit", "counting_expression")
        counting = _expression(given.counting_expression, lists, where, problems)
    values = _characteristics(given.characteristics, lists, (*place, "ratelimit", "characteristics"), problems)
    if len(problems) > known or expression is None:
        return None
    limit = given.requests_per_period or given.score_per_period or 1
    header = given.score_response_header_name
    name = "\0".join((zone, rule.ref, "requests" if header is None else "score", *given.characteristics))
    read = [expression] if counting is None else [expression, counting]
    response = rule.action_parameters.response
    block = None
    if rule.action == "block":
        block = _block(response) if response is not None else USUAL
    return LimitedRule(
        CountedRule(name.encode("utf-8", "replace"), given.period, limit),
        given.mitigation_timeout,
        expression,
        counting,
        header is not None or (counting is not None and counting.needs_response),
        header.lower().encode() if header is not None else None,
        joined(values),
        ruling(rule.ref, rule.description, Action(rule.action), SOURCE, block=block, shadow=rule.shadow),
        any(each.uses_bot_management for each in read) or any(value.needs_score for value in values),
        joined_needs([each.body_need for each in read] + [value.body_need for value in values]),
        any(each.needs_profile for each in read) or any(value.needs_profile for value in values),
        any(each.needs_crowds for each in read) or any(value.needs_crowds for value in values),
        given.characteristics,
    )


def _expression(text: str, lists: Lists | None, place: Place, problems: list[Problem]) -> Expression | None:
    try:
        return compile_expression(text, lists=lists)
    except RuleError as error:
        problems.append(Problem(place, str(error), error))
        return None


def _characteristics(texts: Sequence[str], lists: Lists | None, place: Place, problems: list[Problem]) -> list[Value]:
    values: list[Value] = []
    for at, text in enumerate(texts):
        header = misspelt_header(text)
        if header is not None:
            what = f"no header is called {header} here — {header.lower()}: names of headers are in lower case"
            problems.append(Problem((*place, at), what))
            continue
        try:
            value = compile_characteristic(text, lists)
        except RuleError as error:
            problems.append(Problem((*place, at), str(error), error))
            continue
        if value is None:
            continue
        if value.needs_response:
            what = "the answer is not there yet when the rule is judged — a value of the request"
            problems.append(Problem((*place, at), what))
        values.append(value)
    return values


def _block(settings: LimitedResponseSettings) -> BlockResponse:
    return BlockResponse(
        settings.status_code,
        f"{settings.content_type}; charset=utf-8".encode(),
        settings.content.encode("utf-8", "replace"),
    )
