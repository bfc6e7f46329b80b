"""What a hook is given and may return."""

from __future__ import annotations

import pickle
from copy import copy

import pytest

from botproxy.hooks import Cf, Forward, Headers, Request, Response


def test_headers_are_found_in_any_case_and_repeated_ones_are_joined() -> None:
    headers = Headers([("Accept", "a"), ("ACCEPT", "b"), ("Cookie", "c=1"), ("cookie", "d=2")])
    assert headers.get("accept") == "a, b"
    assert headers.get("Cookie") == "c=1; d=2"
    assert headers.get_all("aCCept") == ["a", "b"]
    assert headers.get("x-none") is None
    assert headers.get("x-none", "else") == "else"
    assert headers.get_all("x-none") == []
    assert "ACCEPT" in headers
    assert "x-none" not in headers
    assert sorted(headers) == ["accept", "cookie"]
    assert headers.items()[1] == ("ACCEPT", "b")


def test_what_is_below_cf_is_read_as_keys_and_as_attributes() -> None:
    request = Request("https://shop.example/", cf={"botManagement": {"score": 3, "jsDetection": {"passed": True}}})
    assert request.cf.botManagement.score == 3
    assert request.cf["botManagement"]["score"] == 3
    assert request.cf.botManagement.jsDetection.passed is True
    assert request.cf.country is None
    with pytest.raises(KeyError):
        request.cf["country"]
    assert pickle.loads(pickle.dumps(request.cf)) == request.cf
    assert isinstance(copy(request.cf), Cf)


def test_a_text_is_answered_as_plain_text_unless_a_type_is_given() -> None:
    assert Response("né").body == "né".encode()
    assert Response("x").headers == (("content-type", ("text/plain;charset=UTF-8",)),)
    assert Response("x", headers={"Content-Type": "text/html"}).headers == (("Content-Type", ("text/html",)),)
    assert Response(b"x").headers == ()


def test_json_and_redirects_have_their_headers() -> None:
    answer = Response.json({"a": [1]}, 403, {"x-why": "bots"})
    assert (answer.status, answer.body) == (403, b'{"a": [1]}')
    assert answer.headers == (("content-type", ("application/json",)), ("x-why", ("bots",)))
    moved = Response.redirect("https://shop.example/elsewhere")
    assert (moved.status, moved.headers) == (302, (("location", ("https://shop.example/elsewhere",)),))


@pytest.mark.parametrize("status", [100, 101, 199, 600, "200", True, None, 200.0])
def test_a_status_is_a_final_one(status: object) -> None:
    with pytest.raises(ValueError, match="none from 200 to 599"):
        Response("x", status)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"x-a": "b\r\nx-c: d"}, "cannot be the value"),
        ({"x-a": "b\nc"}, "cannot be the value"),
        ({"x-a": "b\0"}, "cannot be the value"),
        ({"x-a": " b"}, "cannot be the value"),
        ({"x-a": "日本"}, "cannot be the value"),
        ({"x a": "b"}, "is no header name"),
        ({"x-a\r\n": "b"}, "is no header name"),
        ({"": "b"}, "is no header name"),
        ({"x-a": 7}, "text, a list of texts or None, not int"),
        ({"x-a": ["b", 7]}, "a header is text, not int"),
        ({7: "b"}, "a header is text, not int"),
        ([("x-a", "b")], "headers are a dictionary, not list"),
        ({"x-a": "b" * 17000}, "16 KB"),
        ({f"x-{number}": "b" for number in range(65)}, "more than 64 headers"),
        ({"x-a": ["b"] * 65}, "more than 64 headers"),
        ({"Transfer-Encoding": "chunked"}, "is the proxy's"),
        ({"content_length": "5"}, "is the proxy's"),
        ({"Connection": None}, "is the proxy's"),
        ({"CF-Ray": "0"}, "is the proxy's"),
        ({"cf_mitigated": "challenge"}, "is the proxy's"),
        ({"set-cookie": "__cf_bm=x"}, "cookies of the proxy"),
        ({"Set-Cookie": ["a=b", "cf_clearance=x; Path=/"]}, "cookies of the proxy"),
    ],
)
def test_headers_that_would_break_or_forge_something_are_refused(headers: object, said: str) -> None:
    for make in (lambda: Response("x", headers=headers), lambda: Forward(response_headers=headers)):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=said):
            make()


@pytest.mark.parametrize(
    "name", ["Host", "X-Forwarded-For", "x_forwarded_proto", "CF-Connecting-IP", "cf_bot_score", "CDN-Loop", "TE"]
)
def test_what_only_the_proxy_tells_the_origin_is_not_a_hooks_to_say(name: str) -> None:
    for value in ("x", None):
        with pytest.raises(ValueError, match="is the proxy's"):
            Forward(request_headers={name: value})


def test_the_coding_of_the_origins_bytes_stays() -> None:
    with pytest.raises(ValueError, match="does not change those"):
        Forward(response_headers={"Content-Encoding": None})
    assert Response(b"\x1f\x8b", headers={"content-encoding": "gzip"}).headers


def test_a_body_is_text_or_bytes() -> None:
    with pytest.raises(ValueError, match="not dict"):
        Response({"a": 1})  # type: ignore[arg-type]
