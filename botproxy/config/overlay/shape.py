"""What an overlay looks like. The values themselves are checked where they end up: as settings of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from botproxy.schema import Section

MAX_EDITS: Final = 2_000
"""Rules that an overlay may add, and exceptions, of one zone."""

Ref = Annotated[str, Field(min_length=1, max_length=64)]


class About(Section):
    """Where this version comes from."""

    version: Annotated[int, Field(ge=1)]
    """Its number."""

    at: float
    """When it was made, in seconds since 1970."""

    who: Annotated[str, Field(max_length=200)] = ""
    """Who made it."""

    what: Annotated[str, Field(max_length=2000)] = ""
    """What was changed, in short."""

    restored: int | None = None
    """The version that this one goes back to."""


class Added(Section):
    """A rule that the configuration's file does not have. Without a place it is the last one."""

    rule: dict[str, Any]
    """The rule, as in the file."""

    before: Ref | None = None
    """The rule that it stands before."""

    after: Ref | None = None
    """The rule that it stands behind."""

    first: bool = False
    """Whether it is the first one."""


class RuleEdits(Section):
    """What is different about the rules of a zone, or about those of another kind."""

    add: Annotated[tuple[Added, ...], Field(max_length=MAX_EDITS)] = ()
    """Rules that are added, one after the other."""

    change: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Keys of rules of the file that are different, by ref."""

    remove: tuple[Ref, ...] = ()
    """Rules of the file that are left out."""

    order: tuple[Ref, ...] = ()
    """Rules in the order in which they stand among each other; the others keep their places."""


class Exemption(Section):
    """Requests that are let through for a time."""

    ref: Ref
    """What events call it."""

    expression: str
    """Which requests, in the rules language."""

    until: Annotated[int, Field(ge=0)]
    """When it ends, in seconds since 1970."""

    description: Annotated[str, Field(max_length=500)] = ""
    """Why, for people."""


class ZoneEdits(Section):
    """What is different about a zone."""

    mode: Any = None
    security_level: Any = None
    js_detection_action: Any = None
    challenge_without_javascript: Any = None
    presets: Any = None
    bot_management: dict[str, Any] = Field(default_factory=dict)
    rules: RuleEdits = RuleEdits()
    rate_limits: RuleEdits = RuleEdits()
    access_rules: RuleEdits = RuleEdits()
    user_agent_rules: RuleEdits = RuleEdits()
    exceptions: Annotated[tuple[Exemption, ...], Field(max_length=MAX_EDITS)] = ()


class ListEdits(Section):
    """What is different about a list."""

    kind: Any = None
    """Of a list that the file does not have."""

    description: Any = None
    """Of a list that the file does not have."""

    items: tuple[str | int, ...] | None = None
    """All of its items."""

    add: tuple[str | int, ...] = ()
    """Items beside those of the file."""

    remove: tuple[str | int, ...] = ()
    """Items of the file that are left out."""


class Overlay(Section):
    """All that is different from the file."""

    about: About | None = None
    mode: Any = None
    scoring: dict[str, Any] = Field(default_factory=dict)
    alerts: dict[str, Any] = Field(default_factory=dict)
    zones: dict[str, ZoneEdits] = Field(default_factory=dict)
    lists: dict[str, ListEdits] = Field(default_factory=dict)


RuleKind = Literal["rules", "rate_limits", "access_rules", "user_agent_rules"]
"""Keys of a zone that hold rules, each by its ref."""

RULE_KINDS: Final[tuple[RuleKind, ...]] = get_args(RuleKind)


WORDS: Final[dict[RuleKind, str]] = {
    "rules": "rule",
    "rate_limits": "rate limit",
    "access_rules": "rule of IP access",
    "user_agent_rules": "rule of user agents",
}
"""What one of them is called."""


def ref_of(kind: RuleKind, rule: Mapping[str, Any]) -> str:
    """What a rule is called: an IP access rule without a ref has its value for one. "" for one without a name."""
    ref = rule.get("ref")
    if isinstance(ref, str) and ref:
        return ref
    configuration = rule.get("configuration") if kind == "access_rules" else None
    value = configuration.get("value") if isinstance(configuration, Mapping) else None
    return value if isinstance(value, str) else ""


INSTANCE_SETTINGS: Final = ("mode", "scoring", "alerts")
"""Keys of the whole that an overlay may set."""

ZONE_SETTINGS: Final = (
    *("mode", "security_level", "js_detection_action", "challenge_without_javascript", "presets", "bot_management"),
    "anomaly_detection",
)
"""Keys of a zone that an overlay may set."""
