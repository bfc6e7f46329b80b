"""What several connections have to send goes out together, and each record is made after that."""

import asyncio

from botproxy.model import Ending, Outcome
from botproxy.proxy.outbox import Outbox

OUTCOME = Outcome(200, 1, 1, 1, b"", "", 0, 0.0, 0.0, 0.0, Ending.FINISHED)


class Recording:
    def __init__(self, log: list[str], name: str) -> None:
        self.log = log
        self.name = name

    def send_posted(self) -> None:
        self.log.append(self.name)

    def concluded(self, outcome: Outcome) -> None:
        self.log.append(f"{self.name} concluded")


class Broken(Recording):
    def send_posted(self) -> None:
        raise OSError(self.name)

    def concluded(self, outcome: Outcome) -> None:
        raise ValueError(self.name)


async def test_everything_is_sent_before_any_record_is_made() -> None:
    log: list[str] = []
    outbox = Outbox(log.append)
    first, second = Recording(log, "first"), Recording(log, "second")
    outbox.conclude(first.concluded, OUTCOME)
    outbox.post(first)
    outbox.post(second)
    assert log == []
    await asyncio.sleep(0)
    assert log == ["first", "second", "first concluded"]
    await asyncio.sleep(0)
    assert len(log) == 3


async def test_many_writes_do_not_wait_for_the_end_of_the_turn() -> None:
    log: list[str] = []
    outbox = Outbox(log.append)
    for number in range(70):
        outbox.post(Recording(log, str(number)))
    assert log == [str(number) for number in range(64)]
    outbox.settle()
    assert log == [str(number) for number in range(70)]


async def test_one_that_fails_keeps_nobody_from_sending_or_being_recorded() -> None:
    log: list[str] = []
    outbox = Outbox(log.append)
    for each in (Broken(log, "broken"), Recording(log, "sound")):
        outbox.post(each)
        outbox.conclude(each.concluded, OUTCOME)
    outbox.settle()
    assert log == ["sending", "sound", "on_ended", "sound concluded"]


async def test_what_is_posted_while_sending_goes_out_as_well() -> None:
    log: list[str] = []
    outbox = Outbox(log.append)
    inner = Recording(log, "inner")

    class Outer(Recording):
        def send_posted(self) -> None:
            super().send_posted()
            outbox.post(inner)

    outbox.post(Outer(log, "outer"))
    outbox.settle()
    assert log == ["outer", "inner"]
