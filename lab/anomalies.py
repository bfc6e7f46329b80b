"""What anomaly detection finds, and whom it disturbs, in simulated time: `python -m lab.anomalies [--runs 12]`.

A week of people's visits is learned first. Each row of the table is then run so many times beside other people's
visits, from another beginning, and written into docs/detection.md between its marks.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from lab import plans
from lab.crowds import JA4, PROGRAM, Happening, People, attack, in_order
from lab.simulated import Judged, Settings, Simulation

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "detection.md"
MARKS: Final = ("<!-- anomalies: begin -->", "<!-- anomalies: end -->")
MONDAY: Final = 1_789_948_800.0
LEARNED_DAYS: Final = 8
DAILY: Final = 2_000.0
"""Visits of people on an ordinary day."""

MINUTES = 6
"""That an attack lasts, and that it is watched."""

SETTINGS = Settings(enabled=True)
PROGRAM_JA4: Final = "t13d191000_9dc949149365_e7c285222651"
HOSTING: Final = 64_900


POISONED: Final = "the crawl over 200 addresses, after a week in which 50 of that hoster fetched ever more pages"


class Scene(NamedTuple):
    """What happens besides the usual visits."""

    name: str
    make: Callable[[People, random.Random, float], list[list[Happening]]]
    wanted: bool  # whether it is to be found
    daily: float = DAILY * 6


def _forever(make: Callable[[random.Random], plans.Steps], rng: random.Random) -> Iterator[plans.Step]:
    while True:
        yield from make(rng)


def _gaps(rng: random.Random, mean: float) -> Iterator[float]:
    while True:
        yield rng.expovariate(1 / mean)


def _for_minutes(rng: random.Random, mean: float, minutes: float = 0.0) -> Iterator[float]:
    left = (minutes or MINUTES) * 60.0
    for gap in _gaps(rng, mean):
        left -= gap
        if left < 0:
            return
        yield gap


def _program(
    behaviour: Callable[[random.Random], plans.Steps],
    mean: float,
    callers: Callable[[People, random.Random], Sequence[tuple[str, int]]],
    *,
    ja4: str = PROGRAM_JA4,
    copied: bool = False,
    cookies: bool = False,
) -> Callable[[People, random.Random, float], list[list[Happening]]]:
    def make(people: People, rng: random.Random, begin: float) -> list[list[Happening]]:
        steps = _forever(behaviour, rng)
        gaps = _for_minutes(rng, mean)
        headers = people.copied if copied else PROGRAM
        done = attack(
            "attack", steps, gaps, begin, callers(people, rng), rng, ja4=ja4, headers=headers, cookies=cookies
        )
        return [done]

    return make


def _one(_: People, rng: random.Random) -> list[tuple[str, int]]:
    return [(f"172.16.{rng.randrange(256)}.7", HOSTING)]


def _hosted(number: int) -> Callable[[People, random.Random], list[tuple[str, int]]]:
    def callers(_: People, rng: random.Random) -> list[tuple[str, int]]:
        return [(f"172.20.{rng.randrange(256)}.{rng.randrange(256)}", HOSTING) for _ in range(number)]

    return callers


def _homes(number: int) -> Callable[[People, random.Random], list[tuple[str, int]]]:
    def callers(people: People, rng: random.Random) -> list[tuple[str, int]]:
        asns = [64_500 + rng.randrange(40) for _ in range(number)]
        return [(people.address(asn, False), asn) for asn in asns]

    return callers


def _among_people(number: int) -> Callable[[People, random.Random], list[tuple[str, int]]]:
    def callers(people: People, rng: random.Random) -> list[tuple[str, int]]:
        return [(people.address(64_500, False), 64_500) for _ in range(number)]

    return callers


def _login_form(rng: random.Random) -> plans.Steps:
    """As a program that asks for the form before each try."""
    for step in plans.stuffing(rng):
        if step.method == "POST":
            yield plans.Step(0, "GET", "/login")
            yield step


def _pages(rng: random.Random) -> plans.Steps:
    return (step for step in plans.crawl(rng) if step.path not in ("/robots.txt",))


def _office(people: People, rng: random.Random, begin: float) -> list[list[Happening]]:
    """300 people behind one address, within an hour."""
    return sorted(
        (people.visit(begin + rng.uniform(0, 3600), address="10.9.9.9", asn=64_777) for _ in range(300)),
        key=lambda visit: visit[0].time,
    )


def _rush(visits: int, seconds: float, path: bytes) -> Callable[[People, random.Random, float], list[list[Happening]]]:
    def make(people: People, rng: random.Random, begin: float) -> list[list[Happening]]:
        times = sorted(begin + rng.expovariate(3 / seconds) for _ in range(visits))
        return [people.visit(when, path=path) for when in times]

    return make


def _monitors(_: People, rng: random.Random, begin: float) -> list[list[Happening]]:
    """Three that look at one page every ten seconds, and one that looks at five every minute."""
    made: list[list[Happening]] = []
    for number in range(3):
        looks = itertools.repeat(plans.Step(0, "GET", "/"), 6 * 60)
        callers = [(f"172.30.{number}.1", HOSTING + 1)]
        made.append(
            attack(f"monitor{number}", looks, itertools.repeat(10.0), begin + number, callers, rng, ja4=PROGRAM_JA4)
        )
    paths = itertools.cycle(("/", "/shop", "/journal", "/about", "/login"))
    steps = (plans.Step(0, "GET", path) for path in itertools.islice(paths, 300))
    made.append(
        attack(
            "monitor3", steps, itertools.repeat(12.0), begin + 3, [("172.30.9.1", HOSTING + 1)], rng, ja4=PROGRAM_JA4
        )
    )
    return made


def _nothing(_: People, __: random.Random, ___: float) -> list[list[Happening]]:
    return []


NEWSLETTER: Final = _rush(2_000, 600.0, b"/shop/lantern-1")
FRONT_PAGE: Final = _rush(1_500, 240.0, b"/journal/storm-0")
_SLOW: Final = (NEWSLETTER, FRONT_PAGE, _office)

SCENES: Final = (
    Scene("a crawl from one address, a page a second", _program(_pages, 1.0, _one), True),
    Scene(
        "a crawl over 200 addresses of a hoster, 5 pages a second together",
        _program(_pages, 0.2, _hosted(200)),
        True,
    ),
    Scene(
        "the same over 200 homes of the ASN that most people have, with TLS and headers of a browser",
        _program(_pages, 0.2, _among_people(200), ja4=JA4["chromium"], copied=True),
        True,
    ),
    Scene(
        "scraping with a browser's TLS and headers over 1,000 homes in 40 ASNs, 5 pages a second",
        _program(_pages, 0.2, _homes(1000), ja4=JA4["chromium"], copied=True),
        True,
    ),
    Scene("passwords from one address, one a second", _program(plans.stuffing, 1.0, _one), True),
    Scene(
        "passwords over 500 addresses of a hoster, 4 requests a second",
        _program(plans.stuffing, 0.25, _hosted(500)),
        True,
    ),
    Scene(
        "passwords over 500 homes, with TLS and headers of a browser, 4 requests a second",
        _program(plans.stuffing, 0.25, _homes(500), ja4=JA4["chromium"], copied=True),
        True,
    ),
    Scene(
        "the same, asking for the form and keeping the session",
        _program(_login_form, 0.25, _homes(500), ja4=JA4["chromium"], copied=True, cookies=True),
        True,
    ),
    Scene(POISONED, _program(_pages, 0.2, _hosted(200)), True),
    Scene("an office: 300 people behind one address within an hour", _office, False),
    Scene("a newsletter: 2,000 visits, most within ten minutes", NEWSLETTER, False),
    Scene("a front page: 1,500 visits, most within four minutes", FRONT_PAGE, False),
    Scene("monitoring: three programs every ten seconds, one of five pages", _monitors, False),
    Scene("nothing but people", _nothing, False),
)
"""In the order of the table."""


class Result(NamedTuple):
    """What came of one run."""

    named: float | None  # seconds until something was found
    convicted: tuple[int, int]  # requests of the attack from the second minute on that were convicted, of how many
    people: tuple[int, int]  # visits of people that had a request convicted, of how many


def run(scene: Scene, baseline: Any, seed: int, days: int = LEARNED_DAYS) -> Result:
    """One run of a scene, by day on a weekday, so many days after learning began."""
    rng = random.Random(seed)
    people = People(rng)
    begin = MONDAY + (days + rng.choice((7, 8, 9, 10)) - days % 7) * 86_400.0 + rng.uniform(9, 21) * 3600.0
    simulation = Simulation(SETTINGS, baseline)
    others = list(people.days(begin - 600.0, begin + (MINUTES + 2) * 60.0, scene.daily))
    made = scene.make(people, rng, begin)
    visits = sorted([visit for visit in (*others, *made) if visit], key=lambda visit: visit[0].time)
    judged = simulation.run(in_order(visits))
    return _told(judged, begin, simulation.first_found)


def _told(judged: Sequence[Judged], begin: float, named: float | None) -> Result:
    people: set[str] = set()
    touched: set[str] = set()
    after = convicted = 0
    for one in judged:
        happening = one.happening
        if happening.human:
            people.add(happening.who)
            if one.score < 30:
                touched.add(happening.who)
        elif happening.time >= begin + 60.0:
            after += 1
            convicted += one.score < 30
    return Result(None if named is None else named - begin, (convicted, after), (len(touched), len(people)))


def learned(days: int = LEARNED_DAYS, daily: float = DAILY, settings: Settings | None = None) -> Any:
    """What is kept of so many ordinary days."""
    simulation = Simulation(settings or Settings(enabled=True))
    people = People(random.Random(1))
    simulation.learn(in_order(people.days(MONDAY, MONDAY + days * 86_400.0, daily)))
    return simulation.site.baseline.to_json()


def poisoned(baseline: Any) -> Any:
    """The same after a week in which 50 addresses of a hoster fetch ever more pages, as many as pass unnoticed."""
    rng = random.Random(2)
    simulation = Simulation(Settings(enabled=True), baseline)
    people = People(rng)
    begin = MONDAY + LEARNED_DAYS * 86_400.0
    callers = [(f"172.21.{number}.5", HOSTING) for number in range(50)]
    for day in range(7):
        start = begin + day * 86_400.0
        pages = itertools.cycle(plans.PAGES)
        steps = (plans.Step(0, "GET", f"{path}?p={day}") for path in pages)
        gaps = _for_minutes(rng, 60.0 / (22.0 * 1.1**day), 1440.0)
        crawl = [[one] for one in attack(f"poison{day}", steps, gaps, start, callers, rng, ja4=PROGRAM_JA4)]
        visits = heapq.merge(people.days(start, start + 86_400.0, DAILY), crawl, key=lambda visit: visit[0].time)
        simulation.learn(in_order(visits))
    return simulation.site.baseline.to_json()


def _row(scene: Scene, results: Sequence[Result]) -> str:
    runs = len(results)
    in_time = sum(result.named is not None and result.named <= 60.0 for result in results)
    found = sum(result.named is not None for result in results)
    convicted = sum(result.convicted[0] for result in results)
    requests = sum(result.convicted[1] for result in results)
    touched = sum(result.people[0] for result in results)
    people = sum(result.people[1] for result in results)
    named = sorted(result.named for result in results if result.named is not None)
    cells = [scene.name]
    if scene.wanted:
        cells += [f"{in_time} of {runs} ({interval(in_time, runs)})", f"{median(named):.0f} s" if named else "-"]
        cells += [f"{percent(convicted, requests)} of {requests:,} ({interval(convicted, requests)})"]
    else:
        cells += [f"{found} of {runs} ({interval(found, runs)}), none wanted", "", ""]
    cells += [f"{touched} of {people:,} ({interval(touched, people)})"]
    return "| " + " | ".join(cells) + " |"


def percent(some: int, every: int) -> str:
    """A share; small ones with two digits."""
    share = 100.0 * some / every if every else 0.0
    return f"{share:.2f} %" if 0 < share < 1 else f"{share:.1f} %"


def interval(some: int, every: int) -> str:
    """Wilson's interval of a share, 95 %."""
    if not every:
        return "-"
    z = 1.959964
    share = some / every
    middle = share + z * z / (2 * every)
    spread = z * sqrt(share * (1 - share) / every + z * z / (4 * every * every))
    low = max(0.0, (middle - spread) / (1 + z * z / every))
    high = min(1.0, (middle + spread) / (1 + z * z / every))
    return f"{100 * low:.2f} to {100 * high:.2f} %" if high < 0.02 else f"{100 * low:.0f} to {100 * high:.0f} %"


