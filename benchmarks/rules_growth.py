"""What rules and fingerprints cost a request, by how much of the header block was seen before. Prints two tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from ipaddress import ip_address

from botproxy.model import BotManagement, Client, Facts, Headers, Request, Score, ScoreSource
from botproxy.rules import ExpressionSet, compile_expression
from botproxy.rules.repeating import key_of
from botproxy.scoring import Heuristics, shipped_fingerprints

HEADERS = (
    (b"Host", b"example.com"),
    (b"Connection", b"keep-alive"),
    (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"),
    (b"Sec-Fetch-Site", b"none"),
    (b"Sec-Fetch-Mode", b"navigate"),
    (b"Sec-Fetch-Dest", b"document"),
    (b"Accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"Accept-Encoding", b"gzip, deflate, br, zstd"),
    (b"Accept-Language", b"en-GB,en;q=0.9"),
    (b"Cookie", b"session=0123456789abcdef; theme=dark"),
)


def rule(number: int) -> str:
    """One of eight kinds of rules, as people mix them."""
    return (
        f'http.request.uri.path eq "/private/{number}" and cf.bot_management.score lt 30',
        f'http.user_agent contains "Scraper-{number}/"',
        f'http.host eq "example.com" and http.request.uri.path matches "^/api/v{number}/users/[0-9]+$"',
        f"ip.src in {{198.{number % 200}.{number // 200}.0/24}} and not cf.bot_management.verified_bot",
        f'starts_with(http.request.uri.path, "/shop/{number}/") and cf.bot_management.score le 10',
        f'any(http.request.headers["x-token"][*] eq "{number}")',
        f'http.request.uri.path wildcard "/old/{number}/*.php"',
        f"ip.src.asnum in {{{64000 + number} {70000 + number}}} or cf.bot_management.detection_ids[0] eq {number}",
    )[number % 8]


def facts(headers: Headers) -> Facts:
    request = Request(
        "0123456789abcdef", 1.7e9, b"GET", b"/shop/list?page=2", b"/shop/list", b"page=2", "HTTP/1.1", True,
        b"example.com", "example.com", headers, 0,
    )  # fmt: skip
    client = Client(ip_address("203.0.113.9"), "203.0.113.9", 4000, "203.0.113.9")
    bots = BotManagement(Score(80, ScoreSource.MACHINE_LEARNING))
    return Facts(request, client, "zone", False, None, None, {}, bots)


class Novelty(Enum):
    """What is new about each header block."""

    NOTHING = "header block repeats"
    VISITOR = "visitor differs"
    CLIENT = "User-Agent differs"


def block(novelty: Novelty, number: int) -> Headers:
    """A header block, made anew, with a cookie or a User-Agent of its own."""
    own = {Novelty.VISITOR: (b"Cookie", b"; n=%d"), Novelty.CLIENT: (b"User-Agent", b" n/%d")}.get(novelty)
    if own is None:
        return Headers(HEADERS)
    return Headers(tuple((name, value + own[1] % number if name == own[0] else value) for name, value in HEADERS))


def cost(work: Callable[[Facts], object], novelty: Novelty, rounds: int = 400, repeats: int = 25) -> float:
    """Microseconds a request: the best of `repeats` passes, which a busy machine disturbs least."""
    best = float("inf")
    shared = block(novelty, 0)
    for turn in range(repeats):
        made = [shared if novelty is Novelty.NOTHING else block(novelty, turn * rounds + at) for at in range(rounds)]
        prepared = [facts(headers) for headers in made]
        for item in prepared:
            if novelty is not Novelty.NOTHING:
                # In the proxy it is there already: fingerprints and rules share it.
                key_of(item)
        start = time.perf_counter()
        for item in prepared:
            work(item)
        best = min(best, time.perf_counter() - start)
    return best / rounds * 1e6


def matching(rules: ExpressionSet, item: Facts) -> list[int]:
    return list(rules.matching(item))


def line(work: Callable[[Facts], object]) -> str:
    return "".join(f"{cost(work, novelty):24.2f}" for novelty in Novelty)


def main() -> None:
    heading = "".join(f"{novelty.value:>24}" for novelty in Novelty)
    print(f"rules   load ms{heading}   (us/request)")
    for count in (1, 10, 50, 100, 1000):
        start = time.perf_counter()
        rules = ExpressionSet([compile_expression(rule(number)) for number in range(count)])
        loaded = (time.perf_counter() - start) * 1e3
        print(f"{count:5d} {loaded:9.0f}{line(partial(matching, rules))}")
    start = time.perf_counter()
    heuristics = Heuristics.load(shipped_fingerprints())
    loaded = (time.perf_counter() - start) * 1e3
    print(f"fingerprints\n{len(heuristics.fingerprints):5d} {loaded:9.0f}{line(heuristics.assess)}")
    print(f"and once a new header block, for both: {cost(fresh_key, Novelty.VISITOR):.2f} us")


def fresh_key(item: Facts) -> bytes:
    item.request.headers.memo.clear()
    return key_of(item)


if __name__ == "__main__":
    main()
