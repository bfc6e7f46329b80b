"""A compiled expression: what a rule becomes at load."""

from __future__ import annotations

from typing import Final, final

from botproxy.rules.body_needs import bytes_needed, need_of
from botproxy.rules.caller_fields import CALLER_FIELD_NAMES, CROWD_FIELD_NAMES
from botproxy.rules.errors import RuleError
from botproxy.rules.evaluation import matcher
from botproxy.rules.fields import FIELDS
from botproxy.rules.lists import Lists
from botproxy.rules.parser import parse
from botproxy.rules.repeating import reads_only_repeating
from botproxy.rules.response_fields import RESPONSE_FIELD_NAMES
from botproxy.rules.scheme import Scheme
from botproxy.rules.scored_fields import follows_from_scoring
from botproxy.rules.tree import Access, Argument, Compare, Field, Literal, Logic, Node, Not, Quantified, Truth


@final
class Expression:
    """An expression that was read and typed, so that evaluating it cannot fail."""

    __slots__ = (
        "body_need", "fields", "headers_only", "matches", "needs_crowds", "needs_profile", "needs_response", "repeats",
        "scheme", "text", "tree", "uses_bot_management",
    )  # fmt: skip

    def __init__(self, text: str, tree: Node, scheme: Scheme) -> None:
        self.text: Final = text
        self.tree: Final = tree
        self.scheme: Final = scheme
        self.fields: Final = frozenset(fields_of(tree))
        self.headers_only: Final = all(scheme.fields[name].headers_only for name in self.fields)
        self.repeats: Final = reads_only_repeating(tree, scheme)
        self.uses_bot_management: Final = any(map(follows_from_scoring, self.fields))
        """Whether it must not be judged when scoring failed, because what it reads is missing then."""
        self.needs_response: Final = any(name in RESPONSE_FIELD_NAMES for name in self.fields)
        """Whether it can only be judged once there is an answer; before, those fields are missing."""
        self.needs_profile: Final = not CALLER_FIELD_NAMES.isdisjoint(self.fields)
        """Whether it looks at what callers did lately."""
        self.needs_crowds: Final = not CROWD_FIELD_NAMES.isdisjoint(self.fields)
        """Whether it looks at what others did with the same JA4, headers or path."""
        self.body_need: Final = need_of(tree)
        self.matches: Final = matcher(tree, scheme)

    @property
    def needs_body(self) -> bool:
        """Whether there are bodies that must be looked into before this is judged."""
        return self.body_need.bytes > 0 or self.body_need.size

    def body_needed(self, length: int | None) -> int:
        """How many bytes from the beginning of a body of this length (None: not known) must be there to judge it.

        At most `WHOLE`; whoever reads the body has a limit of its own.
        """
        return bytes_needed(self.body_need, length)

    def uses(self, field: str) -> bool:
        """Whether the field is read, under any name that leads to it."""
        spec = self.scheme.fields.get(field)
        return spec is not None and spec.name in self.fields


def compile_expression(text: str, scheme: Scheme = FIELDS, lists: Lists | None = None) -> Expression:
    """Read an expression; raises RuleError when it cannot be read, and nothing else whatever the text."""
    try:
        return Expression(text, parse(text, scheme, lists if lists is not None else {}), scheme)
    except RecursionError:
        # The depth is limited, but not whose call this is.
        raise RuleError("this is nested too deeply to be read here", text, 0, len(text)) from None


def fields_of(node: Node | Argument) -> set[str]:
    """Names of the fields that a part of an expression reads."""
    if isinstance(node, Literal):
        return set()
    if isinstance(node, Access):
        if isinstance(node.base, Field):
            return {node.base.name}
        return set().union(*(fields_of(argument) for argument in node.base.arguments))
    if isinstance(node, Compare | Truth):
        return fields_of(node.subject)
    if isinstance(node, Not | Quantified):
        return fields_of(node.item)
    assert isinstance(node, Logic)
    return set().union(*(fields_of(item) for item in node.items))
