"""Answers that say no: a page for a navigation, JSON for anything else."""

from __future__ import annotations

import orjson
import pytest

from botproxy.model import Headers
from botproxy.proxy.refusals import is_navigation, refuse


@pytest.mark.parametrize(
    ("expected", "method", "items"),
    [
        (True, b"GET", ((b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-Dest", b"document"))),
        (True, b"GET", ((b"Accept", b"text/html,*/*"),)),
        (False, b"GET", ((b"Accept", b"*/*"),)),
        (False, b"GET", ()),
        (False, b"GET", ((b"Accept", b"text/html"), (b"Sec-Fetch-Mode", b"cors"), (b"Sec-Fetch-Dest", b"empty"))),
        (False, b"GET", ((b"Accept", b"text/html"), (b"X-Requested-With", b"XMLHttpRequest"))),
        (False, b"PUT", ((b"Accept", b"text/html"),)),
    ],
)
def test_only_what_a_browser_shows_is_a_navigation(
    expected: bool, method: bytes, items: tuple[tuple[bytes, bytes], ...]
) -> None:
    assert is_navigation(method, Headers(items)) is expected


def test_a_page_shows_the_ray_escapes_words_and_loads_nothing() -> None:
    headers, body = refuse(403, "<ray>", True, "<b>")
    assert b"&lt;ray&gt;" in body
    assert b"<b>" not in body
    assert b"http" not in body
    assert (b"Cache-Control", b"private, no-store") in headers


def test_json_carries_the_ray_and_503_says_when_to_come_back() -> None:
    headers, body = refuse(503, "0123-BOT", False)
    assert orjson.loads(body)["error"]["ray"] == "0123-BOT"
    assert b"Retry-After" in dict(headers)
