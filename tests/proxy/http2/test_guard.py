"""What is read of frames before anything works on them."""

from __future__ import annotations

import pytest
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, PriorityFrame, SettingsFrame, WindowUpdateFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.proxy.http2.guard import PREFACE, FloodError, Guard
from botproxy.proxy.http2.settings import Http2Limits


def guard(**limits: int) -> Guard:
    return Guard(Http2Limits(**limits), 64 * 1024)


def browser() -> bytes:
    """As Firefox begins, down to the priorities."""
    said = [(1, 65536), (0x1A1A, 7), (4, 131072), (5, 16384)]
    settings = b"".join([name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in said])
    frames = [
        WindowUpdateFrame(0, window_increment=12517377),
        PriorityFrame(3, depends_on=0, stream_weight=200, exclusive=False),
        PriorityFrame(5, depends_on=3, stream_weight=100, exclusive=True),
    ]
    return (
        PREFACE + b"\x00\x00\x18\x04\x00\x00\x00\x00\x00" + settings + b"".join([frame.serialize() for frame in frames])
    )


NAMES = [b":method", b":path", b":authority", b":scheme", b"user-agent"]


@given(st.lists(st.integers(1, 60), max_size=20))
def test_a_fingerprint_is_the_same_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    seen = guard()
    data = browser()
    passed = b""
    for cut in cuts:
        passed += seen.check(data[:cut])
        data = data[cut:]
    passed += seen.check(data)
    assert passed == browser()
    assert seen.portrait is not None
    said = seen.portrait.finished(NAMES)
    assert said == "1:65536;4:131072;5:16384|12517377|3:0:0:201,5:1:3:101|m,p,a,s"


def test_nothing_said_is_written_as_the_paper_has_it() -> None:
    seen = guard()
    seen.check(PREFACE + SettingsFrame(0).serialize())
    assert seen.portrait is not None
    assert seen.portrait.finished([b":method", b":authority", b":scheme", b":path"]) == "|00|0|m,a,s,p"


def test_a_goaway_is_hidden_and_remembered() -> None:
    seen = guard()
    ping = DataFrame(1, data=b"x").serialize()
    passed = seen.check(PREFACE + GoAwayFrame(0).serialize() + ping)
    assert seen.going_away
    assert passed[len(PREFACE) + 3] == 0xFA
    assert passed.endswith(ping)


def test_windows_may_be_opened_as_often_as_data_was_sent() -> None:
    update = WindowUpdateFrame(0, window_increment=1).serialize()
    seen = guard(window_updates=10)
    seen.check(PREFACE)
    for _ in range(50):
        seen.sent_data()
    seen.check(update * 110)
    with pytest.raises(FloodError):
        seen.check(update)


def test_only_what_is_no_body_is_waited_for_with_impatience() -> None:
    seen = guard()
    seen.check(PREFACE)
    assert not seen.waiting
    seen.check(DataFrame(1, data=bytes(100)).serialize()[:50])
    assert not seen.waiting
    seen.check(bytes(59))
    seen.check(HeadersFrame(1, data=b"x").serialize())
    assert seen.waiting


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=300), max_size=12), st.booleans())
def test_any_bytes_are_passed_on_or_refused(pieces: list[bytes], preface: bool) -> None:
    seen = guard(resets=3, pings=3, settings=3, priorities=3, empty_frames=3, window_updates=3)
    sent = passed = b""
    try:
        for piece in ([PREFACE] if preface else []) + pieces:
            sent += piece
            passed += seen.check(piece)
            assert len(sent) - len(passed) <= 16 * 1024 + 9
            assert len(passed) <= len(sent)
    except FloodError:
        return
