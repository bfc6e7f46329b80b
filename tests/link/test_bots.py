"""Questions about bots on a worker's end of the link."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from botproxy.link.bots import MAX_QUESTIONS, BotQuestions
from botproxy.link.frames import Decoder, FrameError, Kind
from botproxy.store import StoreAway


def made() -> tuple[BotQuestions, list[None]]:
    sent: list[None] = []
    return BotQuestions(lambda: sent.append(None), asyncio.get_running_loop()), sent


def frame(questions: BotQuestions) -> list[object]:
    encoded = questions.next_frame()
    assert encoded is not None
    ((kind, payload),) = Decoder().feed(encoded)
    assert kind is Kind.BOT_QUESTION
    said: list[object] = orjson.loads(payload)
    return said


async def test_a_question_goes_up_and_its_answer_comes_down() -> None:
    questions, sent = made()
    asking = asyncio.ensure_future(questions.verify("names", "192.0.2.1", ["a.example"]))
    await asyncio.sleep(0)
    assert sent == [None]
    assert frame(questions) == [1, "names", "192.0.2.1", ["a.example"]]
    assert questions.next_frame() is None
    questions.received(Kind.BOT_ANSWER, orjson.dumps([7, {"confirmed": False}]))
    questions.received(Kind.BOT_ANSWER, orjson.dumps([1, {"confirmed": True}]))
    assert await asking == {"confirmed": True}


async def test_without_a_supervisor_nobody_waits() -> None:
    questions, _ = made()
    asking = asyncio.ensure_future(questions.verify("names", "192.0.2.1", []))
    await asyncio.sleep(0)
    questions.close()
    with pytest.raises(StoreAway):
        await asking
    with pytest.raises(StoreAway):
        await questions.verify("names", "192.0.2.1", [])


async def test_no_more_questions_wait_than_may() -> None:
    questions, _ = made()
    asking = [asyncio.ensure_future(questions.verify("names", str(n), [])) for n in range(MAX_QUESTIONS)]
    await asyncio.sleep(0)
    with pytest.raises(StoreAway):
        await questions.verify("names", "one more", [])
    questions.close()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_a_question_that_is_given_up_is_forgotten() -> None:
    questions, _ = made()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await questions.verify("names", "192.0.2.1", [])
    questions.received(Kind.BOT_ANSWER, orjson.dumps([1, {}]))


@pytest.mark.parametrize("answer", [b"[]", b"{}", b'[1, "no"]', b"null"])
async def test_an_answer_that_is_none_closes_the_link(answer: bytes) -> None:
    questions, _ = made()
    with pytest.raises(FrameError):
        questions.received(Kind.BOT_ANSWER, answer)


async def test_lists_wait_for_whoever_takes_them_and_come_one_a_turn() -> None:
    questions, _ = made()
    taken: list[bytes] = []
    for payload in (b"one", b"two", b"three"):
        questions.received(Kind.BOT_LIST, payload)
    questions.on_list = taken.append
    questions.take_lists()
    assert taken == [b"one"]
    await asyncio.sleep(0.01)
    assert taken == [b"one", b"two", b"three"]
    questions.received(Kind.BOT_LIST, b"four")
    assert taken[-1] == b"four"
