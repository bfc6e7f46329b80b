"""Rules that most sites want, each named in one line: what the original offers as templates and examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import yaml
from pydantic import Field, model_validator

from botproxy.rulesets.rate_limit_settings import RateLimitSettings
from botproxy.rulesets.settings import ActionParameters, RuleSettings
from botproxy.schema import Section

Name = Literal[
    "api-traffic",
    "mobile-app",
    "default",
    "definite-bots",
    "likely-bots",
    "javascript-verified-urls",
    "browser-endpoints",
]

ORDER: Final[tuple[Name, ...]] = (
    "api-traffic",
    "mobile-app",
    "default",
    "definite-bots",
    "likely-bots",
    "javascript-verified-urls",
    "browser-endpoints",
)
"""The order in which their rules stand, whatever the order in which they are named: what exempts comes first."""

DEFAULT: Final[Name] = "default"
"""The preset of a site that has no configuration; a file, see `shipped_text`."""

_WANTS: Final[dict[Name, tuple[str, ...]]] = {
    "api-traffic": ("paths",),
    "mobile-app": ("user_agent", "ja3", "ja4"),
    "default": (),
    "definite-bots": (),
    "likely-bots": (),
    "javascript-verified-urls": ("paths", "method"),
    "browser-endpoints": (),
}
_AUTOMATED: Final = "not cf.bot_management.verified_bot and not cf.bot_management.static_resource"


class ShippedPreset(Section):
    """A preset that is a file: what it adds to a zone, under the keys of the zone."""

    rules: tuple[RuleSettings, ...] = ()
    """Rules, in order."""

    rate_limits: tuple[RateLimitSettings, ...] = ()
    """Rate limiting rules, in order."""


def shipped_text() -> str:
    """The file of the preset `default`, with its comments."""
    return files("botproxy.rulesets").joinpath("shipped").joinpath("default.yaml").read_text("utf-8")


@cache
def shipped() -> ShippedPreset:
    """The preset `default`, read once a process."""
    return ShippedPreset.model_validate(yaml.safe_load(shipped_text()))


class PresetSettings(Section):
    """A preset that has to be told something."""

    preset: Name
    """Which one."""

    paths: tuple[Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$", max_length=512)], ...] = ()
    """Of `api-traffic`: beginnings of the paths of your API, `/api/` when left out. Of `javascript-verified-urls`: the
    paths that only browsers use, which it has to be told."""

    method: Annotated[str, Field(pattern=r"^[A-Z]{1,20}$")] = "POST"
    """Of `javascript-verified-urls`: the method of these requests."""

    user_agent: Annotated[str, Field(max_length=512)] = ""
    """Of `mobile-app`: what the User-Agent of your app contains. Anybody can send it, so scores still count: 1 is
    blocked, and what is below 30 gets a managed challenge."""

    ja3: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    """Of `mobile-app`: the JA3 hash of your app, which passes over the rest of the rules."""

    ja4: Annotated[str, Field(pattern=r"^([0-9a-z_]{10,64})?$")] = ""
    """Of `mobile-app`: the JA4 fingerprint of your app, which passes over the rest of the rules."""

    @model_validator(mode="after")
    def _told(self) -> PresetSettings:
        for name in sorted(self.model_fields_set - {"preset", *_WANTS[self.preset]}):
            raise ValueError(f"`{name}` does not go with the preset `{self.preset}` — remove it")
        fault = lacking(self)
        if fault:
            raise ValueError(fault)
        return self


def lacking(preset: PresetSettings) -> str:
    """What the preset has to be told and was not, as `what — right`; "" when nothing."""
    if preset.preset == "mobile-app" and not (preset.user_agent or preset.ja3 or preset.ja4):
        return "the preset `mobile-app` is not told which app — `user_agent`, `ja3` or `ja4`"
    if preset.preset == "javascript-verified-urls" and not preset.paths:
        return "the preset `javascript-verified-urls` is not told which paths — such as `paths: [/login]`"
    return ""


def expand(presets: Iterable[str | PresetSettings]) -> list[RuleSettings]:
    """The rules that the presets stand for, in the order in which they judge.

    Raises ValueError, as `what — right`, for one that is not told what it needs, and for one that is there twice.
    """
    told: dict[str, PresetSettings] = {}
    for each in presets:
        preset = PresetSettings.model_construct(preset=each) if isinstance(each, str) else each
        fault = lacking(preset)
        if not fault and preset.preset in told:
            fault = f"the preset `{preset.preset}` is here a second time — name it once"
        if fault:
            raise ValueError(fault)
        told[preset.preset] = preset
    return [rule for name in ORDER if name in told for rule in _rules(told[name])]


def limits(presets: Iterable[str | PresetSettings]) -> Sequence[RateLimitSettings]:
    """The rate limiting rules that come with the presets."""
    names = {each if isinstance(each, str) else each.preset for each in presets}
    return shipped().rate_limits if DEFAULT in names else ()


def _rules(preset: PresetSettings) -> Sequence[RuleSettings]:
    match preset.preset:
        case "default":
            return shipped().rules
        case "api-traffic":
            return [_rule("api-traffic", "Your API is for programs", _prefixes(preset.paths or ("/api/",)), "skip")]
        case "mobile-app":
            return _mobile(preset)
        case "definite-bots":
            return [
                _rule("definite-bots", "Surely automated", f"(cf.bot_management.score eq 1 and {_AUTOMATED})", "block")
            ]
        case "likely-bots":
            expression = f"(cf.bot_management.score ge 2 and cf.bot_management.score le 29 and {_AUTOMATED})"
            return [_rule("likely-bots", "Likely automated", expression, "managed_challenge")]
        case "javascript-verified-urls":
            expression = (
                f"(http.request.method eq {quoted(preset.method)} and http.request.uri.path in "
                f"{{{' '.join(map(quoted, preset.paths))}}} and not cf.bot_management.verified_bot) and "
                "(cf.bot_management.score lt 30 or not cf.bot_management.js_detection.passed)"
            )
            return [_rule("javascript-verified-urls", "Only for browsers", expression, "managed_challenge")]
        case "browser-endpoints":
            expression = f"(cf.bot_management.score lt 30 and {_AUTOMATED})"
            return [_rule("browser-endpoints", "Automated, and not exempt above", expression, "block")]


def _mobile(preset: PresetSettings) -> list[RuleSettings]:
    fingerprints = [
        f"cf.bot_management.{field} eq {quoted(value)}"
        for field, value in (("ja3_hash", preset.ja3), ("ja4", preset.ja4))
        if value
    ]
    rules: list[RuleSettings] = []
    if fingerprints:
        rules.append(_rule("mobile-app", "Your app by its fingerprint", f"({' or '.join(fingerprints)})", "skip"))
    if preset.user_agent:
        app = f"http.user_agent contains {quoted(preset.user_agent)}"
        rules += [
            _rule("mobile-app-definite", "Says it is your app, surely automated", _below(2, app), "block"),
            _rule("mobile-app-likely", "Says it is your app, likely automated", _below(30, app), "managed_challenge"),
            # Reached only with the challenge above passed, which the stricter rules for browsers below must not undo.
            _rule("mobile-app-passed", "Says it is your app, and passed", _below(30, app), "skip"),
        ]
    return rules


def _below(score: int, app: str) -> str:
    return f"(cf.bot_management.score lt {score} and {_AUTOMATED} and {app})"


def _prefixes(paths: Iterable[str]) -> str:
    return "(" + " or ".join(f"starts_with(http.request.uri.path, {quoted(path)})" for path in paths) + ")"


def _rule(
    name: str, description: str, expression: str, action: Literal["block", "managed_challenge", "skip"]
) -> RuleSettings:
    parameters = ActionParameters(ruleset="current") if action == "skip" else ActionParameters()
    return RuleSettings(
        ref=f"preset.{name}",
        description=description,
        expression=expression,
        action=action,
        action_parameters=parameters,
    )


def quoted(text: str) -> str:
    """The text as a literal of the rules language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
