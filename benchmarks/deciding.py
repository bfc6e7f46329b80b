"""What a request costs in one process, by phase and by number of rules, without a socket. Microseconds.

Run as `python -m benchmarks.deciding`, or as a part of all measurements.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple, TypeVar

from benchmarks.subjects import rule_texts
from botproxy.addresses import NetworkSet
from botproxy.cookies import CLEARANCE_COOKIE, SESSION_COOKIE, Jar, KeyRing, new_secret, started
from botproxy.cookies.settings import Settings as CookieSettings
from botproxy.model import Clearance, ClearanceLevel, Client, Ending, Facts, Headers, Outcome, Request, Tls
from botproxy.pipeline import Decision, Pipeline
from botproxy.proxy.blocks import RequestReader
from botproxy.proxy.cacheable import publicly_cacheable
from botproxy.proxy.forwarding import request_head, strip_ours, unremarkable
from botproxy.proxy.head import check_head
from botproxy.proxy.own_paths import is_own_path
from botproxy.proxy.peers import Peer, visitor
from botproxy.proxy.records import ResponseHead
from botproxy.proxy.refusals import is_navigation
from botproxy.proxy.target import normalise
from botproxy.rulesets import RuleSettings, ZoneRuleset
from botproxy.scoring import Engine, MachineLearningSettings, load_heuristics, load_model
from botproxy.scoring.jsd import JavaScriptDetections
from botproxy.scoring.ml import MachineLearning
from botproxy.scoring.settings import Settings as ScoringSettings
from botproxy.tls import shipped_clients
from botproxy.traffic import Profiles

ROUNDS = 4000
BATCH = 16

Item = TypeVar("Item")


class Cost(NamedTuple):
    """Microseconds of one phase."""

    phase: str
    p50: float
    p99: float


def browser(number: int, *more: tuple[bytes, bytes], cookies: bytes = b"") -> tuple[tuple[bytes, bytes], ...]:
    """The header block of a browser's navigation, which differs with `number`."""
    return (
        (b"Host", b"127.0.0.1:8080"),
        (b"Connection", b"keep-alive"),
        (b"sec-ch-ua", b'"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"'),
        (b"sec-ch-ua-mobile", b"?0"),
        (b"sec-ch-ua-platform", b'"Linux"'),
        (b"Upgrade-Insecure-Requests", b"1"),
        (
            b"User-Agent",
            b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        ),
        (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        (b"Sec-Fetch-Site", b"same-origin"),
        (b"Sec-Fetch-Mode", b"navigate"),
        (b"Sec-Fetch-User", b"?1"),
        (b"Sec-Fetch-Dest", b"document"),
        (b"Referer", b"http://127.0.0.1:8080/journal/page-%d" % number),
        (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
        (b"Accept-Language", b"en-GB,en;q=0.9"),
        (b"Cookie", b"theme=dark; basket=%d%b" % (7_000_000 + number, cookies)),
        *more,
    )


def request(number: int, path: bytes = b"/journal/tides", headers: Headers | None = None) -> Request:
    """A browser's navigation whose header block differs with `number`, unless it is given."""
    return Request(
        ray=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",  # as evenly spread as random ones
        received=1_800_000_000.0 + number / 1000,
        method=b"GET",
        target=path,
        path=path,
        query=None,
        version="HTTP/1.1",
        secure=False,
        authority=b"127.0.0.1:8080",
        host="127.0.0.1",
        headers=headers if headers is not None else Headers(browser(number)),
        body_length=0,
    )


def pipeline(rules: int, learned: bool = False) -> Pipeline:
    """`learned` is whether all engines are asked, and what callers did lately is counted."""
    settings = [
        RuleSettings.model_validate({"ref": f"r{number}", "expression": expression, "action": action})
        for number, (action, expression) in enumerate(rule_texts(rules))
    ]
    heuristics = load_heuristics(ScoringSettings())
    engines: list[tuple[str, Engine]] = [("heuristics", heuristics)] if heuristics is not None else []
    if learned:
        model = load_model(MachineLearningSettings(enabled=True))
        assert model is not None
        engines += [
            ("jsd", JavaScriptDetections()),
            ("machine_learning", MachineLearning(model, shipped_clients(), record=True)),
        ]
    return Pipeline(
        zone="bench",
        profiles=Profiles(os.urandom(32), os.urandom, crowds=False) if learned else None,  # no such rule asks for them
        engines=engines,
        ruleset=ZoneRuleset.compile(settings),
        jar=Jar(KeyRing.from_text(new_secret()), "bench", CookieSettings()),
        randomness=os.urandom,
    )


def timed(phase: str, work: Callable[[int], object]) -> Cost:
    clock = time.perf_counter_ns
    spent = []
    for number in range(ROUNDS):
        began = clock()
        work(number)
        spent.append(clock() - began)
    spent.sort()
    return Cost(phase, spent[ROUNDS // 2] / 1000, spent[ROUNDS * 99 // 100] / 1000)


def by_phase(rules: int = 50) -> list[Cost]:
    """Every phase on its own, then the whole decision; header blocks differ each time."""
    deciding = pipeline(rules)
    client = Client(ip_address("198.51.100.7"), "198.51.100.7", 40000, "198.51.100.7")
    outcome = Outcome(200, 700, 1200, 1000, b"text/html", "127.0.0.1:3000", 200, 0.001, 0.001, 0.002, Ending.FINISHED)
    # What a phase remembers for a request must not make the next one look free, so each phase has its own requests.
    fresh = [[request(number + ROUNDS * phase) for number in range(ROUNDS)] for phase in range(5)]
    identified = [deciding._identify(made, client, True, []) for made in fresh[1]]
    scored = [deciding._score(deciding._identify(made, client, True, []), [], None) for made in fresh[2]]
    gc.collect()
    gc.freeze()
    # An event has the fingerprint of the headers, which follows from their kind: read as the proxy reads them.
    reader = RequestReader(100)
    kinds = [made._replace(headers=reader.read(_head(made.headers.items)).headers) for made in fresh[4]]
    decided = [deciding.decide(made, client, enforce=True, navigation=True) for made in kinds]
    return [
        timed("identify", lambda number: deciding._identify(fresh[0][number], client, True, [])),
        timed("score", lambda number: deciding._score(identified[number], [], None)),
        timed("rule", lambda number: deciding._rule(scored[number], [], False)),
        timed("decide, whole", lambda number: deciding.decide(fresh[3][number], client, enforce=True, navigation=True)),
        timed("record", lambda number: deciding.conclude(decided[number], outcome)),
    ]


def with_all_engines(rules: int = 50) -> list[Cost]:
    """Deciding with every engine and with what callers did: 1,000 addresses in turn, which come back.

    Header blocks are read as the proxy reads them: they differ each time in what differs from request to request, and
    what follows from their kind is known. `+` stands where the whole block repeats, `new` where every kind is new,
    `session` where each address comes with a session of its own.
    """
    deciding = pipeline(rules, learned=True)
    reader = RequestReader(100)
    tls = Tls("TLSv1.3", "x", ja4="t13d1516h2_8daaf6152771_d8a2da3f94cd")

    def read(number: int, cookies: bytes = b"") -> Request:
        return request(number, headers=reader.read(_head(browser(number, cookies=cookies))).headers)

    clients = [
        Client(address, str(address), 40000, str(address), tls)
        for address in (ip_address(0xC6336400 + number) for number in range(1_000))
    ]
    outcome = Outcome(200, 700, 1200, 1000, b"text/html", "127.0.0.1:3000", 200, 0.001, 0.001, 0.002, Ending.FINISHED)

    def decide(made: Request, number: int) -> Decision:
        return deciding.decide(made, clients[number % 1_000], enforce=True, navigation=True)

    sessions = [
        b"; " + deciding._jar.session_cookie(started(1_800_000_000.0, os.urandom(16)), True).partition(b";")[0]
        for _ in clients
    ]
    for number in range(2_000):
        deciding.observe(decide(read(number), number), outcome)
        deciding.observe(decide(read(number, sessions[number % 1_000]), number), outcome)
    engines = dict(deciding._engines)
    fresh = [[read(number + ROUNDS * (phase + 1)) for number in range(ROUNDS)] for phase in range(4)]
    strange = [request(number + ROUNDS * 9) for number in range(ROUNDS)]
    within = [read(number + ROUNDS * 10, sessions[number % 1_000]) for number in range(ROUNDS)]
    repeats = [request(number, headers=fresh[3][0].headers) for number in range(ROUNDS)]
    identified = [deciding._identify(made, clients[number % 1_000], True, []) for number, made in enumerate(fresh[1])]
    for each in identified:
        engines["heuristics"].assess(each)
    decided = [decide(made, number) for number, made in enumerate(fresh[2])]
    gc.collect()
    gc.freeze()
    return [
        timed("all engines: decide", lambda number: decide(fresh[0][number], number)),
        timed("all engines: decide +", lambda number: decide(repeats[number], number)),
        timed("all engines: decide, session", lambda number: decide(within[number], number)),
        timed("all engines: decide, new", lambda number: decide(strange[number], number)),
        timed("of it: features and model", lambda number: engines["machine_learning"].assess(identified[number])),
        timed("counting afterwards", lambda number: deciding.observe(decided[number], outcome)),
        timed("record", lambda number: deciding.conclude(decided[number], outcome)),
    ]


def by_rules() -> list[tuple[int, Cost]]:
    """The phase `rule` alone, for growing rulesets."""
    costs = []
    client = Client(ip_address("198.51.100.7"), "198.51.100.7", 40000, "198.51.100.7")
    for rules in (1, 10, 100, 1000):
        deciding = pipeline(rules)
        facts = [
            deciding._score(deciding._identify(request(number), client, True, []), [], None) for number in range(ROUNDS)
        ]

        def ruled(number: int, deciding: Pipeline = deciding, facts: list[Facts] = facts) -> object:
            return deciding._rule(facts[number], [], False)

        costs.append((rules, timed("rule", ruled)))
    return costs


def batched(phase: str, work: Callable[[Item], object], items: Sequence[Item]) -> Cost:
    """For what costs hardly more than reading the clock: each figure is the mean of some items in a row."""
    clock = time.perf_counter_ns
    spent = []
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        began = clock()
        for item in batch:
            work(item)
        spent.append((clock() - began) / len(batch))
    spent.sort()
    return Cost(phase, spent[len(spent) // 2] / 1000, spent[len(spent) * 99 // 100] / 1000)


def _head(items: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"GET /journal/tides?page=2 HTTP/1.1\r\n%b\r\n" % b"".join([b"%b: %b\r\n" % item for item in items])


def around() -> list[Cost]:
    """Everything that happens to a request around deciding; `+` stands where header blocks repeat."""
    jar = Jar(KeyRing.from_text(new_secret()), "bench", CookieSettings())
    address = ip_address("198.51.100.7")
    client = Client(address, "198.51.100.7", 40000, "198.51.100.7")
    now = 1_800_000_000.0
    session = started(now, os.urandom(16))
    clearance = Clearance(ClearanceLevel.MANAGED, now + 1800, None, 0.0, "0" * 16)

    def brought() -> bytes:
        ours = jar.session_cookie(session, True).partition(b";")[0]
        theirs = jar.clearance_cookie(clearance, Headers(browser(0)), address, now, True).partition(b";")[0]
        assert ours.startswith(SESSION_COOKIE)
        assert theirs.startswith(CLEARANCE_COOKIE)
        return b"; " + ours + b"; " + theirs

    def blocks(offset: int) -> list[Headers]:
        return [Headers(browser(number + offset * ROUNDS)) for number in range(ROUNDS)]

    def visitors() -> list[Headers]:
        return [Headers(browser(number, cookies=brought())) for number in range(ROUNDS)]

    def checked(headers: Headers) -> object:
        return check_head(b"GET", b"/journal/tides?page=2", "HTTP/1.1", headers)

    def forwarded(made: Request) -> object:
        return request_head(made, client, b"0123456789abcdef-BOT", host=None)

    reader = RequestReader(100)
    repeated = _head(browser(0))
    same = Headers(browser(0))
    balancer = ip_address("10.0.0.1")
    listed = NetworkSet([ip_network("10.0.0.0/8")])
    peer = Peer(balancer, Client(balancer, "10.0.0.1", 4000, "10.0.0.1"), False, True)
    behind = [
        Headers(
            browser(
                number, (b"X-Forwarded-For", b"198.18.%d.%d" % divmod(number, 250)), (b"X-Forwarded-Proto", b"https")
            )
        )
        for number in range(ROUNDS)
    ]
    received = [dict(browser(number)) for number in range(ROUNDS)]
    heads = [_head(browser(number)) for number in range(ROUNDS)]
    opened = visitors()
    cleared = visitors()
    answer = ResponseHead(
        200, b"OK", ((b"Server", b"x"), (b"Date", b"x"), (b"Content-Type", b"text/html"), (b"Content-Length", b"9")), 9
    )
    path = b"/journal/tides?page=2"
    gc.collect()
    gc.freeze()
    return [
        batched("read head", reader.read, heads),
        batched("read head +", reader.read, [repeated] * ROUNDS),
        batched("of it: strip", lambda found: unremarkable(found) or strip_ours(found.items()), received),
        batched("check head", checked, blocks(1)),
        batched("check head +", checked, [same] * ROUNDS),
        batched("normalise", normalise, [path] * ROUNDS),
        batched("own path", is_own_path, [path] * ROUNDS),
        batched("navigation", lambda headers: is_navigation(b"GET", headers), blocks(2)),
        batched("visitor behind a listed peer", lambda headers: visitor(peer, headers, listed, 1), behind),
        batched(
            "visitor behind a listed peer +", lambda headers: visitor(peer, headers, listed, 1), behind[:1] * ROUNDS
        ),
        batched("session cookie opened", lambda headers: jar.session(headers, now), opened),
        batched("session cookie opened +", lambda headers: jar.session(headers, now), opened[:1] * ROUNDS),
        batched("clearance opened", lambda headers: jar.clearance(headers, address, now), cleared),
        batched("session cookie written", lambda _: jar.session_cookie(session, True), [None] * ROUNDS),
        batched("head for the origin", forwarded, [request(0, headers=each) for each in blocks(3)]),
        batched("head for the origin +", forwarded, [request(0, headers=same)] * ROUNDS),
        batched("cacheable", lambda head: publicly_cacheable(b"GET", head, static_resource=False), [answer] * ROUNDS),
    ]


def main() -> None:
    """Print every table."""
    for costs in (
        around(),
        by_phase(),
        with_all_engines(),
        [Cost(f"rule, {rules} rules", *cost[1:]) for rules, cost in by_rules()],
    ):
        for cost in costs:
            print(f"{cost.phase:32}  p50 {cost.p50:7.2f} µs   p99 {cost.p99:7.2f} µs")
        print()


if __name__ == "__main__":
    main()
