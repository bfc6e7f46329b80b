"""The same visits on another kind of site: one whose pictures lie elsewhere, one that is broken, one that refuses.

The laboratory's site serves everything itself and everything is there. Many sites have styles, scripts and pictures on
another host, or send nothing but pages; many have pictures that are gone, and interfaces that answer 401 until somebody
signs in. There people load no parts, or half of what they ask for fails, and a model that never saw that calls them
programs. Which kind it was is drawn by visit and never by label. And people load a page again, some of them often: that
is theirs alone, because a program that does so is in the recordings.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from botproxy.training.dataset import Labelled

_PARTS: Final = frozenset(("image", "style", "script", "font", "manifest", "audio", "video", "track"))


class Site(NamedTuple):
    """A kind of site."""

    name: str
    share: float
    """Of visits."""
    answer: Callable[[Labelled, random.Random], Labelled | None]
    """The request with the site's own answer, or None for one that goes elsewhere; drawn the same for each target."""


def _is_part(one: Labelled) -> bool:
    return one.kind == "part" or one.header("sec-fetch-dest") in _PARTS


def _assets_elsewhere(one: Labelled, drawn: random.Random) -> Labelled | None:
    return None if _is_part(one) else one


def _pages_alone(one: Labelled, drawn: random.Random) -> Labelled | None:
    return one if one.kind == "page" or not (_is_part(one) or one.header("sec-fetch-dest") == "empty") else None


def _broken(one: Labelled, drawn: random.Random) -> Labelled | None:
    if _is_part(one) and drawn.random() < 0.4:
        return one._replace(status=404, content_type="text/html")
    return one


def _refusing(one: Labelled, drawn: random.Random) -> Labelled | None:
    if one.header("sec-fetch-dest") == "empty" and one.kind != "page" and drawn.random() < 0.7:
        return one._replace(status=drawn.choice((401, 403)))
    return one


SITES: Final = (
    Site("assets elsewhere", 0.15, _assets_elsewhere),
    Site("pages alone", 0.15, _pages_alone),
    Site("broken", 0.1, _broken),
    Site("refusing", 0.1, _refusing),
)
"""The rest of the visits stay as they are."""

RELOADING: Final = 0.15
"""Share of people's visits in which a page is loaded again and again."""


def elsewhere(requests: Iterable[Labelled], seed: int, sites: tuple[Site, ...] = SITES) -> Iterator[Labelled]:
    """Every visit, some of them on another kind of site."""
    for one in requests:
        drawn = random.Random(f"{seed} site {one.session}").random()  # noqa: S311 - the same each time is what is wanted
        for site in sites:
            drawn -= site.share
            if drawn < 0:
                target = random.Random(f"{seed} {one.session} {one.target}")  # noqa: S311 - likewise
                made = site.answer(one, target)
                if made is not None:
                    yield made
                break
        else:
            yield one


BUSY: Final = 0.06
"""Share of visits to a site whose pages ask for a lot by script: what is typed, what is shown on a map, in pieces."""


def again_and_again(requests: Iterable[Labelled], seed: int) -> Iterator[Labelled]:
    """Every visit; some to sites that ask for a lot by script, and some of people load a page again and again.

    In the order of time, as everything; what is to come waits, a few hundred for each visit that is under way.
    """
    waiting: list[tuple[float, int, Labelled]] = []
    reloaded: set[str] = set()
    number = count()
    for one in requests:
        while waiting and waiting[0][0] <= one.time:
            yield heappop(waiting)[2]
        yield one
        more: Iterable[Labelled] = ()
        if one.since is None or one.method == "OPTIONS":
            continue
        drawn = random.Random(f"{seed} {one.session}")  # noqa: S311 - the same each time is what is wanted
        busy, reloads = drawn.random() < BUSY, drawn.random() < RELOADING
        if one.kind != "page" and one.header("sec-fetch-dest") == "empty" and busy:
            more = _by_script(one, random.Random(f"{seed} {one.session} {one.step}"))  # noqa: S311 - likewise
        elif reloads and one.human and one.kind == "page" and one.status == 200 and one.session not in reloaded:
            reloaded.add(one.session)
            more = _loaded_again(one, drawn)
        for each in more:
            heappush(waiting, (each.time, next(number), each))
    while waiting:
        yield heappop(waiting)[2]


def _by_script(one: Labelled, drawn: random.Random) -> Iterator[Labelled]:
    gap = drawn.choice((0.03, 0.12, 0.3, 1.0, 5.0))
    path = one.target.partition("?")[0]
    for number in range(drawn.randint(4, 15)):
        later = gap * (number + 1) * drawn.uniform(0.9, 1.1)
        target = path if gap == 5.0 else f"{path}?{number}"
        yield one._replace(time=one.time + later, since=(one.since or 0.0) + later, target=target)


def _loaded_again(one: Labelled, drawn: random.Random) -> Iterator[Labelled]:
    lower = all(name == name.lower() for name, _ in one.headers)
    known = {name.lower() for name, _ in one.headers}
    headers = list(one.headers)
    if "cache-control" not in known:
        headers.insert(1, ("cache-control" if lower else "Cache-Control", "max-age=0"))
    asks = "if-none-match" in known
    if not asks and drawn.random() < 0.5:
        asks = True
        headers.append(("if-none-match" if lower else "If-None-Match", '"1"'))
    later = 0.0
    for _ in range(drawn.randint(3, 10)):
        later += drawn.choice((0.7, 1.5, 3.0, 8.0)) * drawn.uniform(0.7, 1.4)
        status = 304 if asks and drawn.random() < 0.5 else 200
        yield one._replace(
            time=one.time + later, since=(one.since or 0.0) + later, status=status, headers=tuple(headers)
        )
