"""What is legal in a rule and surely wrong: small checks with a name each, on the parsed expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from botproxy.config.document import Document
from botproxy.config.explain import dotted
from botproxy.config.lints import absence, js_detection, lists, patterns, score, unreachable
from botproxy.config.lints.linted import Advice, Rule, rulesets
from botproxy.config.problems import Problem
from botproxy.config.tree import Config
from botproxy.rules import Lists

Lint = Callable[[Sequence[Rule]], Iterator[Advice]]

LINTS: Final[Mapping[str, Lint]] = {
    "low-score-exempted": score.exempting,
    "low-score-static-resources": score.static_resources,
    "low-score-verified-bots": score.verified_bots,
    "threat-score": score.threat_score,
    "js-detection-blocked": js_detection.blocking_unknown,
    "js-detection-beyond-pages": js_detection.beyond_pages,
    "rule-never-runs": unreachable.behind_another,
    "expression-never-true": unreachable.never,
    "regex-case": patterns.case,
    "all-over-nothing": absence.all_over_nothing,
    "field-always-missing": absence.always_missing,
    "lists-contradict": lists.contradicting,
}
"""Every lint by its name; each takes the rules of one ruleset, in order."""


def lint(config: Config, document: Document, file: str, known: Lists) -> Iterator[Problem]:
    """Warnings about the rules of a configuration that can be used; `known` are its lists."""
    for rules in rulesets(config, known):
        for name, each in LINTS.items():
            for advice in each(rules):
                if advice.rule.elsewhere:
                    continue
                path = advice.rule.path
                whose = f"the rule `{advice.rule.ref}`: " if advice.rule.ref else ""
                what, right = f"{whose}{advice.what}", f"{advice.right} ({name})"
                yield Problem(file, *document.place(path).value, what, right, dotted(path))
