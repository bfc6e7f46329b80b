"""Records survive their journey, and what is none of ours is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.traffic import Record, RecordError, decode, encode
from botproxy.traffic.records import MOST, RECORD_SIZE

records = st.builds(
    lambda rule, key, period, window, count, first, length, passed, until: Record(
        rule, key, period, window, count,
        window * period + first * period, window * period + min(first + length, 1.0) * period, passed, until,
    ),
    st.binary(min_size=8, max_size=8),
    st.binary(min_size=16, max_size=16),
    st.sampled_from([10, 60, 120, 300, 600, 3600]),
    st.integers(0, 2**28),
    st.integers(0, MOST),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1e11),
    st.floats(0, 1e11),
)  # fmt: skip


@given(st.lists(records, max_size=20))
@settings(max_examples=100)
def test_what_is_encoded_comes_back_to_the_millisecond(sent: list[Record]) -> None:
    came = list(decode(encode(sent)))
    assert len(came) == len(sent)
    for before, after in zip(sent, came, strict=True):
        assert after._replace(first=0.0, last=0.0) == before._replace(first=0.0, last=0.0)
        assert abs(after.first - before.first) < 0.002
        assert abs(after.last - before.last) < 0.002


def test_a_count_beyond_all_bounds_stays_at_the_highest() -> None:
    record = Record(b"r" * 8, b"k" * 16, 10, 1, MOST + 5, 10.0, 11.0, 0.0, 0.0)
    assert next(decode(encode([record]))).hits == MOST


@given(st.binary(max_size=200).filter(lambda data: len(data) % RECORD_SIZE != 0))
@settings(max_examples=50)
def test_a_cut_payload_is_refused(data: bytes) -> None:
    with pytest.raises(RecordError):
        decode(data)
