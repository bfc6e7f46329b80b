"""`python -m benchmarks.analytics [--events N] [--days N]`: what the event store costs, and how fast it answers.

Fills a store with varied events, then asks every question of a dashboard page, without a filter and with one that only
the events themselves can answer, while a thousand events a second arrive.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from botproxy.admin import queries
from botproxy.model import Event
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import All, Condition, Events, Groups, Retention, Span

KEEP = Retention(400 * 86400.0, 400 * 86400.0, 0)
DAY = 86400.0
ROUNDS = 5


def made(number: int) -> list[Event]:
    """Events whose values are spread as those of a site are: few addresses, paths and agents make most of it."""
    chance = random.Random(1)

    def ranked(most: int) -> int:
        return min(most, int(chance.paretovariate(0.9))) - 1

    blank: dict[str, Any] = {
        name: () if get_origin(kind) is tuple else kind() for name, kind in get_type_hints(Event).items()
    }
    events = []
    for _ in range(number):
        score = chance.choice((1, 1, 1, 5, 12, 29, 50, 80, 90, 95, 99, 99, chance.randrange(1, 100)))
        blocked = score < 5 and chance.random() < 0.5
        group = "automated" if score == 1 else "likely_automated" if score < 30 else "likely_human"
        address = ranked(100_000)
        changes = {
            "ray": f"{chance.getrandbits(64):016x}",
            "zone": "shop" if chance.random() < 0.7 else "blog",
            "mode": "enforce",
            "client_ip": f"10.{address >> 16}.{address >> 8 & 255}.{address & 255}",
            "client_country": ("DE", "US", "FR", "GB", "NL", "CN")[ranked(6)],
            "client_asn": 64500 + ranked(3000),
            "method": "GET",
            "scheme": "https",
            "host": "shop.example",
            "path": f"/p/{ranked(20_000)}",
            "protocol": "HTTP/2",
            "user_agent": f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{90 + ranked(40)}.0.{ranked(300)} Safari/537.36",
            "ja4": f"t13d1516h2_8daaf6152771_{ranked(200):012x}",
            "status": 403 if blocked else 200,
            "response_bytes": chance.randrange(50_000),
            "content_type": "text/html; charset=utf-8",
            "score": score,
            "score_source": "Heuristics" if score == 1 else "Machine Learning",
            "score_group": group,
            "detection_ids": (100,) if score == 1 else (),
            "js_detection": "missing",
            "actions": ("block",) if blocked else (),
            "rule_ids": ("r1",) if blocked else (),
            "sources": ("firewallCustom",) if blocked else (),
            "action": "block" if blocked else "unknown",
            "ending": "finished",
        }
        events.append(Event(**{**blank, **changes}))
    return events


def fill(store: DuckdbStore, events: list[Event], number: int, seconds: float) -> float:
    """Store so many events over the last so many seconds; processor time for each, in microseconds."""
    begin, step = time.time() - seconds, seconds / number
    own = 0.0
    start = time.process_time()
    for done in range(0, number, 5_000):
        before = time.thread_time()
        shift = done % len(events)
        part = [tuple(event) for event in (events[shift:] + events[:shift])[: min(5_000, number - done)]]
        rows = [
            (row[0], begin + (done + at) * step, begin + (done + at) * step + 0.02, *row[3:])
            for at, row in enumerate(part)
        ]
        own += time.thread_time() - before
        store.put(rows)
        while store.status().waiting > 20_000:  # nothing may be dropped
            time.sleep(0.005)
    asyncio.run(store.flush())
    if store.status().stored != number:
        raise RuntimeError(f"not everything was stored: {store.status()}")
    return (time.process_time() - start - own) / number * 1e6


def page(view: queries.View) -> dict[str, Groups | Events]:
    """Every question of a dashboard page."""
    asked: dict[str, Groups | Events] = {
        "series": queries.series(view, "score_group"),
        "distribution": queries.distribution(view),
        "sources": queries.sources(view),
        "totals": queries.totals(view),
        "rules": queries.rules(view),
        "log": queries.log(view, 100, None),
    }
    for field in ("client_ip", "client_asn", "client_country", "path", "host", "user_agent", "ja4"):
        asked[f"top {field}"] = queries.top(view, field, 15)
    return asked


async def measure(store: DuckdbStore, events: list[Event], days: float) -> None:
    """Print how long every question takes while events arrive."""
    ending = False

    async def arrive() -> None:
        while not ending:
            now = time.time()
            store.put([(event.ray, now, now + 0.02, *event[3:]) for event in random.sample(events, 250)])
            await asyncio.sleep(0.25)

    arriving = asyncio.create_task(arrive())
    span = Span(int((time.time() - days * DAY) * 1e6), int(time.time() * 1e6))
    narrow = All((Condition("score", "leq", 29), Condition("path", "like", "/p/1%")))
    for title, part in (("page", All(())), ("page with an arbitrary filter", narrow)):
        wholes = []
        took: dict[str, list[float]] = {}
        source: dict[str, str] = {}
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            for name, query in page(queries.View(span, None, part)).items():
                before = time.perf_counter()
                source[name] = (await store.ask(query, 60.0)).source
                took.setdefault(name, []).append(time.perf_counter() - before)
            wholes.append(time.perf_counter() - begun)
        print(f"\n{title}: {statistics.median(wholes):.2f} s in all, at most {max(wholes):.2f} s")
        for name, times in took.items():
            print(f"  {name:20} {statistics.median(times) * 1000:7.0f} ms  from {source[name]}")
    ending = True
    await arriving


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=float, default=7.0)
    chosen = parser.parse_args()
    events = made(50_000)
    with tempfile.TemporaryDirectory() as directory:
        store = DuckdbStore(Path(directory) / "events.duckdb", KEEP)
        store.started()
        cost = fill(store, events, chosen.events, chosen.days * DAY)
        store.close(600)
        store = DuckdbStore(Path(directory) / "events.duckdb", KEEP)
        store.started()
        time.sleep(5)  # what a start has to count is counted
        print(f"{chosen.events} events over {chosen.days:g} days: {cost:.1f} µs of processor each to store them")
        print(f"{store.status().size / chosen.events:.0f} bytes each")
        asyncio.run(measure(store, events, chosen.days))
        store.close(60)


if __name__ == "__main__":
    main()
