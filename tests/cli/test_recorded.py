"""Requests as people write them down: every form is read as the same request, and faults are named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.cli.recorded import Recorded, RecordedError, origin_form, read_request

HEAD = b"POST /login?next=%2F HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: A/1\r\nX: a: b \r\n\r\nname=x\r\n"
HEADERS = (("Host", "shop.example"), ("User-Agent", "A/1"), ("X", "a: b"))
CURL = b"""\
* Host shop.example:443 was resolved.
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
{ [5 bytes data]
> GET /a HTTP/2
> Host: shop.example
> User-Agent: curl/8.5.0
>\x20
< HTTP/2 403
< server: x
<html>
"""
EVENT = {
    "RayID": "0123456789abcdef",
    "ClientRequestMethod": "GET",
    "ClientRequestScheme": "https",
    "ClientRequestHost": "shop.example",
    "ClientRequestPath": "/a",
    "ClientRequestURI": "/a?b=c",
    "ClientRequestProtocol": "HTTP/1.1",
    "ClientRequestUserAgent": "A/1 \u00e9",
    "EdgeResponseStatus": 200,
    "BotScore": 7,
}


def har(**request: Any) -> bytes:
    whole = {
        "method": "GET",
        "url": "https://shop.example/a?b=c#d",
        "httpVersion": "h2",
        "headers": [],
    } | request
    return json.dumps({"log": {"entries": [{"request": whole, "response": {"status": 200}}]}}).encode()


def test_a_head_is_read_with_its_body() -> None:
    read = read_request(HEAD)
    assert (read.method, read.target, read.version) == (
        "POST",
        "/login?next=%2F",
        "HTTP/1.1",
    )
    assert read.headers == HEADERS
    assert read.body == b"name=x\n"


def test_headers_alone_are_a_get_of_the_root() -> None:
    read = read_request(b"Host: shop.example\nUser-Agent: A/1\nX: a: b\n")
    assert (read.method, read.target, read.headers) == ("GET", "/", HEADERS)


def test_what_curl_prints_is_read_with_scheme_and_status() -> None:
    read = read_request(CURL)
    assert (read.method, read.target, read.version) == ("GET", "/a", "HTTP/2")
    assert read.headers == (("Host", "shop.example"), ("User-Agent", "curl/8.5.0"))
    assert read.secure is True
    assert read.status == 403


def test_a_curl_command_as_browsers_copy_it_is_read() -> None:
    read = read_request(
        b"curl 'https://shop.example/login' \\\n  -X PUT -H 'Accept: */*' \\\n  -A 'A/1' --compressed -d 'a=b' -o x"
    )
    assert (read.method, read.target) == ("PUT", "https://shop.example/login")
    assert read.headers == (
        ("Accept", "*/*"),
        ("User-Agent", "A/1"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
    )
    assert read.body == b"a=b"
    assert read_request(b"curl -d x shop.example").method == "POST"


def test_a_har_file_is_read_without_what_only_http2_has() -> None:
    headers = [
        {"name": ":authority", "value": "shop.example"},
        {"name": "user-agent", "value": "A/1"},
    ]
    read = read_request(har(headers=headers, postData={"text": "{}"}))
    assert read.headers == (("user-agent", "A/1"),)
    assert (read.version, read.body, read.status) == ("HTTP/2", b"{}", 200)
    assert origin_form(read.target) == ("/a?b=c", "shop.example", True)


def test_an_event_is_read_and_one_of_many_found_by_its_place_or_ray() -> None:
    read = read_request(json.dumps(EVENT).encode())
    assert (read.method, read.target, read.secure, read.whole) == (
        "GET",
        "/a?b=c",
        True,
        False,
    )
    assert ("User-Agent", "A/1 \u00c3\u00a9") in read.headers  # a character a byte
    lines = b"\n".join(json.dumps(EVENT | {"RayID": str(n), "ClientRequestURI": f"/{n}"}).encode() for n in range(5))
    assert read_request(lines, entry=3).target == "/2"
    assert read_request(lines, ray="4").target == "/4"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b" \n", "it is empty"),
        (
            b"GET / HTTP/1.1\nHost shop",
            "line 2: `Host shop` is no header line: `Name: value`",
        ),
        (
            b"what is this",
            "line 1: `what is this` is no header line: `GET /path HTTP/1.1` or `Name: value`",
        ),
        (b"{", "this JSON cannot be read"),
        (b'{"a": 1}', "neither a HAR file"),
        (b'{"log": {"entries": []}}', "no entries"),
        (b'{"log": {"entries": [{"request": {}}]}}', "is not whole"),
        (b'{"log": {"entries": [7]}}', "is not whole"),
        (b'{"ClientRequestMethod": "GET"}\n[]', None),
        (b"[" * 100_000, "nested too deeply"),
        (b"curl -H 'x", "cannot be read: No closing quotation"),
        (b"curl -H x http://a", "`x` is no header"),
        (b"curl --compressed", "names no URL"),
        (b"\x1b[2J: x", "`\\x1b[2J: x` is no header line"),
    ],
)
def test_what_cannot_be_read_is_named(content: bytes, said: str | None) -> None:
    if said is None:
        assert read_request(content).method == "GET"
        return
    with pytest.raises(RecordedError) as caught:
        read_request(content)
    assert said in str(caught.value)


def test_an_entry_or_ray_that_is_not_there_is_named() -> None:
    lines = b"\n".join(json.dumps(EVENT).encode() for _ in range(2))
    for wanted, said in (
        ({"entry": 9}, "2 lines, and no line 9"),
        ({"ray": "ff"}, "no event with the ray id `ff`"),
    ):
        with pytest.raises(RecordedError, match=said):
            read_request(lines, **wanted)
    with pytest.raises(RecordedError, match="1 entries, and no entry 2"):
        read_request(har(), entry=2)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from([HEAD, CURL, har(), json.dumps(EVENT).encode()]),
    ),
    st.data(),
)
def test_whatever_is_given_is_read_or_refused(content: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(content)))
    mutated = content[:at] + data.draw(st.binary(max_size=4)) + content[at + data.draw(st.integers(0, 4)) :]
    try:
        read = read_request(mutated)
    except RecordedError:
        return
    assert isinstance(read, Recorded)
