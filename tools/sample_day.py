"""Fill an event store with a made-up day of a shop, to have something to look at: `tools/sample_day.py DIRECTORY`.

Writes DIRECTORY/events.duckdb, which must not be there yet. The day has what a first look is for: people in daily
waves, a mobile app that is always scored 12, a partner's programs with score 1 on /api/, scrapers, a search engine, and
two rules that challenge, one of which meets too many people. The same seed makes the same day.
"""

from __future__ import annotations

import asyncio
import math
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, get_origin, get_type_hints

from botproxy.model import Event
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Retention

BLANK: Final[dict[str, Any]] = {
    name: () if get_origin(kind) is tuple else kind() for name, kind in get_type_hints(Event).items()
}
CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
SAFARI: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
ANDROID: Final = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
)
GOOGLEBOT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
HEADLESS: Final = CHROME.replace("Chrome/", "HeadlessChrome/")
BROWSERS: Final = (CHROME, CHROME, SAFARI, SAFARI, ANDROID, ANDROID, FIREFOX)
JA4: Final = {
    CHROME: "t13d1516h2_8daaf6152771_d8a2da3f94cd",
    ANDROID: "t13d1516h2_8daaf6152771_d8a2da3f94cd",
    SAFARI: "t13d2014h2_a09f3c656075_14788d8d241b",
    FIREFOX: "t13d1715h2_5b57614c22b0_5c2c66f702b0",
}
PAGES: Final = (
    "/",
    "/",
    "/products",
    "/products/17",
    "/products/42",
    "/cart",
    "/search",
    "/account",
    "/checkout",
    "/blog/moths",
)
FILES: Final = ("/static/site.css", "/static/site.js", "/static/hero.avif", "/favicon.ico")
COUNTRIES: Final = ("DE", "DE", "DE", "FR", "US", "US", "GB", "NL", "PL", "AT", "CH", "JP")


class Kind(NamedTuple):
    """A sort of visitor."""

    share: float
    make: Callable[[random.Random], dict[str, Any]]
    waves: bool  # whether it sleeps at night
    bursts: tuple[float, float] | None = None  # as parts of the day


def _person(chance: random.Random) -> dict[str, Any]:
    agent = chance.choice(BROWSERS)
    file = chance.random() < 0.45
    score = min(99, max(30, int(chance.gauss(91, 8))))
    return {
        "client_ip": f"198.51.{chance.randrange(100, 104)}.{chance.randrange(256)}",
        "client_country": chance.choice(COUNTRIES),
        "client_asn": chance.choice((3320, 3320, 12322, 7922, 6805, 3209, 16509)),
        "user_agent": agent,
        "ja4": JA4[agent],
        "path": chance.choice(FILES if file else PAGES),
        "static_resource": file,
        "referer": chance.choice(
            ("", "https://shop.example/", "https://www.google.com/", "https://news.example/today")
        ),
        "score": score,
        "score_source": "Machine Learning",
        "js_detection": "passed" if chance.random() < 0.9 else "missing",
        "status": chance.choice((200,) * 18 + (304, 404)),
        "content_type": "image/avif" if file else "text/html; charset=utf-8",
    }


def _program(agent: str, tag: str, number: int, ja4: str) -> Callable[[random.Random], dict[str, Any]]:
    def make(chance: random.Random) -> dict[str, Any]:
        return {
            "client_ip": f"203.0.113.{chance.randrange(6 if tag == 'python' else 40)}",
            "client_country": chance.choice(("US", "US", "SG", "NL")),
            "client_asn": chance.choice((14061, 16509, 24940)),
            "user_agent": agent,
            "ja4": ja4,
            "path": chance.choice((*PAGES, f"/products/{chance.randrange(400)}", "/wp-login.php", "/.env")),
            "score": 1,
            "score_source": "Heuristics",
            "detection_ids": (number,),
            "detection_tags": (tag,),
            "reasons": (f"The client is {agent.partition('/')[0]}, a library and not a browser.",),
            "status": 200,
            "content_type": "text/html; charset=utf-8",
        }

    return make


