"""Rules from settings to expressions, with every fault told at its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from botproxy.errors import OperatorError
from botproxy.model import BlockResponse
from botproxy.rules import Expression, Lists, RuleError, compile_expression
from botproxy.rulesets.settings import ResponseSettings, RuleSettings

Place = tuple[str | int, ...]
"""Keys and positions from the zone, or from the top for what begins with `rulesets`."""


class Problem(NamedTuple):
    """One fault: where it stands, and what is wrong."""

    place: Place
    message: str  # for the operator; of an expression, with its carets
    error: RuleError | None = None


class RulesetError(OperatorError):
    """Rules are at fault; `problems` has every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{_dotted(problem.place)}: {problem.message}" for problem in problems))
        self.problems: Final = tuple(problems)


class Compiled(NamedTuple):
    """A rule that is enabled, compiled."""

    settings: RuleSettings
    expression: Expression
    block: BlockResponse | None
    place: Place


def compile_rules(
    rules: Sequence[RuleSettings],
    place: Place,
    lists: Lists | None,
    problems: list[Problem],
    taken: dict[str, str],
    whose: str = "rule",
) -> list[Compiled]:
    """The rules that are enabled. What is wrong with any of them goes to `problems`; `taken` says whose a ref is."""
    compiled: list[Compiled] = []
    for at, rule in enumerate(rules):
        if rule.ref in taken:
            problems.append(Problem((*place, at, "ref"), f'the name "{rule.ref}" is taken by {taken[rule.ref]}'))
        taken.setdefault(rule.ref, f"{whose} {at + 1}")
        try:
            expression = compile_expression(rule.expression, lists=lists)
        except RuleError as error:
            problems.append(Problem((*place, at, "expression"), str(error), error))
            continue
        if rule.enabled:
            response = rule.action_parameters.response
            block = block_response(response) if response is not None else None
            compiled.append(Compiled(rule, expression, block, (*place, at)))
    return compiled


def once_each(about: Sequence[tuple[str, str]], key: str, problems: list[Problem]) -> None:
    """A problem for each rule of the list `key` that is about the same target and value as one before it."""
    first: dict[tuple[str, str], int] = {}
    for at, (target, value) in enumerate(about):
        same = first.setdefault((target, value), at)
        if same != at:
            what = f"a second rule for {value[:80]}; {key}[{same}] is the first"
            problems.append(Problem((key, at, "configuration"), what))


def block_response(settings: ResponseSettings) -> BlockResponse:
    """The answer as it is sent."""
    return BlockResponse(
        settings.status_code,
        f"{settings.content_type}; charset=utf-8".encode(),
        settings.content.encode("utf-8", "replace"),
    )


def _dotted(place: Place) -> str:
    said = ""
    for part in place:
        said += f"[{part}]" if isinstance(part, int) else f".{part}" if said else part
    return said
