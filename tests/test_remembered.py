"""What repeats is remembered, what does not costs nothing, and the memory has an end."""

from __future__ import annotations

from botproxy.remembered import Remembered


def test_second_sight_is_remembered():
    memory: Remembered[int] = Remembered(10, 1000, 100)
    memory.offer(b"a", 1)
    assert memory.get(b"a") is None
    memory.offer(b"a", 1)
    assert memory.get(b"a") == 1


def test_what_never_repeats_leaves_no_value():
    memory: Remembered[int] = Remembered(10, 1000, 100)
    for number in range(10_000):
        memory.offer(b"%d" % number, number)
    assert len(memory) == 0


def test_entries_and_bytes_are_bounded_and_what_is_used_stays():
    memory: Remembered[int] = Remembered(10, 1000, 100)
    for number in range(1000):
        for _ in range(2):
            memory.offer(b"used", -1) if memory.get(b"used") is None else None
            memory.offer(b"%d" % number, number)
        assert len(memory) <= 20
    assert memory.get(b"used") == -1
    for number in range(1000):
        for _ in range(2):
            memory.offer(b"%090d" % number, number)
        assert len(memory) <= 24


def test_long_keys_are_not_kept():
    memory: Remembered[int] = Remembered(10, 1000, 100)
    for _ in range(2):
        memory.offer(b"x" * 101, 1)
    assert memory.get(b"x" * 101) is None
