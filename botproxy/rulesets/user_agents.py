"""User-agent rules: what happens to requests with exactly this User-Agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Final, Literal, final

from pydantic import Field

from botproxy.model import Request
from botproxy.rulesets.access import ACTIONS
from botproxy.rulesets.ruling import Ruling, ruling
from botproxy.schema import Section


class UserAgentConfiguration(Section):
    """Which requests a user-agent rule is about."""

    target: Literal["ua"] = "ua"
    """What `value` is; there is only `ua`."""

    value: Annotated[str, Field(min_length=1, max_length=2048)]
    """The whole header, letter by letter; for a part of it write a rule with `http.user_agent contains`."""


class UserAgentRuleSettings(Section):
    """One user-agent rule."""

    refused: ClassVar[Mapping[str, str]] = {"id": "it is `ref` here", "paused": "it is `enabled: false` here"}

    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """What logs and metrics call it: letters, digits, `.`, `_` and `-`."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What the rule is for, for people."""

    mode: Literal["block", "challenge", "js_challenge", "managed_challenge"]
    """What is done: `block`, `challenge`, `js_challenge` or `managed_challenge`."""

    configuration: UserAgentConfiguration
    """Which requests it is about."""

    enabled: bool = True
    """Whether it is asked at all."""

    shadow: bool = False
    """Try it out: what it would have done is counted and stands in the event, and nothing is done."""


@final
class UserAgentTable:
    """User-agent rules of one zone: one look-up a request."""

    __slots__ = ("_by_value",)

    def __init__(self, rules: Iterable[UserAgentRuleSettings]) -> None:
        """Rules with the same value: the first one counts."""
        self._by_value: Final[dict[bytes, Ruling]] = {}
        for rule in rules:
            if rule.enabled:
                wish = ruling(rule.ref, rule.description, ACTIONS[rule.mode], "uaBlock", shadow=rule.shadow)
                self._by_value.setdefault(rule.configuration.value.encode(), wish)

    def __len__(self) -> int:
        return len(self._by_value)

    def matching(self, request: Request) -> Ruling | None:
        """The rule about this request, or None."""
        value = request.headers.first(b"user-agent")
        return None if value is None else self._by_value.get(value)
