"""Heads taken apart: every header once, in order, the same whether remembered, repeated or new."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.errors import ClientError, OriginError
from botproxy.proxy.blocks import RequestReader
from botproxy.proxy.responses import ResponseReader

NAMES = st.sampled_from([b"X", b"x", b"Accept", b"X-Long-Name", b"cookie", b"Cookie", b"!#$%&'*+-.^_`|~9"])
VALUES = st.binary(max_size=20).map(lambda data: re.sub(rb"[\x00-\x1f\x7f]", b"", data).strip(b" \t"))


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12), st.sampled_from([b": ", b":", b":\t ", b":  "]))
def test_headers_come_out_as_they_went_in(items, colon):
    head = b"GET /a?b HTTP/1.1\r\n" + b"".join(name + colon + value + b"\r\n" for name, value in items) + b"\r\n"
    reader = RequestReader(100)
    for _ in range(3):  # new, seen once, remembered
        parts = reader.read(head)
        assert (parts.method, parts.target, parts.version) == (b"GET", b"/a?b", "HTTP/1.1")
        assert parts.headers.items == tuple(items)
        for name, values in parts.headers.index.items():
            assert values == tuple(value for key, value in items if key.lower() == name)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_request_head_or_the_clients_error(data):
    reader = RequestReader(100)
    for head in (data + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n" + data + b"\r\n\r\n"):
        refused = 0
        try:
            reader.read(head)
        except ClientError as problem:
            refused = problem.status
        assert refused in (0, 400, 431, 505)
    assert reader.read(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").headers.first(b"host") == b"a"


@given(st.binary(max_size=120))
def test_any_bytes_are_a_response_head_or_the_origins_error(data):
    reader = ResponseReader()
    for head in (data + b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\n" + data + b"\r\n\r\n"):
        try:
            found = reader.read(head)
        except OriginError:
            continue
        assert found.lines.count(b"\r") == found.lines.count(b"\n") == found.lines.count(b"\r\n")


def test_a_head_with_a_body_or_an_upgrade_leaves_the_reader_fit_for_the_next():
    reader = RequestReader(100)
    plain = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for lines in (
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    ):
        assert len(reader.read(b"POST / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n").headers.items) >= 2
        assert reader.read(plain.replace(b"a", lines[:3])).headers.first(b"host") == lines[:3]


def test_headers_are_counted():
    reader = RequestReader(3)
    reader.read(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3 + b"\r\n")
    with pytest.raises(ClientError) as caught:
        reader.read(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4 + b"\r\n")
    assert caught.value.status == 431


def test_names_that_are_ours_are_gone_in_every_spelling():
    reader = RequestReader(100)
    head = b"GET / HTTP/1.1\r\nHost: a\r\nCF-Ray: 1\r\ncf_ray: 2\r\nX_Real-IP: 3\r\nX-Other: 4\r\n\r\n"
    for _ in range(3):
        assert [name for name, _ in reader.read(head).headers.items] == [b"Host", b"X-Other"]


def test_cookies_of_a_response_all_survive():
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\nSet-Cookie: b=2\r\n"
    head += b"set-cookie: __cf_bm=forged\r\n\r\n"
    found = ResponseReader().read(head)
    assert found.lines.count(b"Set-Cookie: ") == 2
    assert b"forged" not in found.lines
    assert found.head.values(b"set-cookie") == [b"a=1", b"b=2", b"__cf_bm=forged"]


def test_what_a_page_says_of_referrers_is_kept_as_one_list() -> None:
    head = b"HTTP/1.1 200 OK\r\nReferrer-Policy: origin\r\nreferrer-policy: no-referrer\r\nContent-Length: 0\r\n\r\n"
    assert ResponseReader().read(head).referrer_policy == b"origin, no-referrer"
