"""Heaviest first, each once, bounded."""

from __future__ import annotations

from botproxy.traffic.heaviest import TOP, Heaviest, level_of


def test_the_heaviest_come_first_and_equals_in_their_order() -> None:
    waiting, levels = Heaviest(100), bytearray(100)
    for thing, count in enumerate((1, 1000, 30, 2, 900)):
        levels[thing] = level_of(count)
        waiting.put(thing, levels[thing])
    assert waiting.take(levels, 3) == [1, 4, 2]
    assert waiting.take(levels, 3) == [3, 0]
    assert len(waiting) == 0


def test_one_that_rises_is_taken_once_from_its_highest_place() -> None:
    waiting, levels = Heaviest(100), bytearray(10)
    for level in (1, 2, TOP):
        levels[7] = level
        waiting.put(7, level)
    assert waiting.take(levels, 10) == [7]
    assert levels[7] == 0
    assert waiting.take(levels, 10) == []


def test_what_finds_no_room_is_refused_and_counted() -> None:
    waiting = Heaviest(2)
    assert [waiting.put(thing, 1) for thing in range(3)] == [True, True, False]
    assert waiting.refused == 1
