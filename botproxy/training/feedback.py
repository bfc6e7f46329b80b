"""What operators said that requests were, asked of events: by ray, or by an expression and the time it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from botproxy.model import Facts
from botproxy.rules import FIELDS, Expression, RuleError, compile_expression
from botproxy.simulation import facts_of, from_line
from botproxy.store import labels

MOST_EXPRESSIONS: Final = 1_000
"""Expressions that are asked, the newest first; each is asked of every event of its time."""

ALLOWED: Final = frozenset(
    (
        "cf.bot_management.ja3_hash", "cf.bot_management.ja4", "cf.bot_management.score", "http.host",
        "http.request.uri.path", "http.user_agent", "ip.geoip.asnum", "ip.geoip.country", "ip.src", "ip.src.asnum",
        "ip.src.country",
    )
)  # fmt: skip
"""Fields that an event can answer for (reference section 7)."""


class _Asked(NamedTuple):
    zone: str
    human: bool
    expression: Expression
    since: float
    until: float


@final
class Feedback:
    """Answers whether an operator said that a request was a person's. A later label outweighs an earlier one."""

    def __init__(self, told: Iterable[labels.Label] = ()) -> None:
        """Expressions that cannot be asked of events are counted in `passed_over`."""
        self._rays: Final[dict[str, bool]] = {}
        self._asked: Final[list[_Asked]] = []
        self.passed_over = 0
        for one in told:
            human = one.label == labels.HUMAN
            if one.ray:
                self._rays[one.ray.lower()] = human
                continue
            try:
                expression = compile_expression(one.expression, FIELDS)
            except RuleError:
                self.passed_over += 1
                continue
            if not expression.fields <= ALLOWED:
                self.passed_over += 1
                continue
            self._asked.append(_Asked(one.zone, human, expression, one.since, one.until or float("inf")))
        del self._asked[:-MOST_EXPRESSIONS]

    def human(self, event: Mapping[str, Any], when: float) -> bool | None:
        """True or False as an operator said; None where nobody did. `when` in seconds since the epoch."""
        by_ray = self._rays.get(str(event.get("RayID")))
        if by_ray is not None:
            return by_ray
        facts: Facts | None = None
        for one in reversed(self._asked):
            if one.since <= when <= one.until and one.zone in ("", event.get("ZoneName")):
                if facts is None:
                    recorded = from_line(event)
                    if recorded is None:
                        return None
                    facts = facts_of(recorded)
                if one.expression.matches(facts):
                    return one.human
        return None


def feedback_of(directories: Iterable[Path]) -> Feedback:
    """What operators said, from the data directories in which it was written down."""
    told = [label for directory in directories for label in labels.read(directory)]
    return Feedback(sorted(told, key=lambda label: label.at))
