"""The chunked coding, however reads split it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.proxy.chunked import LAST_CHUNK, ChunkedError, ChunkedReader, TooLargeError, chunk


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    points = sorted({min(cut, len(data)) for cut in cuts})
    return [data[begin:end] for begin, end in zip([0, *points], [*points, len(data)], strict=True)]


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    extension=st.sampled_from([b"", b";a", b' ; a="b"']),
    trailers=st.sampled_from([b"", b"X: y\r\n", b"X:\r\nY: z\r\n"]),
    after=st.binary(max_size=20),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_body_and_what_follows_are_told_apart(pieces, extension, trailers, after, cuts):
    wire = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    wire += b"000" + extension + b"\r\n" + trailers + b"\r\n"
    reader = ChunkedReader()
    body = b""
    rest = b""
    for part in split(wire + after, cuts):
        if reader.finished:
            rest += part
            continue
        if part and len(part) < reader.sure:
            reader.sure -= len(part)  # what a connection does with bytes that are body for sure
            body += part
        else:
            body += reader.feed(part)
        rest += reader.rest
        reader.rest = b""
    assert reader.finished
    assert body == b"".join(pieces)
    assert rest == after


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_are_a_body_or_a_clean_error(data, cuts):
    reader = ChunkedReader()
    try:
        for part in split(data, cuts):
            reader.feed(part)
            if reader.finished:
                break
    except ChunkedError:
        return
    assert reader.finished or reader.sure >= 0


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"1\n",
        b"1\r\r\n",
        b"0x1\r\n",
        b"+1\r\n",
        b"-1\r\n",
        b"1_0\r\n",
        b"1,\r\n",
        b"1;\x01\r\n",
        b"1;a\rb\r\n",
        b"1" * 16 + b"\r\n",
        b"1;" + b"a" * 5000,
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"0\r\nno colon\r\n",
        b"0\r\nX : y\r\n",
        b"0\r\n folded\r\n",
        b"0\r\nX: \x00\r\n",
        b"0\r\n" + b"X: y\r\n" * 4000,
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data):
    with pytest.raises(ChunkedError):
        ChunkedReader().feed(data)


def test_size_is_refused_when_it_is_announced():
    reader = ChunkedReader(limit=10)
    assert reader.feed(b"8\r\n12345678\r\n") == b"12345678"
    with pytest.raises(TooLargeError):
        reader.feed(b"3\r\n")


def test_our_own_chunks_can_be_read_back():
    reader = ChunkedReader()
    assert reader.feed(chunk(b"abc") + chunk(b"d" * 300) + LAST_CHUNK) == b"abc" + b"d" * 300
    assert reader.finished
