"""Presets: what they stand for, in which order, and what they have to be told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from botproxy.model import Disposition
from botproxy.rulesets import PresetSettings, ZoneRuleset, expand
from botproxy.rulesets.presets import ORDER, quoted, shipped

from ..rules.conftest import FactsMaker

APP = {"preset": "mobile-app", "user_agent": "Shop App", "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1"}
LOGIN = {"preset": "javascript-verified-urls", "paths": ["/login"]}


def compiled(*presets: str | dict[str, Any]) -> ZoneRuleset:
    return ZoneRuleset.compile(
        [], presets=[each if isinstance(each, str) else PresetSettings.model_validate(each) for each in presets]
    )


def test_every_preset_compiles_and_exemptions_stand_before_what_they_exempt_from() -> None:
    named: list[str | PresetSettings] = [
        PresetSettings.model_validate(APP if name == "mobile-app" else LOGIN)
        if name in ("mobile-app", "javascript-verified-urls")
        else name
        for name in reversed(ORDER)
    ]
    rules = expand(named)
    assert [rule.ref for rule in rules] == [
        "preset.api-traffic",
        "preset.mobile-app",
        "preset.mobile-app-definite",
        "preset.mobile-app-likely",
        "preset.mobile-app-passed",
        *(rule.ref for rule in shipped().rules),
        "preset.definite-bots",
        "preset.likely-bots",
        "preset.javascript-verified-urls",
        "preset.browser-endpoints",
    ]
    assert ZoneRuleset.compile([], presets=named).unindexed == ()


@pytest.mark.parametrize(
    ("presets", "target", "agent", "score", "wanted"),
    [
        (["definite-bots"], b"/", b"", 1, Disposition.BLOCK),
        (["definite-bots"], b"/", b"", 2, Disposition.FORWARD),
        (["likely-bots"], b"/", b"", 1, Disposition.FORWARD),
        (["likely-bots"], b"/", b"", 29, Disposition.CHALLENGE),
        (["likely-bots"], b"/", b"", 30, Disposition.FORWARD),
        (["browser-endpoints", "api-traffic"], b"/api/orders", b"", 1, Disposition.FORWARD),
        (["browser-endpoints", "api-traffic"], b"/apis", b"", 1, Disposition.BLOCK),
        (["browser-endpoints", {"preset": "api-traffic", "paths": ["/v1/"]}], b"/v1/x", b"", 1, Disposition.FORWARD),
        (["browser-endpoints", {"preset": "api-traffic", "paths": ["/v1/"]}], b"/api/", b"", 1, Disposition.BLOCK),
        (["browser-endpoints", APP], b"/", b"Shop App/2", 1, Disposition.BLOCK),
        (["browser-endpoints", APP], b"/", b"Shop App/2", 20, Disposition.CHALLENGE),
        (["browser-endpoints", APP], b"/", b"Shop App/2", 30, Disposition.FORWARD),
        (["browser-endpoints", APP], b"/", b"Firefox", 20, Disposition.BLOCK),
        ([LOGIN], b"/login", b"", 99, Disposition.FORWARD),  # a GET
    ],
    ids=str,
)
def test_what_presets_do(
    make_facts: FactsMaker,
    presets: list[str | dict[str, Any]],
    target: bytes,
    agent: bytes,
    score: int,
    wanted: Disposition,
) -> None:
    facts = make_facts(target, headers=((b"User-Agent", agent),), score=score)
    assert compiled(*presets).evaluate(facts).disposition is wanted


def test_only_browsers_get_to_javascript_verified_urls(make_facts: FactsMaker) -> None:
    facts = make_facts(b"/login", score=99)
    facts = facts._replace(request=facts.request._replace(method=b"POST"))
    assert compiled(LOGIN).evaluate(facts).disposition is Disposition.CHALLENGE
    assert facts.bot_management is not None
    seen = facts._replace(bot_management=facts.bot_management._replace(js_passed=True))
    assert compiled(LOGIN).evaluate(seen).disposition is Disposition.FORWARD


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"preset": "mobile-app"}, "not told which app"),
        ({"preset": "javascript-verified-urls"}, "not told which paths"),
        ({"preset": "definite-bots", "paths": ["/"]}, "`paths` does not go with"),
        ({"preset": "api-traffic", "paths": ["api"]}, "pattern"),
        ({"preset": "api-traffic", "method": "GET"}, "`method` does not go with"),
        ({"preset": "nothing"}, "api-traffic"),
    ],
    ids=str,
)
def test_a_preset_is_told_what_it_needs_and_nothing_else(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PresetSettings.model_validate(given)


def test_a_preset_is_named_once() -> None:
    with pytest.raises(ValueError, match="a second time"):
        expand(["likely-bots", "likely-bots"])
    with pytest.raises(ValueError, match="not told which app"):
        expand(["mobile-app"])


@pytest.mark.parametrize("text", ['a"b', "a\\b", 'a\\"b', "ü"])
def test_what_an_operator_writes_is_no_expression(make_facts: FactsMaker, text: str) -> None:
    facts = make_facts(headers=((b"User-Agent", f"<{text}>".encode()),), score=1)
    rules = compiled({"preset": "mobile-app", "user_agent": text})
    assert rules.evaluate(facts).disposition is Disposition.BLOCK
    assert quoted(text).startswith('"')
