"""Rules from a few words, and what one lint says of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from botproxy.config.lints import LINTS
from botproxy.config.lints.linted import Rule
from botproxy.rules import Lists, compile_expression

Advised = Callable[..., list[str]]


def advise(name: str, *rules: tuple[str, str], lists: Lists | None = None, shadow: bool = False) -> list[str]:
    """What the lint says of (action, expression) pairs, as `ref: what — right`; refs are the positions from 1."""
    ruleset = [
        Rule(("zones", 0, "rules", at, "expression"), str(at + 1), action, compile_expression(text, lists=lists),
             shadow and at == 0, action in ("skip", "allow"))
        for at, (action, text) in enumerate(rules)
    ]  # fmt: skip
    return [f"{advice.rule.ref}: {advice.what} — {advice.right}" for advice in LINTS[name](ruleset)]


@pytest.fixture(scope="session")
def advised() -> Advised:
    return advise
