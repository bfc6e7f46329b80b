"""Fields of a request's body: forms, parts, kinds of data; bounded, and missing while the body is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Body, Facts
from botproxy.rules import compile_expression, without_body
from botproxy.rules.body_fields import MOST_FIELDS
from botproxy.rules.multipart import MOST_PARTS

Maker = Callable[..., Facts]

FORM = b"application/x-www-form-urlencoded; charset=utf-8"
PARTS = (
    b'preamble\r\n--XyZ\r\nContent-Disposition: form-data; name="username"\r\n\r\nalice_doe\r\n'
    b'--XyZ \t\r\nContent-Disposition: form-data; name="picture"; filename="a \\"b\\".jpg"\r\n'
    b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\n\r\n\xff\xd8\xff--XyZ\r\n\r\n"
    b'--XyZ\r\ncontent-disposition:form-data;\r\n name=role\r\n\r\neditor\r\n--XyZ--\r\nname="x"\r\n'
)


def with_body(
    make: Maker, raw: bytes, content_type: bytes = b"", truncated: bool = False, length: int | None = None
) -> Facts:
    facts = make(headers=((b"Content-Type", content_type),) if content_type else ())
    request = facts.request._replace(method=b"POST", body_length=length)
    return facts._replace(request=request, body=Body(raw, truncated, None if truncated else len(raw)))


def test_a_request_without_a_body_has_an_empty_one(make_facts: Maker) -> None:
    for text in ('http.request.body.raw eq ""', "http.request.body.size eq 0", "not http.request.body.truncated"):
        assert compile_expression(text).matches(make_facts()), text
    assert not compile_expression('http.request.body.mime ne ""').matches(make_facts())


def test_a_body_that_is_not_there_is_missing_and_comes_later(make_facts: Maker) -> None:
    facts = make_facts(headers=((b"Content-Type", FORM),))
    facts = facts._replace(request=facts.request._replace(body_length=None))
    rule = compile_expression('any(http.request.body.form["a"][*] eq "1")')
    for text in ('http.request.body.raw ne "a"', "http.request.body.size ge 0", "http.request.body.truncated"):
        assert not compile_expression(text).matches(facts)
    assert not rule.matches(facts)
    assert rule.matches(facts._replace(body=Body(b"a=1", False, 3)))
    assert not rule.matches(facts._replace(body=Body(b"a=2", False, 3)))


def test_the_length_that_a_header_tells_is_the_size(make_facts: Maker) -> None:
    assert compile_expression("http.request.body.size eq 9000").matches(
        with_body(make_facts, b"abc", truncated=True, length=9000)
    )
    assert compile_expression("http.request.body.size eq 3").matches(with_body(make_facts, b"abc"))
    assert not compile_expression("http.request.body.size ge 0").matches(with_body(make_facts, b"abc", truncated=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('http.request.body.form["user+name"][1] eq "%61"', True),
        ('any(http.request.body.form.names[*] eq "user+name")', True),
        ('http.request.body.form.values[2] eq ""', True),
        ('http.request.body.form["none"][0] ne "x"', False),
        ("len(http.request.body.form.names) eq 4", True),
        ('any(url_decode(http.request.body.form.values[*])[*] eq "a")', True),
    ],
)
def test_a_form_is_read_as_it_came(make_facts: Maker, text: str, expected: bool) -> None:
    facts = with_body(make_facts, b"user+name=a=b&user+name=%61&x&&y=z", FORM)
    assert compile_expression(text).matches(facts) is expected


def test_a_form_is_one_by_its_content_type(make_facts: Maker) -> None:
    rule = compile_expression('has_key(http.request.body.form, "a")')
    assert rule.matches(with_body(make_facts, b"a=1", b"Application/X-WWW-Form-Urlencoded"))
    assert not rule.matches(with_body(make_facts, b"a=1", b"text/plain"))
    assert not rule.matches(with_body(make_facts, b"a=1"))


def test_fields_beyond_the_limit_are_not_read_and_the_body_counts_as_truncated(make_facts: Maker) -> None:
    cut = compile_expression("http.request.body.truncated")
    last = compile_expression('any(http.request.body.form["evil"][*] eq "1")')
    within, beyond = (
        with_body(make_facts, b"a&" * count + b"evil=1", FORM) for count in (MOST_FIELDS - 1, MOST_FIELDS)
    )
    assert last.matches(within)
    assert not cut.matches(within)
    assert not last.matches(beyond)
    assert cut.matches(beyond)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('any(http.request.body.multipart["role"][*] eq "editor")', True),
        ('any(http.request.body.multipart.names[*][0] eq "picture")', True),
        ('http.request.body.multipart.values[1] eq "\\xff\\xd8\\xff--XyZ\\x0d\\x0a"', True),
        ('http.request.body.multipart.filenames[1][0] eq "a \\"b\\".jpg"', True),
        ('http.request.body.multipart.filenames[0][0] eq ""', False),
        ('any(http.request.body.multipart.content_types[*][0] eq "image/jpeg")', True),
        ('http.request.body.multipart.content_dispositions[2][0] eq "form-data; name=role"', True),
        ('any(http.request.body.multipart.content_transfer_encodings[*][*] eq "binary")', True),
        ('has_key(http.request.body.multipart, "x")', False),
        ("len(http.request.body.multipart.values) eq 3", True),
    ],
)
def test_parts_are_read(make_facts: Maker, text: str, expected: bool) -> None:
    for content_type in (b"multipart/form-data; boundary=XyZ", b'Multipart/Mixed;charset=x ; Boundary="XyZ"'):
        assert compile_expression(text).matches(with_body(make_facts, PARTS, content_type)) is expected
    without = with_body(make_facts, PARTS, b"multipart/form-data")
    assert not compile_expression("len(http.request.body.multipart.values) gt 0").matches(without)


def test_a_part_that_is_cut_off_is_read_as_far_as_it_goes(make_facts: Maker) -> None:
    facts = with_body(make_facts, PARTS[:88], b"multipart/form-data; boundary=XyZ", truncated=True)
    assert compile_expression('any(http.request.body.multipart["username"][*] eq "alice_doe")').matches(facts)
    assert compile_expression("http.request.body.truncated").matches(facts)


def test_a_part_may_name_itself_twice(make_facts: Maker) -> None:
    raw = (
        b"--b\nContent-Disposition: form-data; name=a; filename=x.txt; filename*=UTF-8''x%2ephp; name=\"c\"\n\nv\n--b--"
    )
    facts = with_body(make_facts, raw, b"multipart/form-data; boundary=b")
    for text in (
        'http.request.body.multipart["a"][0] eq "v"',
        'http.request.body.multipart["c"][0] eq "v"',
        'any(http.request.body.multipart.filenames[*][*] contains ".php")',
    ):
        assert compile_expression(text).matches(facts), text


def test_parts_beyond_the_limit_are_not_read_and_the_body_counts_as_truncated(make_facts: Maker) -> None:
    one = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
    facts = with_body(make_facts, one * (MOST_PARTS + 5) + b"--b--", b"multipart/form-data; boundary=b")
    assert compile_expression(f"len(http.request.body.multipart.values) eq {MOST_PARTS}").matches(facts)
    assert compile_expression("http.request.body.truncated").matches(facts)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nx", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypavif", "image/avif"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\xef\xbb\xbf \n<!DOCTYPE html>", "text/html"),
        (b"<?xml version='1.0'?>", "text/xml"),
        (b"x" * 257 + b"ustar", "application/x-tar"),
        (b"#!/bin/sh", "text/x-shellscript"),
    ],
)
def test_the_kind_of_data_is_seen_in_its_beginning(make_facts: Maker, raw: bytes, kind: str) -> None:
    facts = with_body(make_facts, raw, b"text/plain")
    assert compile_expression(f'http.request.body.mime eq "{kind}"').matches(facts)


@pytest.mark.parametrize("raw", [b"", b"hello", b"\x00\x00\x00 ftyp"[:7], b"RIFF", b"{}"])
def test_data_without_a_known_signature_has_no_kind(make_facts: Maker, raw: bytes) -> None:
    assert not compile_expression('http.request.body.mime ne "x"').matches(with_body(make_facts, raw))


ALL = [
    compile_expression(text)
    for text in (
        'any(http.request.body.multipart[*][*] eq "a")',
        'any(http.request.body.multipart.names[*][*] eq "a")',
        'any(http.request.body.multipart.filenames[*][*] contains "a")',
        'any(http.request.body.form[*][*] eq "a")',
        'http.request.body.mime eq "text/html"',
        "http.request.body.truncated",
        'lookup_json_string(http.request.body.raw, "a", 0) eq "a"',
    )
]
pieces = st.sampled_from(
    [b"--b", b"--", b"\r\n", b"\n", b"\r", b"Content-Disposition: form-data", b"; name=", b'"', b"\\", b"filename*=",
     b"a", b"=", b"&", b"\xff", b":", b" ", b"{", b"["]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    raw=st.one_of(st.binary(max_size=80), st.lists(pieces, max_size=30).map(b"".join)),
    kind=st.sampled_from(
        [FORM, b"multipart/form-data; boundary=b", b'multipart/x;boundary="', b"multipart/form-data;="]
    ),
    truncated=st.booleans(),
)
def test_any_body_is_read(make_facts: Maker, raw: bytes, kind: bytes, truncated: bool) -> None:
    facts = with_body(make_facts, raw, kind, truncated)
    for expression in ALL:
        assert expression.matches(facts) in (True, False)


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("ssl", 0, 0),
        ("http.request.body.size gt 10", 0, "whole"),
        ('http.request.body.raw contains "x"', 5000, "whole"),
        ('starts_with(http.request.body.raw, "abc")', 3, 3),
        ('substring(http.request.body.raw, 1, 9) eq "x"', 9, 9),
        ('substring(http.request.body.raw, -3, -1) eq "x"', 5000, "whole"),
        ('http.request.body.raw eq "abc"', 4, 4),
        ('not http.request.body.mime eq "image/png" or starts_with(http.request.body.raw, "abc")', 512, 512),
        ('any(lower(http.request.body.form["a"][*])[*] eq "x")', 5000, "whole"),
        ('lookup_json_integer(http.request.body.raw, "a") eq 1', 5000, "whole"),
        ('concat(http.host, substring(http.request.body.raw, 0, 2)) eq "x"', 2, 2),
    ],
)
def test_no_more_of_a_body_is_wanted_than_an_expression_sees(text: str, known: int, unknown: Any) -> None:
    expression = compile_expression(text)
    assert expression.needs_body is (text != "ssl")
    assert expression.body_needed(5000) == known
    assert expression.body_needed(0) == 0
    wanted = expression.body_needed(None)
    assert wanted > 1 << 60 if unknown == "whole" else wanted == unknown


def test_nothing_of_a_body_is_left_when_it_is_taken_away(make_facts: Maker) -> None:
    facts = with_body(make_facts, PARTS, b"multipart/form-data; boundary=XyZ")
    for expression in ALL:
        expression.matches(facts)
    assert any(b"alice" in repr(value).encode() for value in facts.memo.values())
    without = without_body(facts)
    assert without.body is None
    assert not any(b"alice" in repr(value).encode() for value in without.memo.values())
    assert "alice" not in repr(without)
