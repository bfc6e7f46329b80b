"""Whether people's scores move by what must not matter: who else asks from their address, and which way they come.

`python -m lab.neighbours --hold CLIENT … [--drawn 300]` takes visits of people, recorded ones that the model was not
fitted on and drawn ones, puts others beside them at the same address (`lab.company`), sends them every way there is,
and counts. Each visit is taken in three of the ways in turn with each kind of company. Visits that are judged several
times are one visit: intervals are of visits, as many as there are, and the worst of a visit counts. A last table has
what must not be lost by it: crawls from one address that come with the headers of another browser each time.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring.ml import NAMES, Model, decode
from botproxy.training import in_front
from botproxy.training.dataset import Labelled, read
from botproxy.training.evaluation import says, scores
from botproxy.training.measuring import Share, below
from botproxy.training.replaying import TEXT_BROWSERS, replay
from botproxy.training.samples import table
from botproxy.training.terminated import directly, plainly, through_proxy, untold
from lab.company import KINDS, Beside, Visit
from lab.targets import DATA, MODEL

Way = Callable[[Labelled], Labelled]


def as_it_came(one: Labelled) -> Labelled:
    """Over TLS, with HTTP/2 where the browser speaks it."""
    return one


WAYS: Final[tuple[tuple[str, Way], ...]] = (
    ("TLS, HTTP/2 where it was", as_it_came),
    ("TLS, HTTP/1.1", directly),
    ("plain http", plainly),
    ("TLS ended in front, bytes passed on", untold),
    ("nginx that says nothing of itself", through_proxy),
    ("nginx, HTTP/1.0", in_front.through_nginx),
    ("nginx, kept connections", in_front.through_nginx_kept),
    ("HAProxy", in_front.through_haproxy),
    ("AWS ALB", in_front.through_alb),
    ("Cloudflare", in_front.through_cdn),
)
IN_TURN: Final = 3
"""Ways in which each visit is taken with each kind of company."""

CRAWLED: Final = 60
_SOON: Final = 20
"""Requests of a crawl with the headers of others, and how many of them it may take to find it."""

_CRAWL: Final = next(each.make for each in KINDS if each.make.__name__ == "rotating")

_APART: Final = 2_000.0
"""Seconds between the beginnings of visits, at other addresses: not all of them wait in memory at once."""


class Asked(NamedTuple):
    """One request of a person, beside somebody and some way."""

    visit: str
    beside: str
    way: str
    step: int
    score: float


def judged(
    model: Model, visits: Sequence[Visit], turns: int = IN_TURN, kinds: Sequence[Beside] = KINDS, seed: int = 1
) -> Iterator[Asked]:
    """Every request of these people with its score; heuristics have score 1."""
    say = says(model)
    for beside in kinds:
        rng = random.Random(seed)
        laid: list[Labelled] = []
        ways: dict[str, str] = {}
        for place, visit in enumerate(visits):
            for turn in range(turns):
                way, change = WAYS[(place + turn * 3) % len(WAYS)]
                session = f"{visit[0].session}/{turn}"
                ways[session] = way
                begin = 1_000.0 + len(ways) * _APART
                laid += _laid(visit, session, beside, visits, rng, change, begin, len(ways))
        laid.sort(key=lambda one: one.time)
        samples = list(replay(laid))
        rows = table(samples)
        given = np.where(rows.heuristics, 1, scores(say(rows.vectors)))
        for sample, score in zip(samples, given.tolist(), strict=True):
            yield Asked(sample.session.partition("/")[0], beside.name, ways[sample.session], sample.step, score)


def _laid(
    visit: Visit, session: str, beside: Beside, others: Sequence[Visit], rng: random.Random, change: Way,
    begin: float, number: int,
) -> Iterator[Labelled]:  # fmt: skip
    """One visit and its company, at an address and in a network of their own."""
    address = f"10.{number >> 8 & 255}.{number & 255}.7"
    first = visit[0].time
    mine = [one._replace(session=session, time=one.time - first) for one in visit]
    for one in (*mine, *beside.make(mine, others, rng)):
        yield change(one._replace(address=address, time=begin + one.time))


def recorded(hold: Sequence[str]) -> list[Visit]:
    """People's visits with graphical browsers that were recorded; of the clients named, or of all."""
    visits: dict[str, list[Labelled]] = defaultdict(list)
    for one in read(DATA):
        if one.human and not one.generated and one.family not in TEXT_BROWSERS and (not hold or one.client in hold):
            visits[one.session].append(one)
    return list(visits.values())


