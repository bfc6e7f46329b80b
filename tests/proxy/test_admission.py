"""A head is judged the same however it arrives, and what it says of itself leaves no password in an event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.proxy.admission import fault_so_far
from botproxy.proxy.gateway import _without_userinfo
from botproxy.proxy.settings import Limits

HEAD_BYTES = st.lists(st.sampled_from([b"a", b":", b" ", b"\r\n", b"\n", b"\r"]), max_size=60).map(b"".join)


@given(HEAD_BYTES)
def test_a_head_that_comes_byte_by_byte_is_refused_like_one_that_comes_at_once(rest: bytes) -> None:
    data = b"GET / HTTP/1.1\r\n" + rest
    limits = Limits()
    seen = 0
    piecemeal = None
    for end in range(1, len(data) + 1):
        piecemeal = fault_so_far(data[:end], limits, seen)
        if piecemeal is not None:
            break
        seen = max(end - 3, 1)
    whole = fault_so_far(data, limits)
    assert (piecemeal is None) == (whole is None)


@pytest.mark.parametrize(
    ("target", "recorded"),
    [
        (b"http://user:secret@a.test/x", b"http://a.test/x"),
        (b"http://a@b@a.test", b"http://a.test"),
        (b"http://a.test/me@home", b"http://a.test/me@home"),
        (b"/x://user:pass@y", b"/x://user:pass@y"),
        (b"", b""),
    ],
)
def test_no_password_of_an_absolute_target_is_recorded(target: bytes, recorded: bytes) -> None:
    assert _without_userinfo(target) == recorded
