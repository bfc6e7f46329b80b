"""What travels of a counter: the absolute count of one key in one window. Many of them are one payload; no socket here.

Because counts are absolute, a record that is lost or comes twice does no harm: the next one says it all again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final, NamedTuple

from botproxy.errors import BotproxyError

_LAYOUT: Final = Struct(">8s16sIIIIIdd")

RECORD_SIZE: Final = _LAYOUT.size
RULE_SIZE: Final = 8
KEY_SIZE: Final = 16
MOST: Final = 0xFFFFFFFF
"""The highest count that travels; a counter that reached it stays there."""


class Record(NamedTuple):
    """One key in one window."""

    rule: bytes  # 8 bytes that name the rule and how it counts
    key: bytes  # 16 bytes, a keyed hash of the rule and the values of its characteristics
    period: int  # seconds
    window: int  # since the epoch, in periods
    hits: int
    first: float  # seconds since the epoch, to the millisecond
    last: float
    passed: float  # expiry of the clearance that last set the key to zero; what was counted under an older one is void
    until: float  # end of the mitigation; 0.0 without one


class RecordError(BotproxyError):
    """A payload that is not made of records."""


def encode(records: Iterable[Record]) -> bytes:
    """A payload of these records."""
    pack = _LAYOUT.pack
    return b"".join(
        [
            pack(
                rule,
                key,
                period,
                window & MOST,
                min(hits, MOST),
                _within(first, window, period),
                _within(last, window, period),
                passed,
                until,
            )
            for rule, key, period, window, hits, first, last, passed, until in records
        ]
    )


def decode(payload: bytes) -> Iterator[Record]:
    """The records of a payload; raises RecordError when it is cut in the middle of one."""
    if len(payload) % RECORD_SIZE:
        raise RecordError(f"{len(payload)} bytes are no whole number of records")
    return _records(payload)


def _records(payload: bytes) -> Iterator[Record]:
    for (
        rule,
        key,
        period,
        window,
        hits,
        first,
        last,
        passed,
        until,
    ) in _LAYOUT.iter_unpack(payload):
        start = window * period
        yield Record(
            rule,
            key,
            period,
            window,
            hits,
            start + first / 1000,
            start + last / 1000,
            passed,
            until,
        )


def _within(moment: float, window: int, period: int) -> int:
    """Milliseconds from the start of the window, which is where every hit of it lies."""
    return min(max(int((moment - window * period) * 1000), 0), period * 1000)
