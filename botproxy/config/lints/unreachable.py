"""Rules that never run, because one before them ends the matter for every request that they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from botproxy.config.lints.implication import always_true, implies, never_true
from botproxy.config.lints.linted import STOPPING, Advice, Rule
from botproxy.config.lints.samples import comparisons
from botproxy.rules.numbers import IntSet
from botproxy.rules.tree import Access, Compare, Logic, LogicOp, Node, Op

MAX_COMPARED: Final = 20_000
"""Pairs of rules of one ruleset that are compared; of ten thousand rules not every two can be."""

_LEVELS: Final = {"js_challenge": 1, "managed_challenge": 2, "challenge": 3}


Exact = tuple[Access, object]
"""A subject and the one value that it is compared with."""


class _Ending(NamedTuple):
    rule: Rule
    always: bool
    exact: frozenset[Exact]  # what it demands exactly; a rule that says nothing of it cannot imply it


def behind_another(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A rule whose expression makes an earlier one true that blocks, challenges as much, or skips the rest."""
    endings: list[_Ending] = []
    exact: dict[Node, Rule] = {}
    left = MAX_COMPARED
    for rule in rules:
        tree = rule.expression.tree
        earlier = exact.get(tree)
        found = earlier if earlier is not None and _ends_for(earlier, rule) else None
        if found is None:
            values, fields = frozenset(_values(tree)), rule.expression.fields
            for ending in endings:
                if ending.always or (ending.exact <= values and not fields.isdisjoint(ending.rule.expression.fields)):
                    left -= 1
                    if left < 0:
                        break
                    if _ends_for(ending.rule, rule) and (ending.always or implies(tree, ending.rule.expression.tree)):
                        found = ending.rule
                        break
        if found is not None:
            same = tree == found.expression.tree
            why = "has the same expression" if same else "is true for all that it is about"
            yield Advice(
                rule,
                f"it never runs: the rule `{found.ref}` before it {why}, and {_does(found)}",
                "the narrower rule first, or remove this one",
            )
            continue
        if (rule.action in STOPPING or rule.skips_rest) and not rule.shadow:
            exact.setdefault(tree, rule)
            endings.append(_Ending(rule, always_true(tree), frozenset(_demands(tree))))


def never(rules: Sequence[Rule]) -> Iterator[Advice]:
    """An expression that is false of every request."""
    for rule in rules:
        if never_true(rule.expression.tree) and not rule.expression.uses("cf.threat_score"):
            yield Advice(
                rule, "its expression is never true: what it demands excludes itself", "correct it, or remove it"
            )


def _demands(node: Node) -> Iterator[Exact]:
    if isinstance(node, Logic) and node.op is LogicOp.AND:
        for item in node.items:
            yield from _demands(item)
    elif isinstance(node, Compare) and node.op is Op.EQ:
        yield node.subject, node.operand


def _values(node: Node) -> Iterator[Exact]:
    for each, _ in comparisons(node):
        if each.op is Op.EQ:
            yield each.subject, each.operand
        elif isinstance(each.operand, frozenset):
            yield from ((each.subject, value) for value in each.operand)
        elif isinstance(each.operand, IntSet):
            yield from ((each.subject, first) for first, last in each.operand.ranges if first == last)


def _ends_for(earlier: Rule, later: Rule) -> bool:
    """Whether what `earlier` does leaves nothing to do for `later`."""
    if earlier.action == "block" or earlier.skips_rest:
        return True
    # Who passed a challenge goes on to the next rule; one that asks for no more stops nobody else then.
    return 0 < _LEVELS.get(later.action, 0) <= _LEVELS.get(earlier.action, 0)


def _does(rule: Rule) -> str:
    if rule.action == "block":
        return "it blocks"
    return "it passes over the rest" if rule.skips_rest else "who passed its challenge passes this one too"