def drawn(number: int, seed: int) -> list[Visit]:
    """People drawn anew from the public model of devices."""
    from lab.traffic import generated

    return [visit[:6] for visit in generated(number, seed)]


def rotating(model: Model, visits: Sequence[Visit], number: int) -> Iterator[tuple[str, Share, Share]]:
    """Of each way: crawls that had a score below 30 by their 20th request, and requests from the 20th on."""
    say = says(model)
    rng = random.Random(1)
    for way, change in WAYS:
        laid: list[Labelled] = []
        for place in range(number):
            visit = rng.choice(visits)
            begin = 1_000.0 + place * _APART - visit[0].time
            for step, one in enumerate(_CRAWL(visit, visits, rng)[:CRAWLED]):
                moved = one._replace(family="rotating", session=f"r{place}", step=step, address=f"10.1.{place & 255}.7")
                laid.append(change(moved._replace(time=begin + one.time)))
        laid.sort(key=lambda one: one.time)
        rows = table(replay(laid))
        given = np.where(rows.heuristics, 1, scores(say(rows.vectors)))
        found = set(rows.sessions[(given < 30) & (rows.steps < _SOON)].tolist())
        yield way, Share(len(found), number), below(given[rows.steps >= _SOON])


def lines(asked: Iterable[Asked], groups: str) -> Iterator[tuple[str, ...]]:
    """By kind of company or by way: visits, shares below 30 of first requests, of requests, of visits; and how far."""
    every = list(asked)
    alone = _alone(every)
    found: dict[str, list[Asked]] = defaultdict(list)
    for one in every:
        found[getattr(one, groups)].append(one)
    for name, mine in found.items():
        moved = [one.score - alone[one.visit, one.way, one.step] for one in mine]
        low = {one.visit for one in mine if one.score < 30}
        visits = {one.visit for one in mine}
        first = [one for one in mine if one.step == 0]
        low_first = {one.visit for one in first if one.score < 30}
        requests = Share(sum(one.score < 30 for one in mine), len(mine))
        yield (
            name, str(Share(len(low_first), len(visits))), str(Share(len(low), len(visits))), str(requests),
            f"{np.median([one.score for one in first]):.0f}", f"{min(one.score for one in first):.0f}",
            _moved(moved),
        )  # fmt: skip


def _alone(every: Sequence[Asked]) -> dict[tuple[str, str, int], float]:
    return {(one.visit, one.way, one.step): one.score for one in every if one.beside == KINDS[0].name}


def _moved(by: Sequence[float]) -> str:
    fall, middle = np.quantile(by, (0.01, 0.5)).tolist()
    return f"{middle:+.0f}, {fall:+.0f}"


HEAD: Final = (
    "visits whose first request is below 30 | visits with any below 30 | requests below 30 | median of first scores"
    " | lowest | score moved: median, lowest 1 % |\n|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hold", action="append", default=[], help="clients of people; without any, all of them")
    parser.add_argument("--drawn", type=int, default=0, help="people to draw; needs apify_fingerprint_datapoints")
    parser.add_argument("--turns", type=int, default=IN_TURN, help="ways in which each visit is taken")
    parser.add_argument("--model", default=str(MODEL))
    asked = parser.parse_args()
    model = decode(Path(asked.model).read_bytes(), NAMES)
    groups = [("recorded visits of real browsers", recorded(asked.hold))]
    if asked.drawn:
        groups.append(("drawn header sets", drawn(asked.drawn, 20_270)))
    for what, visits in groups:
        found = list(judged(model, visits, asked.turns))
        alone = [one for one in found if one.beside == KINDS[0].name]
        for some, by, title in (
            (found, "beside", "who else asks from the address"),
            (alone, "way", "which way they come"),
        ):
            print(f"\n| {what}: {title} | {HEAD}")
            for line in lines(some, by):
                print(f"| {' | '.join(line)} |")
    print(
        "\n| crawls with the headers of another browser each time | found by the 20th request | later ones below 30 |"
    )
    print("|---|---|---|")
    for way, crawls, later in rotating(model, groups[-1][1], 100):
        print(f"| {way} | {crawls} | {later} |")


if __name__ == "__main__":
    main()