def _partner(chance: random.Random) -> dict[str, Any]:
    return {
        "client_ip": "192.0.2.10",
        "client_country": "DE",
        "client_asn": 24940,
        "user_agent": "AcmeStock/3.2 (+https://partner.example)",
        "ja4": "t13d3112h1_e8f1e7e78f70_b26ce05bbdd6",
        "method": "POST",
        "path": chance.choice(("/api/stock", "/api/stock", "/api/orders")),
        "score": 1,
        "score_source": "Heuristics",
        "detection_ids": (33554817,),
        "detection_tags": ("api",),
        "reasons": ("No browser sends this set of headers.",),
        "status": 200,
        "content_type": "application/json",
    }


def _app(chance: random.Random) -> dict[str, Any]:
    return {
        "client_ip": f"198.51.104.{chance.randrange(256)}",
        "client_country": chance.choice(COUNTRIES),
        "client_asn": chance.choice((3320, 6805, 12322)),
        "user_agent": "ShopApp/5.1 (Android 15) okhttp/4.12.0",
        "ja4": "t13d1312h2_f57a46bbacb6_ab7e3b40a677",
        "path": chance.choice(("/api/app/feed", "/api/app/cart", "/api/app/login")),
        "score": chance.choice((12, 12, 12, 12, 11, 13)),
        "score_source": "Machine Learning",
        "status": 200,
        "content_type": "application/json",
    }


def _headless(chance: random.Random) -> dict[str, Any]:
    return {
        "client_ip": f"203.0.113.{chance.randrange(100, 180)}",
        "client_country": chance.choice(("US", "VN", "BR", "RU")),
        "client_asn": chance.choice((14061, 45899, 16276)),
        "user_agent": chance.choice((HEADLESS, CHROME, CHROME)),
        "ja4": JA4[CHROME],
        "path": chance.choice((*PAGES, "/products", f"/products/{chance.randrange(400)}")),
        "score": min(29, max(2, int(chance.expovariate(0.14)) + 2)),
        "score_source": chance.choice(("Machine Learning", "Machine Learning", "JS Fingerprinting")),
        "js_detection": chance.choice(("failed", "missing", "missing")),
        "status": 200,
        "content_type": "text/html; charset=utf-8",
    }


def _unsure(chance: random.Random) -> dict[str, Any]:
    return {**_person(chance), "score": chance.randrange(20, 60), "js_detection": chance.choice(("passed", "missing"))}


def _search(chance: random.Random) -> dict[str, Any]:
    return {
        "client_ip": f"66.249.66.{chance.randrange(20)}",
        "client_country": "US",
        "client_asn": 15169,
        "user_agent": GOOGLEBOT,
        "path": chance.choice((*PAGES, f"/products/{chance.randrange(400)}", "/robots.txt")),
        "score": 1,
        "score_source": "Verified Bot",
        "score_group": "verified_bot",
        "verified_bot_category": "Search Engine Crawler",
        "bot_tags": ("google", "SearchEngine"),
        "status": 200,
        "content_type": "text/html; charset=utf-8",
    }


def _own(_chance: random.Random) -> dict[str, Any]:
    return {
        "client_ip": "198.51.100.9",
        "user_agent": CHROME,
        "path": "/cdn-cgi/challenge-platform/h/b/jsd",
        "status": 200,
    }


KINDS: Final = (
    Kind(0.62, _person, True),
    Kind(0.04, _unsure, True),
    Kind(0.08, _app, True),
    Kind(0.05, _headless, False, (0.55, 0.68)),
    Kind(
        0.06,
        _program("python-requests/2.32.5", "python", 33554689, "t13d1812h1_85036bcba153_b26ce05bbdd6"),
        False,
        (0.3, 0.36),
    ),
    Kind(0.03, _program("Go-http-client/1.1", "go", 33554690, "t13d1312h1_f57a46bbacb6_e7c285222651"), False),
    Kind(0.02, _program("curl/8.5.0", "curl", 33554691, "t13d3112h2_e8f1e7e78f70_6bebaf5329ac"), False),
    Kind(0.03, _partner, False),
    Kind(0.05, _search, False),
    Kind(0.02, _own, True),
)


def day(number: int, until: float, seed: int = 7, seconds: float = 86400.0) -> list[Event]:
    """So many events of the 24 hours, or of so many seconds, before `until`, in their order."""
    chance = random.Random(seed)
    drawn = chance.choices(KINDS, [kind.share for kind in KINDS], k=number)
    made = [_event(chance, kind, until, seconds) for kind in drawn]
    solutions = [solution for event in made for solution in _solution(chance, event)]
    return sorted(made + solutions, key=lambda event: event.start)


