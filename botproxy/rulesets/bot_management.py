"""Bot Fight Mode, Super Bot Fight Mode and AI bots of one zone, under the names of the original's API.

Every field of `/zones/{zone_id}/bot_management` (reference section 7) is known: it is a setting here, or it is refused
with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Literal, NamedTuple

from pydantic import field_validator, model_validator

from botproxy.model import Action
from botproxy.rulesets.phases import Phase
from botproxy.schema import Section

REFUSED: Final[dict[str, str]] = {
    "using_latest_model": "read-only in the original; `botproxy models list` says which model is in use",
    "optimize_wordpress": "WordPress's requests to itself cannot be told from imitations by their User-Agent; write a "
    "`skip` rule with the address of your server",
    "bm_cookie_enabled": "it is `cookies.bm_cookie_enabled` of the zone",
    "crawler_protection": "no maze of links is made for crawlers; `ai_bots_protection: block` refuses them",
    "content_bots_protection": "what it covers is not published; `sbfm_likely_automated: block` acts on low scores",
    "cf_robots_variant": "what robots.txt asks is `is_robots_txt_managed` and `ai_…: disallow`",
    "bot_preference_sync_enabled": "there is no account elsewhere to synchronise with",
    "ai_bots_migration_opt_out": "there are no older settings to migrate from",
    "jsd_api_results_enabled": "the results of JavaScript detections are always in the events",
    "stale_zone_configuration": "read-only in the original: it tells of plans, and there are none here",
}
"""Fields of the original's API that are no settings here, and why."""

Choice = Literal["disabled", "block"]
Asked = Literal["disabled", "disallow", "block"]

_IMPOSSIBLE: Final = {
    "only_on_ad_pages": "`block` or `disabled`: which pages carry advertisements is not known here",
    "disallow": "`block` or `disabled`; what robots.txt asks is asked by `ai_training`, `ai_search` and `ai_user`",
}


def _possible(given: Any) -> Any:
    if isinstance(given, str) and given in _IMPOSSIBLE:
        raise ValueError(f"`{given}` is not possible — {_IMPOSSIBLE[given]}")
    return given


class Settings(Section):
    """What is done about bots without a rule."""

    refused: ClassVar[Mapping[str, str]] = REFUSED

    fight_mode: bool = False
    """Bot Fight Mode: a managed challenge for what is surely automated (score 1) and no verified bot, and JavaScript
    detections for everybody. No rule can skip it; an IP access rule that matched spares the visitor."""

    enable_js: bool = True
    """The script of JavaScript detections in pages of this zone; `fight_mode` forces it on."""

    sbfm_definitely_automated: Literal["allow", "block", "managed_challenge"] = "allow"
    """Super Bot Fight Mode: what is done about score 1, verified bots excepted: `allow`, `block` or
    `managed_challenge`."""

    sbfm_likely_automated: Literal["allow", "block", "managed_challenge"] = "allow"
    """The same about scores 2 to 29: `allow`, `block` or `managed_challenge`."""

    sbfm_verified_bots: Literal["allow", "block"] = "allow"
    """The same about verified bots: `allow` or `block`."""

    sbfm_static_resource_protection: bool = False
    """Whether the two above also act on static resources; mail clients fetch images without being browsers."""

    suppress_session_score: bool = False
    """Whether the session cookie is kept from remembering the highest score of the session."""

    auto_update_model: bool = True
    """Whether this site takes the models that constant training promotes. `false` stays with the one that was chosen
    by `botproxy models use`, and with the one that comes with the product until one was."""

    ai_bots_protection: Choice = "disabled"
    """`block` refuses bots of artificial intelligence that crawl for training, search, or act for a person, by what
    they say they are, verified or not; `disabled` does not."""

    ai_training: Asked = "disabled"
    """`block` refuses those of them that crawl for training, AI Crawler; `disallow` asks them to stay away in
    robots.txt."""

    ai_search: Asked = "disabled"
    """`block` refuses those of them that search, AI Search; `disallow` asks them to stay away in robots.txt."""

    ai_user: Asked = "disabled"
    """`block` refuses those of them that act for a person, AI Assistant; `disallow` asks them to stay away in
    robots.txt."""

    is_robots_txt_managed: bool = False
    """Whether robots.txt begins with what is asked of bots, before what the origin says. Without any `disallow` it asks
    those that crawl for training to stay away; with one it does so by itself."""

    @field_validator("ai_training", "ai_search", "ai_user", mode="before")
    @classmethod
    def _asked(cls, given: Any) -> Any:
        return given if given == "disallow" else _possible(given)

    @field_validator("ai_bots_protection", mode="before")
    @classmethod
    def _chosen(cls, given: Any) -> Any:
        return _possible(given)

    @model_validator(mode="after")
    def _one_mode(self) -> Settings:
        if self.fight_mode and self.super_mode:
            raise ValueError("fight_mode and sbfm_… are both on — one of the two: `fight_mode: false`, or no sbfm_…")
        return self

    @property
    def super_mode(self) -> bool:
        """Whether Super Bot Fight Mode does anything."""
        return (self.sbfm_definitely_automated, self.sbfm_likely_automated, self.sbfm_verified_bots) != ("allow",) * 3

    @property
    def disallowed(self) -> frozenset[str]:
        """The purposes that robots.txt asks to stay away: `training`, `search`, `agent`."""
        chosen = (("training", self.ai_training), ("search", self.ai_search), ("agent", self.ai_user))
        asked = frozenset([purpose for purpose, choice in chosen if choice == "disallow"])
        return asked or (frozenset(("training",)) if self.is_robots_txt_managed else asked)

    @property
    def javascript_detections(self) -> bool:
        """Whether pages get the script of JavaScript detections."""
        return self.enable_js or self.fight_mode


