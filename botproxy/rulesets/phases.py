"""Everything that judges a request, in order, and which `skip` reaches which: the one table of it.

`docs/rulesets.md` shows this table, and a test holds the two together.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class Phase(IntEnum):
    """Who judges, in the order in which they do."""

    ACCESS = 0
    USER_AGENT = 1
    UNDER_ATTACK = 2
    ACCOUNT = 3
    CUSTOM = 4
    RATE_LIMIT = 5
    JS_DETECTION = 6
    AI_BOTS = 7
    BOT_FIGHT = 8
    HOOK = 9


class Row(NamedTuple):
    """One line of the table."""

    phase: Phase
    title: str
    setting: str  # where an operator writes it
    source: str  # the Logpush `SecuritySources` words of its matches (reference section 10.3)
    phases: str = ""  # a word of `phases` in a skip that reaches it
    products: tuple[str, ...] = ()  # words of `products` in a skip that reach it
    note: str = ""


TABLE: Final[tuple[Row, ...]] = (
    Row(
        Phase.ACCESS,
        "IP access rules",
        "`access_rules` of the zone",
        "`ip`, `ipRange`, `asn`, `country`",
        note="no skip; one that allows passes over everything below but the hook",
    ),
    Row(
        Phase.USER_AGENT,
        "user-agent rules",
        "`user_agent_rules` of the zone",
        "`uaBlock`",
        products=("uaBlock",),
        note="asked ahead: the skip stands in a ruleset below",
    ),
    Row(
        Phase.UNDER_ATTACK,
        "under attack",
        "`security_level: under_attack` of the zone, `botproxy under-attack`",
        "`securityLevel`",
        products=("securityLevel",),
        note="asked ahead: the skip stands in a ruleset below",
    ),
    Row(
        Phase.ACCOUNT,
        "account rulesets",
        "`rulesets` at the top",
        "`firewallCustom`",
        note="the rest of the same one by `ruleset: current`, later ones by `rulesets` and `rules`, and all custom "
        "rules that are left by the action `allow`",
    ),
    Row(
        Phase.CUSTOM,
        "the zone's custom rules",
        "`rules`, then `presets`, of the zone",
        "`firewallCustom`",
        note="the rest by `ruleset: current`, by `phase: current`, and by the action `allow`",
    ),
    Row(
        Phase.RATE_LIMIT,
        "rate limiting rules",
        "`rate_limits` of the zone",
        "`rateLimit`",
        "http_ratelimit",
        ("rateLimit",),
    ),
    Row(
        Phase.JS_DETECTION,
        "the zone's action on failed JavaScript detections",
        "`js_detection_action` of the zone",
        "`botManagement`",
        "http_request_sbfm",
    ),
    Row(Phase.AI_BOTS, "AI bots", "`bot_management.ai_…` of the zone", "`botFight`", "http_request_sbfm"),
    Row(
        Phase.BOT_FIGHT,
        "Super Bot Fight Mode",
        "`bot_management.sbfm_…` of the zone",
        "`botFight`",
        "http_request_sbfm",
    ),
    Row(
        Phase.BOT_FIGHT,
        "or Bot Fight Mode",
        "`bot_management.fight_mode` of the zone",
        "`botFight`",
        note="no skip; an IP access rule that matched spares it",
    ),
    Row(Phase.HOOK, "the zone's hook", "`hook` of the zone", "`hook`", note="no skip; it only sees what is forwarded"),
)

MANAGED: Final = "http_request_firewall_managed"
WITHOUT_EFFECT: Final = frozenset((MANAGED, "zoneLockdown", "bic", "hot", "waf"))
"""Words of a skip that the original knows and that reach nothing here, because there is no such product."""


def reached_by_phase(word: str) -> frozenset[Phase]:
    """What this word of a skip's `phases` passes over."""
    return frozenset(row.phase for row in TABLE if row.phases == word)


def reached_by_product(word: str) -> frozenset[Phase]:
    """What this word of a skip's `products` passes over."""
    return frozenset(row.phase for row in TABLE if word in row.products)


def markdown() -> str:
    """The table as the documentation shows it."""
    lines = ["| | what judges | where it is written | `SecuritySources` | what a `skip` says to pass over it |"]
    lines.append("|---|---|---|---|---|")
    for row in TABLE:
        said = [f"`phases: [{row.phases}]`"] if row.phases else []
        said += [f"`products: [{word}]`" for word in row.products]
        words = " or ".join(said)
        skip = f"{words} ({row.note})" if words and row.note else words or row.note
        lines.append(f"| {row.phase + 1} | {row.title} | {row.setting} | {row.source or '–'} | {skip} |")
    return "\n".join(lines) + "\n"
