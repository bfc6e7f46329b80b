"""Whatever a hook makes up: what passes can stand on the wire."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from botproxy.hooks.permitted import (
    Forbidden,
    check_answer_headers,
    check_request_headers,
    check_response_headers,
    folded,
)

NAMES = st.one_of(
    st.sampled_from(["x-a", "Set-Cookie", "content_length", "CF-Ray", "cf_bot_score", "Host", "x-forwarded-for"]),
    st.text(max_size=8),
)
VALUES = st.one_of(st.text(max_size=20), st.sampled_from(["a\r\nb", "a\tb", "\x7f", "é", "__cf_bm=1", ""]))
ITEMS = st.lists(st.tuples(NAMES, st.lists(VALUES, max_size=3).map(tuple)), max_size=4).map(tuple)


@given(ITEMS)
def test_what_passes_is_one_line_each_and_nothing_of_ours(items: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    for check in (check_answer_headers, check_response_headers, check_request_headers):
        try:
            check(items)
        except Forbidden:
            continue
        for name, values in items:
            assert name.isascii()
            assert name.isprintable()
            assert not set(name) & set(' :"(),/;<=>?@[\\]{}')
            assert not folded(name).startswith("cf-")
            assert folded(name) not in ("content-length", "transfer-encoding", "connection")
            for value in values:
                line = value.encode("latin-1")
                assert not any(byte in line for byte in (*range(9), *range(10, 32), 127))
                assert line == line.strip(b" \t")
                assert name.lower() != "set-cookie" or b"__cf_bm" not in line
