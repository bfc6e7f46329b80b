"""A compiled value: what tells the requests apart that a rule counts, such as an address, a header or a fingerprint."""

from __future__ import annotations

from typing import Final, final

from botproxy.rules.body_needs import need_of
from botproxy.rules.caller_fields import CALLER_FIELD_NAMES, CROWD_FIELD_NAMES
from botproxy.rules.errors import RuleError
from botproxy.rules.evaluation import elements, matcher, reader
from botproxy.rules.expression import fields_of
from botproxy.rules.fields import FIELDS
from botproxy.rules.lists import Lists
from botproxy.rules.parser import parse_value
from botproxy.rules.response_fields import RESPONSE_FIELD_NAMES
from botproxy.rules.scheme import Scheme
from botproxy.rules.scored_fields import follows_from_scoring
from botproxy.rules.tree import Access, Argument, Literal, type_of
from botproxy.rules.types import BOOL, Reader


@final
class Value:
    """A value that was read and typed, so that reading it of a request cannot fail."""

    __slots__ = (
        "body_need",
        "fields",
        "needs_crowds",
        "needs_profile",
        "needs_response",
        "needs_score",
        "read",
        "text",
    )

    def __init__(self, text: str, tree: Argument, scheme: Scheme) -> None:
        self.text: Final = text
        self.fields: Final = frozenset(fields_of(tree))
        self.needs_score: Final = any(map(follows_from_scoring, self.fields))
        """Whether it is missing when scoring failed."""
        self.needs_response: Final = any(name in RESPONSE_FIELD_NAMES for name in self.fields)
        self.needs_profile: Final = not CALLER_FIELD_NAMES.isdisjoint(self.fields)
        """Whether it looks at what callers did lately."""
        self.needs_crowds: Final = not CROWD_FIELD_NAMES.isdisjoint(self.fields)
        self.body_need: Final = need_of(tree)
        self.read: Final = _reader(tree, scheme)
        """The value, or None when it is missing."""


def compile_value(text: str, scheme: Scheme = FIELDS, lists: Lists | None = None) -> Value:
    """Read a value; raises RuleError when it cannot be read, and nothing else whatever the text."""
    try:
        return Value(text, parse_value(text, scheme, lists if lists is not None else {}), scheme)
    except RecursionError:
        raise RuleError("this is nested too deeply to be read here", text, 0, len(text)) from None


def _reader(tree: Argument, scheme: Scheme) -> Reader:
    if isinstance(tree, Access):
        return reader(tree, scheme)
    if isinstance(tree, Literal):
        raise TypeError("a literal is no value of a request")
    return matcher(tree, scheme) if type_of(tree) == BOOL else elements(tree, scheme)
