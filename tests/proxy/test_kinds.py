"""Blocks of a kind seen before read as if each had been parsed by itself."""

from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.errors import ClientError
from botproxy.proxy.blocks import RequestReader
from botproxy.proxy.forwarding import end_to_end
from botproxy.proxy.head import check_head
from botproxy.proxy.kinds import cut

LINE = b"GET /a HTTP/1.1\r\n"


def read(reader: RequestReader, block: bytes) -> object:
    """Everything that is ever made of a block, or the refusal."""
    try:
        parts = reader.read(LINE + block)
        checked = check_head(parts.method, parts.target, parts.version, parts.headers)
    except ClientError as problem:
        return problem.status, str(problem)
    headers = parts.headers
    return headers.items, dict(headers.index), checked, end_to_end(headers)


def block(*lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (b"Host: a.test", *lines)) + b"\r\n"


NAMES = st.sampled_from(
    [
        *(b"Cookie", b"cookie", b"COOKIE", b"Referer", b"referer", b"If-None-Match", b"X-Forwarded-For", b"Accept"),
        *(b"Host", b"Content-Length", b"Connection", b"X", b"Cookie ", b" Cookie", b"X-Real-IP", b""),
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *(b"", b"a=1", b" a ", b"\t", b"cf_clearance=x; a=1", b"__cf_bm=y", b"3", b"close", b"a\rb", b"a\nb"),
            *(b"x\r\nCookie: y", b"\x00", b"\x7f", b"\xff", b"a.test", b"keep-alive, cookie"),
        ]
    ),
    st.binary(max_size=6),
)
LINES = st.tuples(NAMES, st.sampled_from([b": ", b":", b":  "]), VALUES).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(
    shapes=st.lists(st.lists(st.tuples(NAMES, st.sampled_from([b": ", b":"])), max_size=5), min_size=1, max_size=2),
    values=st.lists(st.lists(VALUES, min_size=5, max_size=5), min_size=3, max_size=6),
)
def test_a_reader_that_knows_the_kind_says_what_a_new_one_says(
    shapes: list[list[tuple[bytes, bytes]]], values: list[list[bytes]]
) -> None:
    knowing = RequestReader(100)
    for filling in values:
        for shape in shapes:
            lines = [name + colon + value for (name, colon), value in zip(shape, filling, strict=False)]
            assert read(knowing, block(*lines)) == read(RequestReader(100), block(*lines))


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(LINES, max_size=6))
def test_two_blocks_that_share_a_key_differ_in_the_values_taken_out_alone(lines: list[bytes]) -> None:
    text = LINE + block(*lines)
    found = cut(text, len(LINE))
    if found is not None:
        assert len(found.key) <= len(text) - len(LINE)
        for _, value in found.values:
            assert value in text
            assert b"\r" not in value
            assert b"\n" not in value


def test_values_of_a_known_kind_are_the_new_ones() -> None:
    reader = RequestReader(100)
    for number in range(5):
        parts = reader.read(LINE + block(b"Referer: /%d" % number, b"Accept: */*", b"Cookie: a=%d" % number))
        assert parts.headers.index[b"cookie"] == (b"a=%d" % number,)
        assert parts.headers.items[1] == (b"Referer", b"/%d" % number)
        assert parts.headers.items[2] == (b"Accept", b"*/*")


def test_a_kind_is_shared_from_the_third_block_on() -> None:
    reader = RequestReader(100)
    kinds = [reader.read(LINE + block(b"Cookie: a=%d" % number, b"Accept: */*")).headers.kind for number in range(4)]
    assert kinds[2] is kinds[3]
    assert kinds[1] is kinds[2]
    assert kinds[0] is not kinds[1]


def test_a_bad_value_does_not_condemn_its_kind() -> None:
    reader = RequestReader(100)
    for _ in range(4):
        assert read(reader, block(b"Cookie: a\x01b"))[0] == 400  # type: ignore[index]
    for _ in range(4):
        assert read(reader, block(b"Cookie: ab"))[0] != 400  # type: ignore[index]


def test_our_cookies_are_taken_out_of_each_block_of_a_kind() -> None:
    reader = RequestReader(100)
    sent = []
    for value in (b"a=1", b"a=2", b"a=3; __cf_bm=x", b"cf_clearance=y", b"a=4"):
        headers = reader.read(LINE + block(b"Accept: */*", b"Cookie: " + value, b"DNT: 1")).headers
        sent.append(end_to_end(headers))
    assert sent == [
        b"Accept: */*\r\nCookie: a=1\r\nDNT: 1\r\n",
        b"Accept: */*\r\nCookie: a=2\r\nDNT: 1\r\n",
        b"Accept: */*\r\nCookie: a=3\r\nDNT: 1\r\n",
        b"Accept: */*\r\nDNT: 1\r\n",
        b"Accept: */*\r\nCookie: a=4\r\nDNT: 1\r\n",
    ]
