"""The bounds of unfinished handshakes, without a socket."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.proxy.unfinished import Unfinished


class One:
    """A connection that is told things."""

    def __init__(self, holder: int = 0) -> None:
        self.holder = holder
        self.deadline = 0.0
        self.ended = ""

    def give_up(self) -> None:
        self.ended = "late"

    def give_way(self) -> None:
        self.ended = "made room"


def test_memory_is_bounded_by_what_is_waited_for() -> None:
    room = Unfinished(100, 100_000, 100)
    many = [One(number) for number in range(10)]
    for one in many:
        assert room.enter(one, bounded=True)
        room.expect(one, 16_000)
        assert room.memory <= 100_000
    assert [one.ended for one in many] == ["made room"] * 6 + [""] * 4


def test_a_running_handshake_is_never_ended_for_another() -> None:
    room = Unfinished(2, 10_000_000, 100)
    running = [One(1), One(2)]
    for one in running:
        room.enter(one, bounded=True)
        assert room.shake(one)
    late = One(3)
    assert not room.enter(late, bounded=True)
    assert room.counts.refused == 1
    assert [one.ended for one in running] == ["", ""]
    room.shaken(running[0])
    assert room.enter(late, bounded=True)


def test_a_handshake_without_memory_for_it_is_refused() -> None:
    room = Unfinished(10, Unfinished.SHAKING_COST + Unfinished.WAITING_COST, 10)
    first, second = One(1), One(2)
    for one in (first, second):
        room.enter(one, bounded=True)
    assert room.shake(first)
    assert not room.shake(second)
    assert (room.counts.refused, len(room)) == (1, 1)


steps = st.lists(
    st.tuples(st.sampled_from(["enter", "expect", "shake", "shaken", "leave"]), st.integers(0, 9)), max_size=80
)


@given(steps)
@settings(max_examples=200)
def test_bounds_hold_whatever_happens_and_nothing_is_left_behind(taken: list[tuple[str, int]]) -> None:
    room = Unfinished(4, 300_000, 2)
    where: dict[int, str] = {}
    ones = {number: One(number % 3) for number in range(10)}

    def forget_evicted() -> None:
        for number, one in ones.items():
            if one.ended and where.get(number) == "waiting":
                del where[number]

    for step, number in taken:
        one = ones[number]
        state = where.get(number)
        if step == "enter" and state is None:
            one.ended = ""
            if room.enter(one, bounded=True):
                where[number] = "waiting"
        elif step == "expect" and state == "waiting":
            room.expect(one, 16_000)
        elif step == "shake" and state == "waiting":
            where.pop(number)
            if room.shake(one):
                where[number] = "shaking"
        elif step == "shaken" and state == "shaking":
            room.shaken(one)
            del where[number]
        elif step == "leave" and state == "waiting":
            room.leave(one)
            del where[number]
        forget_evicted()
        assert len(room) == len(where) <= 4
        assert room.memory <= 300_000
    for number, state in list(where.items()):
        (room.shaken if state == "shaking" else room.leave)(ones[number])
    assert (len(room), room.memory) == (0, 0)
    assert all(room.enter(One(9), bounded=True) for _ in range(2))
