"""Lists that contradict each other: what one rule spares stands in a list that another one stops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from botproxy.config.lints.linted import STOPPING, Advice, Rule
from botproxy.config.lints.samples import comparisons
from botproxy.rules.list_items import written
from botproxy.rules.lists import NamedList
from botproxy.rules.tables import AddressTable, HostTable, NumberTable, TextTable

MAX_MEMBERS: Final = 50_000
"""Members of the shorter one of two lists up to which they are compared."""


def contradicting(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A list whose members are skipped and a list whose members are stopped have members in common."""
    spared: dict[NamedList, Rule] = {}
    for rule in rules:
        if rule.spares:
            for each in _lists(rule):
                spared.setdefault(each, rule)
    for rule in rules:
        for each in _lists(rule) if rule.action in STOPPING else ():
            for other, by in spared.items():
                common = in_common(each, other) if other is not each and other.kind is each.kind else ""
                if common:
                    yield Advice(
                        rule,
                        f"${each.name} and ${other.name}, which the rule `{by.ref}` spares, both hold {common}",
                        "each in one of them; until then the rule that comes first decides",
                    )


def in_common(one: NamedList, other: NamedList) -> str:
    """A member of both lists, as text; "" when there is none, or both are too long to compare."""
    a, b = sorted((one.members, other.members), key=len)
    if len(a) > MAX_MEMBERS:
        return ""
    if isinstance(a, AddressTable) and isinstance(b, AddressTable):
        for version, first, last in a.ranges():
            found = b.shared(version, first, last)
            if found is not None:
                return f"addresses of {written(version, *found)}"
        return ""
    if isinstance(a, NumberTable) and isinstance(b, NumberTable):
        shared = (b.shared(*bounds) for bounds in a.ranges())
        return next((str(bounds[0]) for bounds in shared if bounds is not None), "")
    if isinstance(a, HostTable) and isinstance(b, HostTable):
        names = [name for name in a.exact if name in b] + [b"*." + name for name in a.below if name in b.below]
        if len(b) <= MAX_MEMBERS:
            names += [name for name in b.exact if name in a]
        return min(names, default=b"").decode()
    if isinstance(a, TextTable) and isinstance(b, TextTable):
        return min((word for word in a if word in b), default=b"").decode("utf-8", "backslashreplace")[:80]
    return ""


def _lists(rule: Rule) -> Iterator[NamedList]:
    for each, positive in comparisons(rule.expression.tree):
        if positive and isinstance(each.operand, NamedList):
            yield each.operand
