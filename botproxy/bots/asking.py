"""How a worker finds out: each question is asked once, answers go into what it knows, and nobody waits for long."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from botproxy.bots.knowledge import AWAY_SECONDS, KEYS, NAMES, ONCE, Knowledge, Question
from botproxy.bots.signatures import thumbprint

MAX_OPEN: Final = 256
"""Questions that a worker has at the same time; further ones are not asked, and their claims stay unverified."""

MAX_WAITING: Final = 1_000
"""Requests that wait for answers at the same time; further ones are decided at once."""

_ANSWER_SECONDS: Final = 10.0
"""More than any answer takes by its own settings; after it, the other end is taken to be away."""


class Oracle(Protocol):
    """Whoever knows."""

    async def verify(self, kind: str, subject: str, details: list[str]) -> Mapping[str, Any]:
        """The answer to a question of `Verifier.answer`; anything raised means that there is none."""
        ...

    async def burn(self, key: bytes, ttl: float) -> bool:
        """See `store.KeyValue.burn`."""
        ...


@final
class Asker:
    """One a worker, on its loop."""

    def __init__(self, oracle: Oracle, knowledge: Knowledge, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self._oracle: Final = oracle
        self._knowledge: Final = knowledge
        self._clock: Final = clock
        self._open: Final[dict[str, asyncio.Task[None]]] = {}
        self._waiting = 0
        self._waiters: Final[set[asyncio.Task[None]]] = set()
        self.unasked = 0

    def ask(self, questions: Iterable[Question]) -> None:
        """Have these found out; nobody waits."""
        self._begin(questions)

    async def settle(self, questions: Iterable[Question], seconds: float) -> None:
        """Have these found out, and wait for it, at most so long. Raises nothing."""
        tasks = self._begin(questions)
        if not tasks or seconds <= 0 or self._waiting >= MAX_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.wait(tasks, timeout=seconds)
        finally:
            self._waiting -= 1

    def then(self, questions: Sequence[Question], seconds: float, go_on: Callable[[], None]) -> None:
        """Call `go_on` once these are found out, and after so long at the latest; at once when too many wait."""
        if seconds <= 0 or self._waiting >= MAX_WAITING:
            self.ask(questions)
            go_on()
            return
        task = asyncio.get_running_loop().create_task(self._go_on(questions, seconds, go_on))
        self._waiters.add(task)
        task.add_done_callback(self._waiters.discard)

    async def _go_on(self, questions: Sequence[Question], seconds: float, go_on: Callable[[], None]) -> None:
        await self.settle(questions, seconds)
        go_on()

    def close(self) -> None:
        """Give up."""
        for task in self._open.values():
            task.cancel()

    def _begin(self, questions: Iterable[Question]) -> list[asyncio.Task[None]]:
        tasks: list[asyncio.Task[None]] = []
        for question in questions:
            key = question.key
            task = self._open.get(key)
            if task is None:
                if len(self._open) >= MAX_OPEN:
                    self.unasked += 1
                    continue
                task = asyncio.get_running_loop().create_task(self._find_out(question))
                self._open[key] = task
                task.add_done_callback(lambda _, key=key: self._open.pop(key, None))  # type: ignore[misc]
            tasks.append(task)
        return tasks

    async def _find_out(self, question: Question) -> None:
        if question.kind == ONCE:
            first = await _or_none(self._oracle.burn(bytes.fromhex(question.subject), question.seconds))
            self._knowledge.learn_use(question.subject, first)
            return
        answer = await _or_none(self._oracle.verify(question.kind, question.subject, list(question.details)))
        take(self._knowledge, question, answer or {}, self._clock())


def take(knowledge: Knowledge, question: Question, answer: Mapping[str, Any], now: float) -> None:
    """Learn an answer of `Verifier.answer`; {} when there was none."""
    seconds = float(answer.get("seconds", AWAY_SECONDS))
    if question.kind == NAMES:
        knowledge.learn_name(question, answer.get("confirmed"), now, seconds)
    elif question.kind == KEYS:
        said = answer.get("keys")
        if said is not None:
            # Known keys stand when the last attempt failed, so they are learned before that is.
            keys = {thumbprint(x): Ed25519PublicKey.from_public_bytes(_raw(x)) for x in said}
            knowledge.learn_keys(question.subject, keys, now, seconds, float(answer.get("age", 0.0)))
        if said is None or not answer.get("reached"):
            knowledge.learn_keys(question.subject, None, now, seconds)


def _raw(x: str) -> bytes:
    return base64.urlsafe_b64decode(x + "=")


async def _or_none(answer: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await answer
    except Exception:  # whatever it is, nobody could say
        return None
