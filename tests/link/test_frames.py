"""Frames survive any cutting of the stream, and anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.link.frames import Decoder, FrameError, Kind, encode

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=300)), max_size=8)


@given(FRAMES, st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    frames: list[tuple[Kind, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(encode(kind, payload) for kind, payload in frames)
    decoder = Decoder()
    seen: list[tuple[Kind, bytes]] = []
    at = turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        seen += decoder.feed(stream[at : at + size])
        at += size
        turn += 1
    assert seen == frames


@given(st.binary(max_size=400))
def test_any_bytes_give_frames_or_a_clean_error(data: bytes) -> None:
    try:
        for kind, payload in Decoder().feed(data):
            assert isinstance(kind, Kind)
            assert len(payload) <= len(data)
    except FrameError:
        pass


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff\x01", b"\x00\x00\x00\x00\x00", b"\x00\x00\x00\x00\x63"])
def test_a_frame_too_long_or_of_no_known_kind_is_refused(data: bytes) -> None:
    with pytest.raises(FrameError):
        list(Decoder().feed(data))


def test_frames_before_a_bad_one_are_still_given() -> None:
    frames = Decoder().feed(encode(Kind.STATE, b"serving") + b"\xff" * 5)
    assert next(frames) == (Kind.STATE, b"serving")
    with pytest.raises(FrameError):
        next(frames)