class BuiltIn(NamedTuple):
    """A rule that a setting stands for."""

    rule_id: str
    description: str
    expression: str
    action: Action
    phase: Phase
    skippable: bool


_VERIFIED: Final = "cf.bot_management.verified_bot"
_STATIC: Final = "cf.bot_management.static_resource"


def built_in(settings: Settings) -> Iterator[BuiltIn]:
    """The rules that these settings stand for, in the order in which they judge."""
    yield from _ai_bots(settings)
    yield from _super_mode(settings)
    if settings.fight_mode:
        yield BuiltIn(
            "bot_management.fight_mode",
            "Bot Fight Mode",
            f"(cf.bot_management.score eq 1 and not {_VERIFIED})",
            Action.MANAGED_CHALLENGE,
            Phase.BOT_FIGHT,
            False,
        )


def _ai_bots(settings: Settings) -> Iterator[BuiltIn]:
    every = settings.ai_bots_protection == "block"
    for name, chosen, purpose, category in (
        ("ai_training", settings.ai_training, "training", "AI Crawler"),
        ("ai_search", settings.ai_search, "search", "AI Search"),
        ("ai_user", settings.ai_user, "agent", "AI Assistant"),
    ):
        if every or chosen == "block":
            yield BuiltIn(
                f"bot_management.{'ai_bots_protection' if every else name}",
                f"AI bots: {category}",
                # Nobody has to prove being what is refused: a claim is enough.
                f'(botproxy.bot.ai_purpose eq "{purpose}" or cf.verified_bot_category eq "{category}")',
                Action.BLOCK,
                Phase.AI_BOTS,
                True,
            )


def _super_mode(settings: Settings) -> Iterator[BuiltIn]:
    spared = f"not {_VERIFIED}" if settings.sbfm_static_resource_protection else f"not {_VERIFIED} and not {_STATIC}"
    for name, chosen, condition in (
        ("sbfm_verified_bots", settings.sbfm_verified_bots, f"({_VERIFIED})"),
        (
            "sbfm_definitely_automated",
            settings.sbfm_definitely_automated,
            f"(cf.bot_management.score eq 1 and {spared})",
        ),
        (
            "sbfm_likely_automated",
            settings.sbfm_likely_automated,
            f"(cf.bot_management.score ge 2 and cf.bot_management.score le 29 and {spared})",
        ),
    ):
        if chosen != "allow":
            yield BuiltIn(
                f"bot_management.{name}",
                "Super Bot Fight Mode",
                condition,
                Action(chosen),
                Phase.BOT_FIGHT,
                True,
            )
