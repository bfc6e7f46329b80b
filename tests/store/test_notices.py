"""What every board of notices does."""

from __future__ import annotations

from typing import Any

import pytest

from botproxy.store import Notice, StoreFull


def notice(name: bytes, ends: float, body: bytes = b"") -> Notice:
    return Notice(name, body, ends)


async def test_what_is_posted_stands_there_until_its_time_is_over(boards: Any) -> None:
    board, clock = boards
    one, other = notice(b"a", clock.now + 60, b"session\x00\xff"), notice(b"b", clock.now + 120.5)
    await board.post("revoked", one)
    await board.post("revoked", other)
    assert sorted(await board.posted("revoked")) == [one, other]
    assert await board.posted("other") == []
    clock.now += 60
    assert await board.posted("revoked") == [other]


async def test_the_same_name_replaces(boards: Any) -> None:
    board, clock = boards
    await board.post("revoked", notice(b"a", clock.now + 60, b"one"))
    await board.post("revoked", notice(b"a", clock.now + 90, b"two"))
    assert await board.posted("revoked") == [notice(b"a", clock.now + 90, b"two")]


async def test_a_full_board_refuses_until_one_is_over(boards: Any) -> None:
    board, clock = boards
    for number in range(4):
        await board.post("revoked", notice(b"%d" % number, clock.now + 60 + number))
    with pytest.raises(StoreFull):
        await board.post("revoked", notice(b"4", clock.now + 60))
    await board.post("other", notice(b"4", clock.now + 60))
    await board.post("revoked", notice(b"3", clock.now + 60, b"replaced"))
    clock.now += 60.5
    await board.post("revoked", notice(b"4", clock.now + 60))
    assert {each.id for each in await board.posted("revoked")} == {b"1", b"2", b"4"}


async def test_what_is_over_is_not_posted(boards: Any) -> None:
    board, clock = boards
    await board.post("revoked", notice(b"a", clock.now - 1))
    assert await board.posted("revoked") == []


@pytest.mark.parametrize(
    ("topic", "name", "body", "ends"),
    [
        ("", b"a", b"", 9e9),
        ("Revoked", b"a", b"", 9e9),
        ("a" * 33, b"a", b"", 9e9),
        ("revoked", b"", b"", 9e9),
        ("revoked", b"a" * 65, b"", 9e9),
        ("revoked", b"a", b"b" * 257, 9e9),
        ("revoked", b"a", b"", 0.0),
        ("revoked", b"a", b"", float("nan")),
    ],
)
async def test_what_no_board_can_keep_is_a_mistake_of_the_caller(
    boards: Any, topic: str, name: bytes, body: bytes, ends: float
) -> None:
    with pytest.raises(ValueError, match=r"a topic|a notice"):
        await boards.board.post(topic, notice(name, ends, body))
