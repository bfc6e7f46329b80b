"""A ticket says the same after travelling, and nothing else is taken for one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.ticket import Step, Ticket, decode
from botproxy.model import ClearanceLevel

_TEXT = st.text(max_size=60)
_MOMENTS = st.integers(0, 2**63)
TICKETS = st.builds(
    Ticket,
    zone=_TEXT,
    level=st.sampled_from(ClearanceLevel),
    nonce=st.binary(min_size=16, max_size=16),
    issued=_MOMENTS,
    expires=_MOMENTS,
    budget=st.integers(0, 2**32 - 1),
    difficulty=st.integers(0, 255),
    puzzles=st.integers(0, 65_535),
    minimum=st.integers(0, 65_535),
    strictness=st.sampled_from(("exact", "network", "none")),
    agent=st.binary(min_size=16, max_size=16),
    homes=st.lists(st.binary(max_size=16), max_size=2).map(tuple),
    ray=_TEXT,
    destination=_TEXT,
    step=st.sampled_from(Step),
    rule=_TEXT,
    failures=st.integers(0, 255),
    moves=st.integers(0, 255),
)


@given(TICKETS)
def test_a_ticket_survives_its_encoding(ticket: Ticket) -> None:
    assert decode(ticket.encode()) == ticket


@given(TICKETS, TICKETS)
def test_two_tickets_never_share_an_encoding(one: Ticket, other: Ticket) -> None:
    assert (one == other) == (one.encode() == other.encode())


@given(TICKETS, st.data())
def test_a_cut_or_longer_encoding_is_no_ticket(ticket: Ticket, data: st.DataObject) -> None:
    whole = ticket.encode()
    assert decode(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None
    assert decode(whole + b"\0") is None


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_ticket_or_none(payload: bytes) -> None:
    ticket = decode(payload)
    assert ticket is None or ticket.encode() == payload
