"""Steps of an operator, made into the next overlay."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from botproxy.config.overlay.changes import STEPS, ChangeError, changed, described, zones_of

RULE = {"ref": "new", "expression": 'http.host eq "a"', "action": "block"}


def after(steps: list[dict[str, Any]], overlay: dict[str, Any] | None = None, now: float = 0.0) -> dict[str, Any]:
    return changed(overlay or {}, STEPS.validate_python(steps), now)


def step(op: str, **given: Any) -> dict[str, Any]:
    return {"op": op, **given}


def test_settings_are_set_and_taken_back() -> None:
    one = after(
        [
            step("set", path="mode", value="enforce"),
            step("set", path="bot_management.fight_mode", value=True, zone="shop"),
            step("set", path="scoring.heuristics.disabled", value=[]),
        ]
    )
    assert one == {
        "mode": "enforce",
        "zones": {"shop": {"bot_management": {"fight_mode": True}}},
        "scoring": {"heuristics": {"disabled": []}},
    }
    back = [
        step("set", path="mode", value=None),
        step("set", path="bot_management.fight_mode", value=None, zone="shop"),
        step("set", path="scoring.heuristics.disabled", value=None),
    ]
    assert after(back, one) == {}


def test_what_is_given_is_left_as_it_is() -> None:
    before: dict[str, Any] = {"zones": {"shop": {"rules": {"remove": ["one"]}}}}
    after([step("remove_rule", zone="shop", ref="two")], before)
    assert before == {"zones": {"shop": {"rules": {"remove": ["one"]}}}}


def test_a_rule_of_ones_own_is_added_changed_and_gone_again() -> None:
    added = after([step("add_rule", zone="shop", rule=RULE, before="one")])
    assert added == {"zones": {"shop": {"rules": {"add": [{"rule": RULE, "before": "one"}]}}}}
    silent = after([step("change_rule", zone="shop", ref="new", rule={"enabled": False})], added)
    assert silent["zones"]["shop"]["rules"]["add"][0]["rule"] == {**RULE, "enabled": False}
    assert after([step("remove_rule", zone="shop", ref="new")], silent) == {}


def test_a_rule_of_the_file_is_changed_left_out_and_reset() -> None:
    quiet = after([step("change_rule", zone="shop", ref="one", rule={"action_parameters": {}, "enabled": False})])
    assert quiet == {"zones": {"shop": {"rules": {"change": {"one": {"action_parameters": {}, "enabled": False}}}}}}
    less = after([step("change_rule", zone="shop", ref="one", rule={"enabled": None})], quiet)
    assert less["zones"]["shop"]["rules"]["change"] == {"one": {"action_parameters": {}}}
    gone = after(
        [step("remove_rule", zone="shop", ref="one"), step("order_rules", zone="shop", refs=["one", "two"])], less
    )
    assert gone == {"zones": {"shop": {"rules": {"remove": ["one"], "order": ["one", "two"]}}}}
    assert after([step("reset_rule", zone="shop", ref="one"), step("order_rules", zone="shop", refs=[])], gone) == {}


def test_items_of_lists() -> None:
    one = after([step("add_items", list="office", items=["a", "b", "a"])])
    assert one == {"lists": {"office": {"add": ["a", "b"]}}}
    two = after([step("remove_items", list="office", items=["a", "c"])], one)
    assert two == {"lists": {"office": {"add": ["b"], "remove": ["c"]}}}
    assert after([step("add_items", list="office", items=["c"])], two) == {"lists": {"office": {"add": ["b"]}}}
    assert after([step("set_list", list="office", items=[])], two) == {"lists": {"office": {"items": []}}}
    assert after([step("reset_list", list="office")], two) == {}
    new = after([step("add_list", list="apps", kind="string", items=["x"])])
    assert after([step("add_items", list="apps", items=["y"])], new)["lists"]["apps"]["items"] == ["x", "y"]


def test_exceptions_that_are_over_are_dropped_at_the_next_change() -> None:
    steps = [
        step("add_exception", zone="shop", ref=f"exception.{until}", expression="ip.src eq 192.0.2.1", until=until)
        for until in (100, 200)
    ]
    both = after(steps)
    assert len(both["zones"]["shop"]["exceptions"]) == 2
    later = after([step("set", path="mode", value="enforce")], both, now=150)
    assert [each["until"] for each in later["zones"]["shop"]["exceptions"]] == [200]
    assert after([step("remove_exception", zone="shop", ref="exception.200")], later) == {"mode": "enforce"}


def test_all_is_taken_back() -> None:
    overlay: dict[str, Any] = {"mode": "enforce", "zones": {"shop": {"mode": "observe"}, "blog": {"mode": "observe"}}}
    assert after([step("reset", zone="shop")], overlay) == {"mode": "enforce", "zones": {"blog": {"mode": "observe"}}}
    assert after([step("reset")], overlay) == {}


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ([step("set", path="data", value="/etc")], "cannot be set here"),
        ([step("set", path="origins", value=[], zone="shop")], "cannot be set here"),
        ([step("set", path="mode.inner", value=1), step("set", path="mode.inner.more", value=1)], "is no setting"),
        ([step("add_rule", zone="shop", rule=RULE), step("add_rule", zone="shop", rule=RULE)], "was added already"),
        ([step("add_rule", zone="shop", rule=RULE, first=True, after="one")], "in one place"),
        ([step("change_rule", zone="shop", ref="one", rule={"ref": "two"})], "keeps its ref"),
        ([step("remove_exception", zone="shop", ref="x")], "there is no exception"),
    ],
)
def test_a_step_that_cannot_be_taken_says_why(steps: list[dict[str, Any]], what: str) -> None:
    with pytest.raises(ChangeError, match=what):
        after(steps)


@pytest.mark.parametrize(
    "steps", [[], [{}], [step("nothing")], [step("set", path="a b", value=1)], [step("reset", of=1)]]
)
def test_what_is_no_step_is_refused(steps: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        after(steps)


def test_what_steps_are_about() -> None:
    steps = STEPS.validate_python([step("set", path="mode", value="enforce"), step("reset", zone="shop")])
    assert zones_of(steps) == {None, "shop"}
    assert described(steps) == "mode = enforce; shop: all changes taken back"


def test_rules_of_other_kinds_have_their_own_changes() -> None:
    rule = {"mode": "block", "configuration": {"target": "ip", "value": "192.0.2.7"}}
    steps = [
        step("add_rule", zone="shop", of="access_rules", rule=rule),
        step("change_rule", zone="shop", of="access_rules", ref="192.0.2.7", rule={"enabled": False}),
        step("change_rule", zone="shop", of="rate_limits", ref="login", rule={"action": "log"}),
        step("remove_rule", zone="shop", of="user_agent_rules", ref="old"),
    ]
    both = after(steps)
    assert both == {
        "zones": {
            "shop": {
                "access_rules": {"add": [{"rule": {**rule, "enabled": False}}]},
                "rate_limits": {"change": {"login": {"action": "log"}}},
                "user_agent_rules": {"remove": ["old"]},
            }
        }
    }
    back = [step("remove_rule", zone="shop", of="access_rules", ref="192.0.2.7")]
    back += [step("reset_rule", zone="shop", of="rate_limits", ref="login")]
    back += [step("reset_rule", zone="shop", of="user_agent_rules", ref="old")]
    assert after(back, both) == {}