def table(runs: int) -> str:
    """All scenes, as Markdown."""
    before = learned()
    after = poisoned(before)
    lines = [
        "| beside people's visits | found within a minute (95 %) | median | its requests after that minute that were "
        "convicted | people's visits that were touched |",
        "|---|---|---|---|---|",
    ]
    everything: list[Result] = []
    for number, scene in enumerate(SCENES):
        slow = scene.make in _SLOW
        results = []
        for seed in range(max(1, runs // 4) if slow else runs):
            if scene.name == POISONED:
                results.append(run(scene, after, 1000 * number + seed, LEARNED_DAYS + 7))
            else:
                results.append(run(scene, before, 1000 * number + seed))
        everything += results
        lines.append(_row(scene, results))
        print(lines[-1], flush=True)
    touched = sum(result.people[0] for result in everything)
    people = sum(result.people[1] for result in everything)
    lines.append(f"| all of these | | | | {touched} of {people:,} ({interval(touched, people)}) |")
    return "\n".join(lines)


def main() -> None:
    """Write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12, help="of each row; a quarter of it of the crowded ones")
    parser.add_argument("--print", action="store_true", help="print the table, and leave the page alone")
    asked = parser.parse_args()
    made = table(asked.runs)
    if asked.print:
        return
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    PAGE.write_text(f"{before}{MARKS[0]}\n{made}\n{MARKS[1]}{after}", "utf-8")


if __name__ == "__main__":
    main()
