"""What was posted comes back byte for byte, or not at all."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.replay import LARGEST, form_type, opened_payload, read_form, sealed_payload
from botproxy.model import Headers

URLENCODED = "application/x-www-form-urlencoded"


def sent_by_a_browser(form: Any) -> bytes:
    """What a form with these fields sends under accept-charset windows-1252."""
    pairs = []
    for name, value in form.fields:
        raw = [b"".join(_byte(letter) for letter in text).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for text in
               (name, value)]  # fmt: skip
        pairs.append(raw)
    if form.type == "text/plain":
        return b"".join(name + b"=" + value + b"\r\n" for name, value in pairs)
    return "&".join(
        "=".join(quote_plus(part, safe="*").replace("~", "%7E") for part in pair) for pair in pairs
    ).encode()


def _byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&b=two+words&c=",
        b"name=J%C3%BCrgen&text=%E2%82%AC%0D%0Aline",  # UTF-8
        b"name=J%FCrgen",  # windows-1252
        b"x=%00%81%8D%FF",
        b"_charset_=utf-8&isindex=1",
    ],
)
def test_what_browsers_send_is_sent_again_as_it_was(body: bytes) -> None:
    form = read_form(URLENCODED, body)
    assert form is not None
    assert sent_by_a_browser(form) == body
    assert opened_payload(sealed_payload(URLENCODED, body)) == form


@pytest.mark.parametrize(
    "body", [b"", b"a", b"=1", b"a=1&", b"a=%41", b"a=%0A", b"a=b c", b'{"a":1}', b"a=1&&b=2", b"a=" + b"x" * LARGEST]
)
def test_what_no_form_says_so_is_not_kept(body: bytes) -> None:
    assert read_form(URLENCODED, body) is None


@given(st.binary(max_size=200), st.sampled_from([URLENCODED, "text/plain"]))
def test_whatever_is_kept_comes_back_exactly(body: bytes, kind: str) -> None:
    form = read_form(kind, body)
    if form is not None:
        assert sent_by_a_browser(form) == body


@given(st.binary(max_size=100))
def test_any_payload_is_a_form_or_none(payload: bytes) -> None:
    opened_payload(payload)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, URLENCODED),
        ({"method": b"PUT"}, ""),
        ({"body_length": None}, ""),
        ({"body_length": LARGEST + 1}, ""),
        ({"type": b"text/plain;charset=UTF-8"}, "text/plain"),
        ({"type": b"multipart/form-data; boundary=x"}, ""),
        ({"type": b"application/json"}, ""),
        ({"extra": ((b"Content-Encoding", b"gzip"),)}, ""),
    ],
    ids=str,
)
def test_what_may_be_kept_is_told_by_its_head(site: Any, changes: dict[str, Any], kind: str) -> None:
    headers = Headers(((b"Content-Type", changes.pop("type", URLENCODED.encode())), *changes.pop("extra", ())))
    request = site.request()._replace(**{"method": b"POST", "body_length": 10, "headers": headers, **changes})
    assert form_type(request) == kind
