"""Frames between a worker and a hook process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.hooks.frames import BadFrame, Decoder, encode

MESSAGES = st.dictionaries(st.text(max_size=5), st.one_of(st.integers(0, 9), st.text(max_size=5)), max_size=3)
FRAMES = st.lists(st.tuples(MESSAGES, st.binary(max_size=20)), max_size=5)


@given(FRAMES, st.lists(st.integers(1, 30), max_size=20))
def test_what_was_encoded_comes_out_however_it_is_cut(
    frames: list[tuple[dict[str, object], bytes]], cuts: list[int]
) -> None:
    stream = b"".join(encode(message, body) for message, body in frames)
    decoder = Decoder()
    found = []
    for size in (*cuts, len(stream) + 1):
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found == frames


@given(st.binary(max_size=64))
def test_rubbish_is_refused_or_waited_for_and_nothing_else(data: bytes) -> None:
    decoder = Decoder(1000)
    try:
        decoder.feed(data)
    except BadFrame:
        return
    assert len(decoder._buffer) <= 1004


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff\x00\x00\x00\x00",  # too long
        b"\x00\x00\x00\x08\x00\x00\x00\x09",  # JSON longer than its frame
        b"\x00\x00\x00\x03\x00\x00\x00\x00",  # shorter than the length of its JSON
        b"\x00\x00\x00\x05\x00\x00\x00\x01{",
    ],
)
def test_lengths_that_cannot_be_and_what_is_no_json_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(BadFrame):
        Decoder(1000).feed(data)
