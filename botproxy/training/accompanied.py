"""Labelled visits with others at their address, so that nothing is learned from who else is there.

In the laboratory each visit has an address of its own; in life programs ask from where people live. So some visits get
company, drawn by visit and never by label: programs once, in bursts or steadily, some of which try passwords; and
others with the very same User-Agent, people as well as programs. Some visits keep no cookies. And some bots come with
another browser's User-Agent each time, which only programs do.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable, Iterator
from typing import Final

from botproxy.training.dataset import Labelled

COMPANY: Final = "company"
"""The family of who is beside a visit: it has a past, and is no sample."""

_NUMBERS: Final = ((0, 45), (1, 20), (2, 10), (3, 8), (5, 6), (9, 6), (14, 5))
"""Programs beside a visit, and how often so many."""

_ALIKE: Final = 0.12
"""Share of visits beside which others have the same User-Agent: two of three times people."""

_NO_COOKIES: Final = 0.08
_ROTATING: Final = 0.12
"""Share of bots' visits."""

_BEFORE: Final = 400.0
_AFTER: Final = 300.0
"""Seconds for which company is there."""

_POOL: Final = 200


def accompanied(requests: Iterable[Labelled], seed: int) -> Iterator[Labelled]:
    """Every request, and those of its company. Company from before a visit comes right before it, with its own time."""
    rng = random.Random(seed)  # noqa: S311 - the same each time is what is wanted
    coming: list[tuple[float, int, Labelled]] = []
    number = 0
    drawn: dict[str, tuple[bool, bool]] = {}
    agents: list[str] = []
    for one in requests:
        while coming and coming[0][0] <= one.time:
            yield heapq.heappop(coming)[2]
        habits = drawn.get(one.session)
        if habits is None:
            habits = drawn[one.session] = rng.random() < _NO_COOKIES, not one.human and rng.random() < _ROTATING
            agent = one.header("user-agent")
            if one.human and agent and len(agents) < _POOL:
                agents.append(agent)
            for other in sorted(_beside(one, agent, rng), key=lambda each: each.time):
                if other.time <= one.time:
                    yield other
                else:
                    number += 1
                    heapq.heappush(coming, (other.time, number, other))
        forgetting, rotating = habits
        since = None if forgetting else one.since
        headers = _as(one.headers, rng.choice(agents)) if rotating and agents else one.headers
        yield one._replace(since=since, headers=headers)


def _beside(one: Labelled, agent: str, rng: random.Random) -> Iterator[Labelled]:
    values, shares = zip(*_NUMBERS, strict=True)
    for program in range(rng.choices(values, shares)[0]):
        yield from _program(one, f"program-{program}/{rng.randrange(99)}", rng)
    if agent and rng.random() < _ALIKE:
        if rng.random() < 2 / 3:
            for other in range(rng.choice((1, 2, 4, 8))):
                yield from _person(one, agent, f"{one.session}~{other}", rng)
        else:
            yield from _program(one, agent, rng)


def _program(one: Labelled, agent: str, rng: random.Random) -> Iterator[Labelled]:
    failing = rng.random() < 0.15
    paths = rng.choice((1, 1, 3, 40))
    status = 401 if failing else rng.choice((200, 200, 200, 404, 304))
    begin, length, gap = rng.choice(
        (
            (rng.uniform(-90, 0), 0.0, 1.0),
            (rng.uniform(-60, 0), rng.uniform(1, 8), rng.uniform(0.05, 0.4)),
            (-rng.uniform(30, _BEFORE), _BEFORE + rng.uniform(0, _AFTER), rng.uniform(1, 60)),
        )
    )
    for count in range(1 + min(150, int(length / gap))):
        yield one._replace(
            human=False, family=COMPANY, session=f"{one.session}~{agent}", step=count,
            time=one.time + begin + count * gap * rng.uniform(0.9, 1.1), method="POST" if failing else "GET",
            target="/login" if failing else f"/p{rng.randrange(paths)}", headers=(("User-Agent", agent),), body=0,
            kind="other", status=status, content_type=rng.choice(("text/html", "application/json")), since=None,
        )  # fmt: skip


def _person(one: Labelled, agent: str, session: str, rng: random.Random) -> Iterator[Labelled]:
    begin = one.time - rng.uniform(0, _BEFORE)
    for page in range(rng.randint(1, 5)):
        begin += page * rng.lognormvariate(2.5, 0.7)
        came_from = (("Referer", f"https://{one.host}/p{page - 1}"),) if page else ()
        for part in range(rng.randint(1, 8)):
            yield one._replace(
                human=False, family=COMPANY, session=session, step=part, time=begin + part * 0.05, method="GET",
                target=f"/p{page}/{part}.png" if part else f"/p{page}", body=0, kind="part" if part else "page",
                headers=(("User-Agent", agent), *came_from), status=200,
                content_type="image/png" if part else "text/html", since=1.0 if page or part else None,
            )  # fmt: skip


def _as(headers: tuple[tuple[str, str], ...], agent: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, agent if name.lower() == "user-agent" else value) for name, value in headers)
