"""Rules and rulesets as an operator writes them, under the names of the original's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from botproxy.schema import Section

MAX_CONTENT: Final = 2048
"""Bytes of a custom answer to a blocked request (reference section 3.5)."""


class LoggingSettings(Section):
    """Whether a match is recorded."""

    enabled: bool = True
    """Whether a `skip` that matched stands in the event; what it passes over is passed over all the same."""


class ResponseSettings(Section):
    """What a blocked visitor gets instead of the usual page."""

    status_code: Annotated[int, Field(ge=400, le=499)] = 403
    """Status of the answer, 400 to 499."""

    content_type: Literal["text/html", "text/plain", "application/json", "text/xml"] = "text/plain"
    """What `content` is: `text/html`, `text/plain`, `application/json` or `text/xml`."""

    content: str = ""
    """The body, at most 2 KB of UTF-8."""

    most: ClassVar[int] = MAX_CONTENT

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        size = len(self.content.encode("utf-8", "replace"))
        if size > self.most:
            raise ValueError(f"a content of {size} bytes — at most {self.most} bytes")
        return self


class ActionParameters(Section):
    """What an action needs to know: `response` belongs to `block`, everything else to `skip`."""

    response: ResponseSettings | None = None
    """Of `block`: the answer. Left out, 403 with the usual page, or JSON for what is no page."""

    ruleset: Literal["current"] | None = None
    """Of `skip`: `current` passes over the rest of the rules that this one stands among. A `skip` without any
    parameters does this."""

    phase: Literal["current"] | None = None
    """Of `skip` in a zone's rules: `current` passes over everything that is left of the phase of custom rules."""

    phases: tuple[Literal["http_ratelimit", "http_request_sbfm", "http_request_firewall_managed"], ...] = ()
    """Of `skip`: whole phases: `http_ratelimit`, `http_request_sbfm` (which is also the JSD action and AI bots), and
    `http_request_firewall_managed`, which does not exist here."""

    products: tuple[Literal["zoneLockdown", "uaBlock", "bic", "hot", "securityLevel", "rateLimit", "waf"], ...] = ()
    """Of `skip`: `uaBlock` (user-agent rules), `securityLevel` (under attack), `rateLimit`; and `zoneLockdown`, `bic`,
    `hot`, `waf`, which do not exist here."""

    rulesets: tuple[str, ...] = ()
    """Of `skip`: ids of account rulesets that come later."""

    rules: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Of `skip`: refs of single rules, by the id of the account ruleset that they stand in."""

    @property
    def skips(self) -> bool:
        """Whether anything in here is for a `skip`."""
        return bool(self.ruleset or self.phase or self.phases or self.products or self.rulesets or self.rules)


_VERSIONS: Final = "rules have no versions here: the configuration is the only one"

RULE_KEYS_ELSEWHERE: Final = {
    "id": "it is `ref` here",
    "version": _VERSIONS,
    "last_updated": _VERSIONS,
    "position": "rules stand in the order in which they are tried",
    "categories": "only rules that the original manages have them",
    "ratelimit": "rate limiting rules stand under `rate_limits`",
    "exposed_credential_check": "there is no list of leaked passwords here",
}
"""What the original's API says of a rule besides its settings, and what to do about it."""


class RuleSettings(Section):
    """One rule."""

    refused: ClassVar[Mapping[str, str]] = RULE_KEYS_ELSEWHERE

    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """What logs and metrics call this rule: letters, digits, `.`, `_` and `-`, and no other rule of the zone has it."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What the rule is for, for people."""

    expression: str
    """When it matches, in the rules language."""

    action: Literal["block", "js_challenge", "managed_challenge", "challenge", "skip", "log", "allow"]
    """What is done: `block` refuses; `js_challenge`, `managed_challenge` and `challenge` ask for more and more proof of
    a person; `skip` passes over what `action_parameters` names; `log` only records; `allow`, of the original's older
    rules, passes over all custom rules that are left."""

    action_parameters: ActionParameters = ActionParameters()
    """What the action needs to know."""

    logging: LoggingSettings = LoggingSettings()
    """Whether a match of a `skip` is recorded."""

    enabled: bool = True
    """Whether it is evaluated at all."""

    shadow: bool = False
    """Try it out: what it would have done is counted and stands in the event, and nothing is done."""

    @model_validator(mode="after")
    def _fits_the_action(self) -> RuleSettings:
        given = self.action_parameters
        if given.response is not None and self.action != "block":
            raise ValueError(f"action_parameters.response does not go with `{self.action}` — only with `block`")
        if given.skips and self.action != "skip":
            raise ValueError(f"action_parameters of a `skip` do not go with `{self.action}` — remove them")
        if given.phase is not None and (given.ruleset or given.phases or given.rulesets or given.rules):
            raise ValueError(
                "action_parameters.phase is given with something else than products — `ruleset: current` and `phases`"
            )
        if not self.logging.enabled and self.action != "skip":
            raise ValueError("logging.enabled: false is only for `skip` — remove it, every other match is recorded")
        return self


class RulesetSettings(Section):
    """A ruleset of the account: rules that stand before those of every zone, or of some."""

    refused: ClassVar[Mapping[str, str]] = {
        "name": "it is `id` here, and `description` is for people",
        "kind": "rulesets of the account stand under `rulesets`, those of a zone under its `rules`",
        "phase": "custom rules stand under `rules`, rate limiting rules under `rate_limits`",
        "version": _VERSIONS,
        "last_updated": _VERSIONS,
    }

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """What a `skip` calls it: letters, digits, `.`, `_` and `-`."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What it is for, for people."""

    enabled: bool = True
    """Whether its rules are evaluated at all."""

    zones: tuple[str, ...] | None = None
    """Names of the zones that it holds for; left out, all of them."""

    expression: str | None = None
    """Which requests it is for, in the rules language; left out, all of them."""

    rules: Annotated[tuple[RuleSettings, ...], Field(max_length=10_000)] = ()
    """Its rules, in order."""
