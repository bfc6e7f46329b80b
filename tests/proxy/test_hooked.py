"""What a hook did, as it stands in a decision and in a response head."""

from __future__ import annotations

import pytest

from botproxy.hooks.replies import FAILURES, Answer, Changes, Reply
from botproxy.model import Action, ClearanceLevel, Disposition, RuleMatch, Verdict
from botproxy.pipeline import Decision
from botproxy.proxy.hooked import answered, as_changed, with_reply
from botproxy.proxy.records import ResponseHead

from ..rules.conftest import build

LOGGED = RuleMatch("seen", "", Action.LOG)
ANSWER = Reply("answered", Answer(418, (), b""))
CHANGES = Changes((), frozenset(), ((b"X-A", b"new"), (b"Set-Cookie", b"c=d")), frozenset((b"x-a", b"server")))


def decision(enforced: bool = True) -> Decision:
    verdict = Verdict(Disposition.FORWARD, ClearanceLevel.NONE, (LOGGED,), 0)
    return Decision(build(score=50), verdict, enforced, False, ())


def test_an_answer_and_a_change_stand_after_what_rules_said() -> None:
    decided = with_reply(decision(), "shop_hook:decide", ANSWER)
    assert decided.verdict.disposition is Disposition.BLOCK
    assert decided.verdict.matches[0] is LOGGED
    match = decided.verdict.matches[-1]
    assert (match.rule_id, match.description, match.action, match.source) == (
        "shop_hook:decide",
        "answered 418",
        Action.ANSWER,
        "hook",
    )
    decided = with_reply(decision(), "shop_hook:decide", Reply("changed", None, CHANGES))
    assert decided.verdict.disposition is Disposition.FORWARD
    assert decided.verdict.matches[-1].action is Action.REWRITE


@pytest.mark.parametrize("result", ["passed", *sorted(FAILURES)])
def test_whatever_else_it_did_changes_nothing_of_the_decision(result: str) -> None:
    before = decision()
    assert with_reply(before, "shop_hook:decide", Reply(result)) is before


def test_only_an_answer_that_a_visitor_got_is_one() -> None:
    assert answered(with_reply(decision(), "h:d", ANSWER))
    assert not answered(with_reply(decision(enforced=False), "h:d", ANSWER))
    assert not answered(with_reply(decision(), "h:d", Reply("changed", None, CHANGES)))
    assert not answered(decision())


def test_a_changed_head_has_what_the_visitor_will_get() -> None:
    items = ((b"Server", b"x"), (b"X_A", b"old"), (b"x-a", b"older"), (b"Set-Cookie", b"a=b"), (b"Vary", b"*"))
    changed = as_changed(ResponseHead(200, b"OK", items, 5), CHANGES)
    assert changed.headers == (
        (b"Set-Cookie", b"a=b"),
        (b"Vary", b"*"),
        (b"X-A", b"new"),
        (b"Set-Cookie", b"c=d"),
    )
    assert (changed.status, changed.body_length) == (200, 5)
