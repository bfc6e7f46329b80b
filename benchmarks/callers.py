"""What it costs to know what callers did lately, in microseconds of processor time.

Run as `python benchmarks/callers.py`. Budget: 15 µs a request, for reading before and counting after.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from botproxy.model import Client, Event, Facts, Headers, Request, Tls
from botproxy.scoring.anomaly import AnomalyDetection, Found, Learner, Outliers, Settings
from botproxy.traffic import Profiles, Seen

NOW = 1_700_000_000.0
ROUNDS = 7


def visit(number: int, different: bool) -> tuple[Request, Client, str, Seen]:
    """A request of a browser; of somebody else in everything each time, or one of a thousand visitors."""
    who = number if different else number % 1000
    address = ip_address(0x0A000000 + who)
    client = Client(address, str(address), 1, str(address), Tls("TLSv1.3", "x", ja4=f"t13d{who if different else 0}"))
    agent = b"Mozilla/5.0 (X11; Linux x86_64) Chrome/%d.0" % (who if different else who % 20)
    pairs = ((b"Host", b"a"), (b"User-Agent", agent), (b"Accept", b"*/*"), (b"Referer", b"https://a/p/1"))
    page = number % 4 == 0
    path = b"/%d%s" % (who if different else who % 97, b"" if page else b".js")
    request = Request("0" * 16, NOW, b"GET", path, path, None, "HTTP/2", True, b"a", "a", Headers(pairs), 0)
    kind = b"text/html; charset=utf-8" if page else b"text/javascript"
    return request, client, f"session {who}", Seen(NOW + number / 1000, 200, kind, not page, 50, False)


def least(what: Callable[[], int]) -> float:
    """Microseconds for one of those that `what` says it did, in the best of some rounds."""
    best = 1e9
    for _ in range(ROUNDS):
        begun = time.process_time()
        number = what()
        best = min(best, (time.process_time() - begun) / number * 1e6)
    return best


def learning(visits: list[tuple[Request, Client, str, Seen]]) -> Callable[[], int]:
    """What the supervisor does with the events of these visits."""
    learner = Learner()
    learner.configure({"shop": Settings(enabled=True)}, {})
    at = {name: number for number, name in enumerate(Event._fields)}
    rows: list[list[Any]] = []
    for request, client, session, seen in visits:
        row: list[Any] = [""] * len(Event._fields)
        said = {
            "zone": "shop", "end": seen.when, "client_ip": client.text, "client_asn": 64500, "method": "GET",
            "ja4": client.tls.ja4 if client.tls is not None else "", "host": "a", "path": request.path.decode(),
            "status": 200, "content_type": seen.content_type.decode(), "static_resource": seen.static,
            "session": session, "score": 50, "score_source": "Not Computed", "action": "unknown",
            "header_fingerprint": "h2-04-00-a-b",
        }  # fmt: skip
        for name, value in said.items():
            row[at[name]] = value
        rows.append(row)

    def learn() -> int:
        learner.take(rows)
        for row in rows:
            row[at["end"]] += 10.0
        return len(rows)

    return learn


def looking_up(kept: Profiles, visits: list[tuple[Request, Client, str, Seen]]) -> list[tuple[str, float]]:
    """What the engine of a worker costs a request: with nothing found, with others found, and of a found group."""
    outliers = Outliers()
    engine = AnomalyDetection(outliers.of("shop"))
    asked = [
        Facts(
            request,
            client,
            "shop",
            seen.static,
            None,
            None,
            {},
            profile=kept.read(kept.keys(request, client, session), NOW),
        )
        for request, client, session, seen in visits
    ]

    def assess() -> int:
        for facts in asked:
            engine.assess(facts)
        return len(asked)

    costs = [("nothing is found", least(assess))]
    usual = ("scraping", NOW + 1e6, 90.0, 30.0, 60, False, False, True)
    outliers.take([Found("shop", "address", f"192.0.{n >> 8}.{n & 255}", *usual) for n in range(10_000)], NOW)
    costs.append(("10,000 are", least(assess)))
    outliers.take([Found("shop", "ja4", f"t13d{n}", *usual) for n in range(1000)], NOW)
    costs.append(("and their JA4", least(assess)))
    return costs


def main() -> None:
    """Print the table."""
    kept = Profiles(os.urandom(32), random.Random(1).randbytes)
    visits = [visit(number, False) for number in range(10_000)]
    for request, client, session, seen in visits:
        kept.observe(kept.keys(request, client, session), request, seen)
    keys = [kept.keys(request, client, session) for request, client, session, _ in visits]

    def read() -> int:
        for request, client, session, seen in visits:
            kept.read(kept.keys(request, client, session), seen.when)
        return len(visits)

    def observe() -> int:
        for (request, _, _, seen), key in zip(visits, keys, strict=True):
            kept.observe(key, request, seen)
        return len(visits)

    print(f"read                {least(read):6.1f} µs")
    print(f"count               {least(observe):6.1f} µs")
    told: list[bytes] = []
    begun = time.process_time()
    while payload := kept.take(128, NOW + 10):
        told.append(payload)
    number = sum(len(list(kept.read_told(payload)[1])) for payload in told)
    print(
        f"tell a key          {(time.process_time() - begun) / number * 1e6:6.1f} µs, {sum(map(len, told)) // number} B"
    )
    other = Profiles(b"unused", random.Random(2).randbytes)

    def merge() -> int:
        for payload in told:
            other.merge(payload, NOW + 10)
        return number

    print(f"take in a key       {least(merge):6.1f} µs")
    flood = Profiles(os.urandom(32), random.Random(3).randbytes, 0.1)
    strangers = iter([visit(number, True) for number in range(100_000)])

    def drown() -> int:
        for _ in range(10_000):
            request, client, session, seen = next(strangers)
            key = flood.keys(request, client, session)
            flood.read(key, seen.when)
            flood.observe(key, request, seen)
        return 10_000

    print(f"learn from an event {least(learning(visits)):6.1f} µs, in the supervisor, where anomaly detection is on")
    for name, cost in looking_up(kept, visits):
        print(f"{name:19} {cost:6.2f} µs")
    print(f"a flood of new ones {least(drown):6.1f} µs, everything full, reading and counting together")


if __name__ == "__main__":
    main()
