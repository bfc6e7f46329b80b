"""After a challenge a visitor stays on the same site, whatever address they were challenged at."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.destination import LONGEST, destination

_BACK_TO_ROOT = [
    b"",
    b"//evil.example",
    b"///evil.example",
    b"/\\evil.example",
    b"\\\\evil.example",
    b"/\t/evil.example",
    b"/\n/evil.example",
    b"\t//evil.example",
    b" //evil.example",
    b"/%2fevil.example",
    b"/%2F/evil.example",
    b"/%5cevil.example",
    b"/%09/evil.example",
    b"/%252f%252fevil.example",
    b"/.//evil.example",
    b"/./\\evil.example",
    b"/%2e//evil.example",
    b"/..//evil.example",
    b"/../..//evil.example",
    b"/..%2f/evil.example",
    b"/a/..//evil.example",
    b"//..",
    b"javascript:alert(1)",
    b"JavaScript:alert(1)//",
    b"data:text/html,x",
    b"https://evil.example/",
    b"https:evil.example",
    b"evil.example",
    b"/a\x00b",
    b"/a b",
    b"/a#b",
    b"/cdn-cgi/challenge-platform/h/b/clearance",
    b"/CDN-CGI/x",
    b"/%63dn-cgi/x",
    b"/x/../cdn-cgi/x",
]

_KEPT = [
    (b"/", None, "/"),
    (b"/shop/shoes", None, "/shop/shoes"),
    (b"/shop", b"size=42&q=a%20b", "/shop?size=42&q=a%20b"),
    (b"/shop", b"", "/shop?"),
    (b"/a//b", None, "/a//b"),
    (b"/go", b"to=//evil.example", "/go?to=//evil.example"),
    (b"/text", b"q=line%0Abreak", "/text?q=line%0Abreak"),
    (b"/stra\xc3\x9fe", None, "/stra%C3%9Fe"),
    (b"/a\\b", None, "/a%5Cb"),
    (b'/"<script>', None, "/%22%3Cscript%3E"),
]


@pytest.mark.parametrize("path", _BACK_TO_ROOT)
def test_what_a_browser_could_take_for_elsewhere_leads_to_the_root(path: bytes) -> None:
    assert destination(path, None) == "/"


@pytest.mark.parametrize(("path", "query", "expected"), _KEPT)
def test_a_path_of_the_site_is_kept(path: bytes, query: bytes | None, expected: str) -> None:
    assert destination(path, query) == expected


def test_an_address_too_long_to_carry_means_staying() -> None:
    assert destination(b"/" + b"a" * LONGEST, None) == ""
    assert destination(b"/" + b"\xff" * (LONGEST // 2), None) == ""


def host_of(text: str) -> str | None:
    """The host of a reference on https://shop.example, as the URL standard's parser finds it."""
    text = "".join(c for c in text.strip("".join(map(chr, range(33)))) if c not in "\t\n\r").replace("\\", "/")
    scheme, colon, rest = text.partition(":")
    if colon and scheme[:1].isalpha() and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum():
        if scheme.lower() != "https":
            return None
        text = rest
        if not text.startswith("/"):
            return "shop.example"
        return text.lstrip("/").split("/")[0]
    if text.startswith("//"):
        return text.lstrip("/").split("/")[0].split("?")[0]
    return "shop.example"


_TRICKY = st.lists(
    st.sampled_from(
        b"/,\\,%2f,%5c,%252f,.,..,%2e,%09,%00,evil,@,:,?,#,javascript:,https:,cdn-cgi,\t,\n,\r, ,\x00,\xc3\xa4".split(
            b","
        )
    ),
    max_size=10,
).map(b"".join)


@given(st.one_of(_TRICKY, _TRICKY.map(lambda tail: b"/" + tail), st.binary(max_size=40)))
def test_every_reader_stays_on_the_site(path: bytes) -> None:
    text = destination(path, None)
    assert text.isascii()
    assert text.isprintable()
    assert text.startswith("/")
    for _ in range(4):
        assert host_of(text) == "shop.example"
        text = unquote_to_bytes(text.split("?")[0]).decode("latin-1")
