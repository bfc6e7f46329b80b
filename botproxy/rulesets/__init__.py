"""What judges the requests of a zone: ordered phases of rules, actions, challenges that were passed already."""

from botproxy.rulesets.access import AccessRuleSettings
from botproxy.rulesets.account import AccountRuleset, compile_account, deployed
from botproxy.rulesets.bot_management import Settings as BotManagementSettings
from botproxy.rulesets.bot_management import built_in
from botproxy.rulesets.compiling import Problem, RulesetError
from botproxy.rulesets.phases import TABLE, Phase
from botproxy.rulesets.presets import PresetSettings, expand, shipped_text
from botproxy.rulesets.rate_limit import RateLimiter, ZoneRates
from botproxy.rulesets.rate_limit_settings import RateLimitSettings
from botproxy.rulesets.ruleset import RateLimits, ZoneRuleset
from botproxy.rulesets.ruling import Ruling, holds, ruling
from botproxy.rulesets.settings import RulesetSettings, RuleSettings
from botproxy.rulesets.user_agents import UserAgentRuleSettings

__all__ = [
    "TABLE",
    "AccessRuleSettings",
    "AccountRuleset",
    "BotManagementSettings",
    "Phase",
    "PresetSettings",
    "Problem",
    "RateLimitSettings",
    "RateLimiter",
    "RateLimits",
    "RuleSettings",
    "RulesetError",
    "RulesetSettings",
    "Ruling",
    "UserAgentRuleSettings",
    "ZoneRates",
    "ZoneRuleset",
    "built_in",
    "compile_account",
    "deployed",
    "expand",
    "holds",
    "ruling",
    "shipped_text",
]
