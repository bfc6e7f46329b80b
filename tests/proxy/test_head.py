"""Heads that can be read in two ways are refused; the rest say what follows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.errors import ClientError
from botproxy.model import Headers
from botproxy.proxy.head import CheckedHead, check_head

HOST = (b"Host", b"example.com")


def check(
    *items: tuple[bytes, bytes], method: bytes = b"GET", target: bytes = b"/", version: str = "HTTP/1.1"
) -> CheckedHead:
    return check_head(method, target, version, Headers((HOST, *items)))


@pytest.mark.parametrize(
    "items",
    [
        ((b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")),
        ((b"Content-Length", b"1"), (b"content-length", b"1")),
        *(((b"Content-Length", text),) for text in (b"", b"+1", b"-1", b"0x1", b"1_0", b"1, 1", b" 1", b"1" * 19)),
        *(
            ((b"Transfer-Encoding", text),)
            for text in (b"", b"identity", b"gzip, chunked", b"chunked, chunked", b"xchunked", b"chunked;a", b"\x0bchunked", b"chunked,", b'"chunked"')  # noqa: E501
        ),
        ((b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")),
        *(((b"X", text),) for text in (b"a\rb", b"a\nb", b"a\x00b", b"a\x7f", b"a\r\n b", b"\x0b")),
        *(((name, b"x"),) for name in (b"", b"X ", b"X\t", b"X:", b" X", b"X\x00", b"X\xa0", b"(X)")),
        ((b"Host", b"example.com"),),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused(items: tuple[tuple[bytes, bytes], ...]) -> None:
    with pytest.raises(ClientError) as refused:
        check(*items, method=b"POST")
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "host", [b"", b"a b", b"a/b", b"a@b", b"a,b", b"..", b"a..b", b"a:99999", b"a:b", b"\xff", b"[::1", b"a\\b"]
)
def test_a_host_that_is_no_host_is_refused(host: bytes) -> None:
    with pytest.raises(ClientError):
        check_head(b"GET", b"/", "HTTP/1.1", Headers(((b"Host", host),)))


def test_a_missing_host_is_refused_in_either_version() -> None:
    for version in ("HTTP/1.0", "HTTP/1.1"):
        with pytest.raises(ClientError):
            check_head(b"GET", b"/", version, Headers(()))


@pytest.mark.parametrize(
    ("status", "item", "method", "target", "version"),
    [
        (417, (b"Expect", b"200-ok"), b"GET", b"/", "HTTP/1.1"),
        (501, (b"A", b"b"), b"CONNECT", b"example.com:443", "HTTP/1.1"),
        (501, (b"A", b"b"), b"OPTIONS", b"*", "HTTP/1.1"),
        (505, (b"A", b"b"), b"GET", b"/", "HTTP/2.0"),
        (508, (b"CDN-Loop", b"other, BotProxy;v=1"), b"GET", b"/", "HTTP/1.1"),
        (400, (b"A", b"b"), b"GET", b"http://other.example/", "HTTP/1.1"),
        (400, (b"A", b"b"), b"GET", b"http://u@example.com/", "HTTP/1.1"),
        (400, (b"Transfer-Encoding", b"chunked"), b"POST", b"/", "HTTP/1.0"),
    ],
)
def test_each_refusal_has_its_status(
    status: int, item: tuple[bytes, bytes], method: bytes, target: bytes, version: str
) -> None:
    with pytest.raises(ClientError) as refused:
        check(item, method=method, target=target, version=version)
    assert refused.value.status == status


def test_lengths_and_codings_are_told() -> None:
    assert check((b"Content-Length", b"12")).body_length == 12
    assert check((b"Transfer-Encoding", b"Chunked")).body_length is None
    assert check().body_length == 0


def test_absolute_form_for_the_same_host_becomes_origin_form() -> None:
    assert check(target=b"http://EXAMPLE.com/a?b").target == b"/a?b"
    assert check(target=b"http://example.com?b").target == b"/?b"
    assert check(target=b"http://example.com").target == b"/"


def test_only_a_whole_websocket_handshake_is_one() -> None:
    asked = ((b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"websocket"))
    keys = ((b"Sec-WebSocket-Key", b"x"), (b"Sec-WebSocket-Version", b"13"))
    assert check(*asked, *keys).websocket
    assert not check(*asked).websocket
    assert not check(*asked, *keys, method=b"POST").websocket
    assert not check(*asked, *keys, (b"Content-Length", b"3")).websocket
    assert not check(asked[0], (b"Upgrade", b"h2c"), *keys).websocket
    assert check(asked[0], (b"Upgrade", b"h2c")).upgrade


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"Host", b"Content-Length", b"Connection", b"Expect", b"X"]) | st.binary(max_size=8),
            st.binary(max_size=12),
        ),
        max_size=6,
    )
)
def test_any_headers_give_a_head_or_a_refusal(items: list[tuple[bytes, bytes]]) -> None:
    try:
        check(*items)
    except ClientError:
        return
