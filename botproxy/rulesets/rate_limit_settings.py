"""Rate limiting rules as an operator writes them: the rules of the original's phase `http_ratelimit`, key by key."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from botproxy.rulesets.settings import LoggingSettings, ResponseSettings
from botproxy.schema import Section

MAX_CONTENT: Final = 30 * 1024
"""Bytes of a custom answer to a request over its limit (reference section 3.5)."""

MAX_SCORE: Final = 1_000_000
"""The highest score that an origin can give one answer (reference section 3.8)."""


class LimitedResponseSettings(ResponseSettings):
    """What a visitor over the limit gets instead of the usual page."""

    status_code: Annotated[int, Field(ge=400, le=499)] = 429
    """Status of the answer, 400 to 499."""

    content: str = ""
    """The body, at most 30 KB of UTF-8."""

    most: ClassVar[int] = MAX_CONTENT


class LimitedActionParameters(Section):
    """What the action needs to know."""

    response: LimitedResponseSettings | None = None
    """Of `block`: the answer. Left out, 429 with the usual page, or JSON for what is no page."""


class RateSettings(Section):
    """What is counted, and how much of it is too much."""

    characteristics: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)]
    """What requests have in common that are counted together; each combination of values has a counter of its own.
    `ip.src`, `cf.unique_visitor_id`, `http.request.headers["x-api-key"]`, `cf.bot_management.ja4` or any other value of
    the rules language. `cf.colo.id`, which the original demands, is taken and says nothing: there is one place here."""

    period: Literal[10, 60, 120, 300, 600, 3600]
    """Seconds over which is counted: 10, 60, 120, 300, 600 or 3600."""

    requests_per_period: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Requests in one period that are not too many; the next one is. This, or `score_per_period`."""

    score_per_period: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Instead of counting requests: the sum of scores in one period that is not too much. The origin gives each answer
    its score, 1 to 1,000,000, in the header that `score_response_header_name` names."""

    score_response_header_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")] | None = None
    """The header of the origin's answers that has the score; an answer without it counts nothing."""

    mitigation_timeout: Literal[0, 10, 60, 120, 300, 600, 3600, 86400] = 0
    """Seconds for which the action is done once the limit is exceeded, however few requests come then: 10, 60, 120,
    300, 600, 3600 or 86400. 0 throttles: the action is done to requests above the limit, the others pass."""

    counting_expression: str = ""
    """Which requests are counted, in the rules language; left out or empty, those that the rule's expression matches.
    It may ask for the origin's answer (`http.response.code eq 401`), and is counted after it then."""

    requests_to_origin: bool = False
    """Count only requests that go to the origin. There is no cache here: all that pass the rules do."""

    @model_validator(mode="after")
    def _one_limit(self) -> RateSettings:
        if (self.requests_per_period is None) == (self.score_per_period is None):
            raise ValueError("one limit is needed and no more — `requests_per_period`, or `score_per_period`")
        if (self.score_per_period is None) != (self.score_response_header_name is None):
            raise ValueError("`score_per_period` and `score_response_header_name` go together — give both, or neither")
        if "ip.src" in self.characteristics and "cf.unique_visitor_id" in self.characteristics:
            raise ValueError("characteristics: `ip.src` and `cf.unique_visitor_id` exclude each other — remove one")
        return self


class RateLimitSettings(Section):
    """One rate limiting rule."""

    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """What logs and metrics call this rule: letters, digits, `.`, `_` and `-`, and no other rule of the zone has it.
    Its counters are kept under this name, so they outlive a reload that leaves name, characteristics and period."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What the rule is for, for people."""

    expression: str
    """Which requests the action is done to, in the rules language."""

    action: Literal["block", "js_challenge", "managed_challenge", "challenge", "log"]
    """What is done above the limit: `block` refuses with 429; `js_challenge`, `managed_challenge` and `challenge` ask
    for more and more proof of a person, and who passes starts again from zero; `log` only records."""

    action_parameters: LimitedActionParameters = LimitedActionParameters()
    """What the action needs to know."""

    ratelimit: RateSettings
    """What is counted, and how much of it is too much."""

    logging: LoggingSettings = LoggingSettings()
    """As in other rules; every match of this kind is recorded."""

    enabled: bool = True
    """Whether it is evaluated and counts at all."""

    shadow: bool = False
    """Try it out: what it would have done is counted and stands in the event, and nothing is done."""

    @model_validator(mode="after")
    def _fits_the_action(self) -> RateLimitSettings:
        if self.action_parameters.response is not None and self.action != "block":
            raise ValueError(f"action_parameters.response does not go with `{self.action}` — only with `block`")
        if not self.logging.enabled:
            raise ValueError("logging.enabled: false is only for `skip` — remove it, every other match is recorded")
        return self
