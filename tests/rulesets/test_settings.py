"""Settings under the names of the original's API: what goes with what, and what is refused with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from botproxy.rulesets import TABLE, BotManagementSettings, Phase, RuleSettings
from botproxy.rulesets.bot_management import REFUSED, built_in
from botproxy.rulesets.phases import WITHOUT_EFFECT, markdown, reached_by_phase, reached_by_product
from botproxy.rulesets.settings import ActionParameters

API = frozenset(
    (
        "fight_mode",
        "sbfm_definitely_automated",
        "sbfm_likely_automated",
        "sbfm_verified_bots",
        "sbfm_static_resource_protection",
        "optimize_wordpress",
        "enable_js",
        "auto_update_model",
        "suppress_session_score",
        "bm_cookie_enabled",
        "using_latest_model",
        "ai_bots_protection",
        "crawler_protection",
        "content_bots_protection",
        "is_robots_txt_managed",
        "cf_robots_variant",
        "ai_search",
        "ai_training",
        "ai_user",
        "bot_preference_sync_enabled",
        "ai_bots_migration_opt_out",
        "jsd_api_results_enabled",
        "stale_zone_configuration",
    )
)
"""Fields of the original's `/zones/{zone_id}/bot_management`."""


def test_every_field_of_the_api_is_a_setting_or_refused_with_a_reason() -> None:
    assert set(BotManagementSettings.model_fields) | set(REFUSED) == API
    assert not set(BotManagementSettings.model_fields) & set(REFUSED)
    assert all(REFUSED.values())


def test_without_settings_nothing_is_done() -> None:
    assert list(built_in(BotManagementSettings())) == []
    assert BotManagementSettings(fight_mode=True, enable_js=False).javascript_detections
    assert not BotManagementSettings(enable_js=False).javascript_detections


@pytest.mark.parametrize(
    ("given", "purposes"),
    [
        ({}, []),
        ({"ai_training": "block"}, []),
        ({"is_robots_txt_managed": True}, ["training"]),
        ({"ai_search": "disallow", "is_robots_txt_managed": True}, ["search"]),
        ({"ai_training": "disallow", "ai_user": "disallow"}, ["agent", "training"]),
    ],
    ids=str,
)
def test_what_robots_txt_asks_for(given: dict[str, Any], purposes: list[str]) -> None:
    assert sorted(BotManagementSettings.model_validate(given).disallowed) == purposes


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fight_mode": True, "sbfm_likely_automated": "block"}, "one of the two"),
        ({"ai_bots_protection": "disallow"}, "`ai_training`, `ai_search` and `ai_user`"),
        ({"ai_bots_protection": "only_on_ad_pages"}, "advertisements"),
        ({"sbfm_verified_bots": "managed_challenge"}, "'allow' or 'block'"),
        ({"crawler_protection": "enabled"}, "crawler_protection"),
    ],
    ids=str,
)
def test_bot_management_that_cannot_be(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        BotManagementSettings.model_validate(given)


@pytest.mark.parametrize(
    "given",
    [
        {"action": "log", "action_parameters": {"response": {"content": "no"}}},
        {"action": "block", "action_parameters": {"ruleset": "current"}},
        {"action": "skip", "action_parameters": {"phase": "current", "ruleset": "current"}},
        {"action": "skip", "action_parameters": {"products": ["uablock"]}},
        {"action": "skip", "action_parameters": {"phases": ["http_request_transform"]}},
        {"action": "block", "logging": {"enabled": False}},
        {"action": "block", "action_parameters": {"response": {"status_code": 200}}},
        {"action": "block", "action_parameters": {"response": {"status_code": 500}}},
        {"action": "block", "action_parameters": {"response": {"content_type": "text/css"}}},
        {"action": "block", "action_parameters": {"response": {"content": "ü" * 1025}}},
        {"action": "execute"},
        {"action": "bypass"},
        {"ref": "with space", "action": "log"},
    ],
    ids=str,
)
def test_rules_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RuleSettings.model_validate({"ref": "a", "expression": "ssl", **given})


def test_the_largest_answer_is_2_kilobytes() -> None:
    response = {"status_code": 499, "content_type": "text/html", "content": "ü" * 1024}
    RuleSettings.model_validate(
        {"ref": "a", "expression": "ssl", "action": "block", "action_parameters": {"response": response}}
    )


def test_the_table_knows_every_phase_once_in_order_and_every_word_of_a_skip() -> None:
    assert [row.phase for row in TABLE] == sorted(row.phase for row in TABLE)
    assert {row.phase for row in TABLE} == set(Phase)
    schema = ActionParameters.model_json_schema()["properties"]
    for word in schema["phases"]["items"]["enum"]:
        assert bool(reached_by_phase(word)) is (word not in WITHOUT_EFFECT)
    for word in schema["products"]["items"]["enum"]:
        assert bool(reached_by_product(word)) is (word not in WITHOUT_EFFECT)


def test_the_documentation_shows_the_table() -> None:
    assert markdown() in (Path(__file__).parents[2] / "docs" / "rulesets.md").read_text("utf-8")
