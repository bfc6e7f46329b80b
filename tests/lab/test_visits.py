"""What becomes of a visit: pauses that were left out come back, and nothing of the laboratory stays in it."""

from __future__ import annotations

import random
from ipaddress import ip_address
from typing import Any

from botproxy.model import ClearanceLevel as Level
from botproxy.model import Client, Disposition, Facts, Headers, Request, Session, Tls, Verdict
from botproxy.pipeline import Decision
from lab import plans
from lab.relay import header
from lab.visits import Register, Seen, Visit, timed

NOW = 1_800_000_000.0


def seen(at: float, target: bytes, method: bytes = b"GET", *more: tuple[bytes, bytes], cookie: bool = False) -> Seen:
    headers = Headers(((b"Host", b"site.test:43210"), (b"Referer", b"https://site.test:43210/"), *more))
    path, _, query = target.partition(b"?")
    request = Request(
        "0" * 16, NOW + at, method, target, path, query or None, "HTTP/1.1", True, b"site.test:43210", "site.test",
        headers, 0,
    )  # fmt: skip
    client = Client(ip_address("198.18.0.7"), "198.18.0.7", 1, "127.0.0.2", Tls("TLSv1.3", "c", "a", "b"))
    session = Session("s", NOW, NOW, 0) if cookie else None
    facts = Facts(request, client, "default", False, session, None, {})
    verdict = Verdict(Disposition.FORWARD, Level.NONE, (), 0)
    return Seen(request.received, Decision(facts, verdict, False, False, ()), 200, b"text/html; charset=utf-8")


def visit(**more: Any) -> Visit:
    return Visit(False, "curl", "curl", "crawl", "v1", ("198.18.0.7",), **more)


def test_pauses_of_a_plan_come_back_and_redirects_are_no_steps() -> None:
    one = visit(pauses=[(9.0, "GET", "/"), (20.0, "POST", "/cart"), (5.0, "GET", "/shop"), (7.0, "GET", "/about")])
    one.seen += [seen(0, b"/"), seen(1, b"/cart", b"POST"), seen(2, b"/cart"), seen(3, b"/about")]
    assert [each.time for each in one.labelled()] == [0.0, 21.0, 22.0, 35.0]
    assert [each.step for each in one.labelled()] == [0, 1, 2, 3]


def test_pauses_of_a_person_come_back_by_their_moment() -> None:
    one = visit(omitted=[(NOW + 1.5, 30.0), (NOW + 0.5, 10.0), (NOW + 99, 1000.0)])
    one.seen += [seen(2, b"/b"), seen(0, b"/"), seen(1, b"/a")]
    assert [(each.target, each.time) for each in one.labelled()] == [("/", 0.0), ("/a", 11.0), ("/b", 42.0)]


def test_nothing_of_the_laboratory_stays() -> None:
    one = visit()
    one.seen += [
        seen(0, b"/"),
        seen(1, b"/", b"GET", (b"Cookie", b"a=1; __cf_bm=secret.value; b=2"), cookie=True),
    ]
    first, second = one.labelled()
    assert first.headers[:2] == (("Host", "site.test"), ("Referer", "https://site.test/"))
    assert second.headers[2] == ("Cookie", "a=1; __cf_bm=0; b=2")
    assert (first.since, second.since) == (None, 1.0)
    assert (first.kind, first.content_type, first.tls) == ("page", "text/html", "TLSv1.3")
    assert "43210" not in str((first, second))


def test_visits_begin_at_random_and_lines_are_in_order_of_time() -> None:
    one = visit()
    one.seen += [seen(0, b"/"), seen(5, b"/")]
    requests = timed([list(one.labelled()) for _ in range(30)], random.Random(1), 2.0)
    times = [each.time for each in requests]
    assert times == sorted(times)
    assert len(set(times)) > 50
    assert max(times) < 2 * 3600 + 6


def test_each_visit_has_addresses_of_its_own() -> None:
    register = Register(random.Random(1))
    visits = [register.begin(False, "x", "x", "distributed", 5) for _ in range(200)]
    addresses = [address for each in visits for address in each.addresses]
    assert len(set(addresses)) == 1000
    assert all(address.startswith(("198.18.", "198.19.")) for address in addresses)
    assert len({each.session for each in visits}) == 200


def test_the_relay_says_whose_connection_it_is() -> None:
    text = header("198.18.0.7", 40000)
    assert text[:12] == b"\r\n\r\n\0\r\nQUIT\n"
    assert text[12:16] == b"\x21\x11\x00\x0c"
    assert text[16:20] == bytes((198, 18, 0, 7))


def test_every_behaviour_has_steps_and_a_pause_before_each() -> None:
    for name, behaviour in plans.BEHAVIOURS.items():
        for seed in range(20):
            steps = list(behaviour(random.Random(seed)))
            assert steps, name
            assert all(step.pause >= 0 and step.path.startswith("/") for step in steps)
            assert list(behaviour(random.Random(seed))) == steps
