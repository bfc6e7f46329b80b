"""What a hook process sends is read with suspicion."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.hooks import Forward, Response
from botproxy.hooks.replies import FAILURES, RESULTS, RUBBISH, read

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=8,
)
KEYS = st.sampled_from(["number", "status", "headers", "changes", "raised", "trace", "rubbish"])


@given(st.one_of(JSON, st.dictionaries(KEYS, JSON)), st.binary(max_size=40))
def test_whatever_is_sent_becomes_a_reply(message: Any, body: bytes) -> None:
    reply = read(message, body, 20)
    assert reply.result in RESULTS
    assert reply.result not in FAILURES or (reply.answer is None and reply.changes is None)
    if reply.answer is not None:
        assert 200 <= reply.answer.status <= 599
        assert len(reply.answer.body) <= 20


def lists(items: Any) -> list[Any]:
    return [[name, list(values)] for name, values in items]


def test_an_answer_is_read() -> None:
    made = Response("no", 429, {"Retry-After": "30", "Set-Cookie": ["a=b", "c=d"], "x-gone": None})
    reply = read({"number": 1, "status": made.status, "headers": lists(made.headers)}, made.body, 100)
    assert reply.result == "answered"
    assert reply.answer is not None
    assert reply.answer.status == 429
    assert reply.answer.headers[1:] == ((b"Retry-After", b"30"), (b"Set-Cookie", b"a=b"), (b"Set-Cookie", b"c=d"))


def test_changes_are_read_and_what_is_set_takes_the_place_of_what_was_there() -> None:
    made = Forward({"X_Score": "7", "Cookie": None}, {"Set-Cookie": "a=b", "Server": None, "X-Name": "é"})
    message = {"number": 1, "changes": [lists(made.request_headers), lists(made.response_headers)]}
    reply = read(message, b"", 100)
    assert reply.result == "changed"
    assert reply.changes is not None
    assert reply.changes.request == ((b"X_Score", b"7"),)
    assert reply.changes.request_without == {b"x-score", b"cookie"}
    assert reply.changes.response == ((b"Set-Cookie", b"a=b"), (b"X-Name", b"\xe9"))
    assert reply.changes.response_without == {b"server", b"x-name"}


def test_cookies_are_taken_away_when_that_is_said() -> None:
    reply = read({"number": 1, "changes": [[], [["Set-Cookie", []]]]}, b"", 100)
    assert reply.changes is not None
    assert reply.changes.response_without == {b"set-cookie"}


def test_no_change_at_all_is_a_pass() -> None:
    assert read({"number": 1, "changes": [[], []]}, b"", 100).result == "passed"
    assert read({"number": 1}, b"", 100).result == "passed"


@pytest.mark.parametrize(
    "message",
    [
        {"number": 1, "status": 200, "headers": [["x-a", ["b\r\nc: d"]]]},
        {"number": 1, "status": 101, "headers": []},
        {"number": 1, "status": 200, "headers": [["x-a", ["b"]]] * 65},
        {"number": 1, "status": 200, "headers": [["x-a", "b"]]},
        {"number": 1, "status": 200, "headers": [["cf-ray", ["b"]]]},
        {"number": 1, "changes": [[["Host", ["evil.example"]]], []]},
        {"number": 1, "changes": [[], [["Content-Encoding", []]]]},
        {"number": 1, "something": "else"},
        [1, 2],
        None,
    ],
)
def test_what_may_not_reach_the_wire_is_rubbish(message: Any) -> None:
    assert read(message, b"", 100).result == RUBBISH


def test_an_answer_that_is_too_large_is_rubbish_and_says_what_is_allowed() -> None:
    reply = read({"number": 1, "status": 200, "headers": []}, b"x" * 101, 100)
    assert reply.result == RUBBISH
    assert "answer_size" in reply.detail
