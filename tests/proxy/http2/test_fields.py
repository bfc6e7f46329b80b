"""Fields of requests become heads of HTTP/1.1, and heads of responses become blocks of HPACK."""

from __future__ import annotations

import pytest
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from botproxy.errors import ClientError
from botproxy.proxy.http2.fields import ResponseFields, read_request

START = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a.test"), (b":path", b"/x?y")]


def test_a_request_reads_as_it_would_over_http_1_1() -> None:
    read = read_request([*START, (b"cookie", b"a=1"), (b"x", b""), (b"cookie", b"b=2")], True)
    assert read.head == b"GET /x?y HTTP/1.1\r\nhost: a.test\r\ncookie: a=1; b=2\r\nx: \r\n\r\n"


def test_host_stays_where_it_stood_when_it_agrees() -> None:
    read = read_request([*START, (b"x", b"1"), (b"host", b"A.test")], True)
    assert read.head == b"GET /x?y HTTP/1.1\r\nx: 1\r\nhost: A.test\r\n\r\n"


def test_options_may_ask_about_the_server() -> None:
    fields = [(b":method", b"OPTIONS"), (b":scheme", b"http"), (b":authority", b"a"), (b":path", b"*")]
    assert read_request(fields, False).target == b"*"
    with pytest.raises(ClientError):
        read_request(fields, True)


@pytest.mark.parametrize(
    "more",
    [
        [(b":path", b"/")],
        [(b":protocol", b"websocket")],
        [(b"x", b"1"), (b":method", b"GET")],
        [(b"Upper", b"1")],
        [(b"", b"1")],
        [(b"a b", b"1")],
        [(b"x:", b"1")],
        [(b"x", b"a\rb")],
        [(b"x", b"a\nb")],
        [(b"x", b"a\0b")],
        [(b"x", b"1 ")],
        [(b"x", b"\t1")],
        [(b"upgrade", b"websocket")],
        [(b"keep-alive", b"1")],
        [(b"proxy-connection", b"1")],
        [(b"host", b"b.test")],
        [(b"host", b"a.test"), (b"host", b"b.test")],
        [(b"te", b"trailers"), (b"te", b"gzip")],
    ],
)
def test_what_http_2_forbids_is_refused(more: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ClientError) as refused:
        read_request([*START, *more], True)
    assert refused.value.status == 400


FIELD = st.tuples(st.one_of(st.sampled_from([name for name, _ in START]), st.binary(max_size=6)), st.binary(max_size=8))


@given(st.lists(FIELD, max_size=6), st.integers(0, 4))
def test_no_field_can_end_a_line(fields: list[tuple[bytes, bytes]], start: int) -> None:
    sent = [*START[:start], *fields]
    try:
        head = read_request(sent, True).head
    except ClientError:
        return
    regular = [name for name, _ in sent if name[:1] != b":"]
    assert head.count(b"\r\n") == head.count(b"\n") == head.count(b"\r")
    assert head.count(b"\n") <= 3 + len(regular)


def test_every_response_head_reads_back() -> None:
    written = ResponseFields()
    for status in range(100, 600):
        head = b"HTTP/1.1 %d Some Reason\r\nServer: x\r\nX-Long: %b\r\nConnection: close\r\nSet-Cookie: a=b; Path=/" % (
            status,
            b"y" * status * 3,
        )
        for _ in range(3):
            got, block = written.block(head)
            assert got == status
            fields = [(b":status", b"%d" % status), (b"server", b"x"), (b"x-long", b"y" * status * 3)]
            read = [tuple(field) for field in Decoder().decode(block, raw=True)]
            assert read == [*fields, (b"set-cookie", b"a=b; Path=/")]