def _event(chance: random.Random, kind: Kind, until: float, seconds: float) -> Event:
    if kind.bursts is not None and chance.random() < 0.7:
        part = chance.uniform(*kind.bursts)
    else:
        part = chance.random()
        while kind.waves and chance.random() > 0.55 + 0.45 * math.sin((part - 0.2) * math.tau):
            part = chance.random()
    start = until - seconds * (1 - part)
    told = kind.make(chance)
    score = told.get("score", 0)
    group = (
        "other" if not score else "automated" if score == 1 else "likely_automated" if score < 30 else "likely_human"
    )
    ray = f"{chance.getrandbits(64):016x}"
    origin = chance.randrange(4, 120)
    fields = {
        "start": start, "end": start + (origin + 2) / 1000, "ray": ray, "zone": "shop", "mode": "enforce",
        "method": "GET",
        "scheme": "https", "host": "shop.example", "protocol": "HTTP/2", "client_port": chance.randrange(20000, 60000),
        "client_ssl_protocol": "TLSv1.3", "score_source": "Not Computed", "score_group": group,
        "js_detection": "missing", "action": "unknown", "ending": "finished",
        "origin": "10.0.0.5:8080", "origin_status": 200, "origin_ms": origin,
        "first_byte_ms": origin + 1, "request_bytes": chance.randrange(300, 1500),
        "response_bytes": chance.randrange(400, 60000), **told, **_verdict(chance, told),
    }  # fmt: skip
    return Event(**{**BLANK, **fields})


def _verdict(chance: random.Random, told: dict[str, Any]) -> dict[str, Any]:
    score, path = told.get("score", 0), told["path"]
    if not score or told.get("verified_bot_category") or told.get("static_resource"):
        return {}
    if path in ("/wp-login.php", "/.env"):
        return _acted("block", "probes", "Paths that only scanners ask for", 403)
    if score == 1 and path.startswith("/api/"):
        return _acted("skip", "partner", "The partner's programs", 200)
    if score == 1:
        return _acted("managedChallenge", "automated", "Automated: score 1", 403)
    if score < 30 and not path.startswith("/api/") and chance.random() < 0.8:
        return _acted("managedChallenge", "likely-automated", "Likely automated: scores 2 to 29", 403)
    return {}


def _acted(action: str, rule: str, description: str, status: int) -> dict[str, Any]:
    return {
        "actions": (action,), "rule_ids": (rule,), "sources": ("firewallCustom",), "action": action, "rule_id": rule,
        "rule_description": description, "status": status,
    }  # fmt: skip


def _solution(chance: random.Random, event: Event) -> list[Event]:
    rate = {"automated": 0.004, "likely-automated": 0.08}.get(event.rule_id, 0.0)
    if event.action != "managedChallenge" or chance.random() >= rate:
        return []
    at = event.start + chance.uniform(2, 15)
    word = chance.choice(("managedChallengeNonInteractiveSolved", "managedChallengeInteractiveSolved"))
    return [
        event._replace(
            ray=f"{chance.getrandbits(64):016x}", start=at, end=at + 0.01, method="POST", status=200, actions=(word,),
            path="/cdn-cgi/challenge-platform/h/b/flow", sources=("botManagement",), action=word,
            originator_ray=event.ray,
        )
    ]  # fmt: skip


async def fill(path: Path, number: int) -> None:
    """Write a store."""
    store = DuckdbStore(path, Retention(seconds=30 * 86400.0, rollup_seconds=400 * 86400.0, size=0))
    rows = [tuple(event) for event in day(number, time.time())]
    for at in range(0, len(rows), 2000):
        store.put(rows[at : at + 2000])
        await store.flush()
    await asyncio.to_thread(store.close, 60)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: tools/sample_day.py DIRECTORY [REQUESTS]")
    target = Path(sys.argv[1]) / "events.duckdb"
    if target.exists():
        sys.exit(f"{target} is there already")
    target.parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(fill(target, int(sys.argv[2]) if len(sys.argv) == 3 else 60_000))
