"""Browsers before every kind of challenge: people's, with a hand where a press is asked for, and those of tools.

    python -m lab.levels --tools FOLDER [--runs N] [--only NAME ...] [--kinds KIND ...]

One site challenges everybody. People's browsers are driven by nobody; when the page asks for a press, a hand moves the
pointer to the button and presses it, with events of the system (xdotool). A tool presses by its own means. The tables
of docs/challenges.md are what this prints: passed unseen, passed with presses, stopped, and by what.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop

from botproxy.challenges import LONGEST_TEXT, PURPOSE, REPLAY_PURPOSE, Known, Pages, Settings, issue
from botproxy.cookies import Jar, KeyRing, Sealer
from botproxy.cookies import Settings as CookieSettings
from botproxy.model import ClearanceLevel
from botproxy.proxy import Exchange, Listener, Server, Wire
from botproxy.proxy.challenge_routes import ChallengeRoutes
from botproxy.proxy.own_paths import is_own_path
from botproxy.proxy.refusals import is_navigation
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import Counters
from lab import detections

KINDS = {
    "js": (ClearanceLevel.JS, 0),
    "managed": (ClearanceLevel.MANAGED, 50),
    "managed, score 1": (ClearanceLevel.MANAGED, 1),
    "interactive": (ClearanceLevel.INTERACTIVE, 50),
}
"""Level of the challenge, and score of whoever is challenged."""

PRESSED = ("managed, score 1", "interactive")
PATIENCE = 75.0
WAITS = "-waits"
_FINE = ("solved", "click", "early")
BEHIND = b"<!DOCTYPE html><title>Behind</title><h1>The page you wanted</h1>"
PEOPLE = ("chromium", "firefox", "minibrowser", "epiphany")
TOOLS = (
    "chromium-headless", "firefox-headless", "selenium", "playwright", "playwright-stealth-headed", "puppeteer",
    "puppeteer-stealth-headed", "undetected-chromedriver", "patchright-headed", "patchright-recommended",
    "patchright-recommended-waits", "nodriver", "nodriver-waits",
)  # fmt: skip
"""Those that end with "-waits" open the page and leave it alone; the others look for a button twice a second."""


class Site:
    """Challenges everybody at one level, on the proxy's own wire and routes."""

    def __init__(self, level: ClearanceLevel, score: int) -> None:
        ring = KeyRing([os.urandom(32)])
        self._level = level
        self._score = score
        self._settings = Settings()
        self._sealer = Sealer(ring, PURPOSE, "lab")
        self._jar = Jar(ring, "lab", CookieSettings())
        self._pages = Pages()
        self.counters = Counters()
        self.solved: list[str] = []
        self._replay = Sealer(ring, REPLAY_PURPOSE, "lab", longest=LONGEST_TEXT)
        self._routes = ChallengeRoutes(
            zone="lab", settings=self._settings, sealer=self._sealer, jar=self._jar, store=MemoryStore(),
            burn_here=MemoryStore(1000).burn_now, challenge_ttl=1800.0, counters=self.counters, replay=self._replay,
        )  # fmt: skip
        self.ended = threading.Event()
        self.url = ""

    def handle(self, exchange: Exchange) -> None:
        """Answer a request."""
        request = exchange.request
        if is_own_path(request.path):
            self._routes.handle(exchange, lambda solved: self.solved.append(solved.action))
            return
        held = self._jar.clearance(request.headers, exchange.client.address, request.received)
        if held is not None and held.level >= self._level:
            exchange.respond(200, ((b"Content-Type", b"text/html"), (b"Cache-Control", b"no-store")), BEHIND)
            if request.path == b"/":
                self.ended.set()
            return
        answer = issue(
            settings=self._settings, sealer=self._sealer, randomness=os.urandom, now=request.received, zone="lab",
            level=self._level, known=Known(score=self._score), replay=self._replay, form=None, request=request,
            client=exchange.client, navigation=is_navigation(request.method, request.headers), pages=self._pages,
        )  # fmt: skip
        exchange.respond(answer.status, answer.headers, answer.body)

    def asks(self) -> bool:
        """Whether a press was asked for that was not foreseen."""
        return bool(self.counters.counts.get(("challenges", "lab", "click")))

    def refusals(self) -> Counter[str]:
        """Why solutions were not taken."""
        return Counter(
            {
                key[2]: number
                for key, number in self.counters.counts.items()
                if key[0] == "challenges" and key[2] not in _FINE
            }
        )


@contextmanager
def serving(level: ClearanceLevel, score: int) -> Iterator[Site]:
    """The site on loopback, on a thread of its own."""
    site = Site(level, score)
    loop = uvloop.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    site.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server = Server(Wire(), site.handle, lambda refusal: None)
    begun = threading.Event()

    def run() -> None:
        loop.run_until_complete(server.start([Listener(listener)]))
        begun.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    begun.wait(10)
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        listener.close()


class Outcome(NamedTuple):
    """Of one visit."""

    passed: bool
    pressed: bool
    why: tuple[str, ...]  # solutions were refused


class Asked:
    """What a client of `lab.detections` visits here: waits for the end, and lends a hand."""

    def __init__(self, site: Site, hand: bool, waits: bool) -> None:
        self.url = site.url
        self.environment: dict[str, str] = {"PRESS": "1"}
        self._site = site
        self._hand = hand
        self._waits = waits

    def wait(self, seconds: float = PATIENCE, still: Callable[[], bool] = lambda: True) -> detections.Visit | None:
        """Until the page behind the challenge was given, or the visitor turned away: a tool once, a person thrice."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self._site.ended.wait(0.3 if not self._hand else 1.2):
            if sum(self._site.refusals().values()) >= (3 if self._hand else 1):
                break
            if self._waits and self._site.asks():
                break
            if self._hand:
                # The page puts the focus on its button; what is pressed before does nothing.
                for kind in ("keydown", "keyup"):
                    subprocess.run(["xdotool", kind, "space"], env=self.environment, capture_output=True, check=False)
                    time.sleep(0.06)
        return None


def visit(client: detections.Client, kind: str, hand: bool, waits: bool = False) -> Outcome:
    """One visit with a profile of its own; `hand` presses what has the focus; who `waits` never presses."""
    level, score = KINDS[kind]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, serving(level, score) as site:
        client(Asked(site, hand, waits), Path(folder))
        pressed = any(action in ("managedChallengeInteractiveSolved", "challengeSolved") for action in site.solved)
        why = tuple(sorted(site.refusals())) or (("asked for a press",) if site.asks() else ())
        return Outcome(site.ended.is_set(), pressed, why)


def cell(outcomes: list[Outcome]) -> str:
    """A cell of the table."""
    passed = [one for one in outcomes if one.passed]
    pressed = sum(one.pressed for one in passed)
    parts = []
    if len(passed) - pressed:
        parts.append(f"unseen {len(passed) - pressed} of {len(outcomes)}")
    if pressed:
        parts.append(f"pressed {pressed} of {len(outcomes)}")
    stopped = len(outcomes) - len(passed)
    if stopped:
        why = Counter(word for one in outcomes if not one.passed for word in one.why or ("never asked",))
        parts.append(f"stopped {stopped} of {len(outcomes)} ({', '.join(word for word, _ in why.most_common())})")
    return ", ".join(parts)


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tools", type=Path, required=True)
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--only", nargs="*", default=[*PEOPLE, *TOOLS])
    arguments.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = arguments.parse_args()
    detections.install(given.tools)
    tools = given.tools.resolve()
    clients = detections.clients(tools)
    clients |= {name: detections.tool(name, tools) for name in given.only if name.endswith(WAITS)}
    print(f"| browser | {' | '.join(given.kinds)} |\n|---|{'---|' * len(given.kinds)}")
    for name in given.only:
        cells = [
            cell(
                [
                    visit(clients[name], kind, name in PEOPLE and kind in PRESSED, name.endswith(WAITS))
                    for _ in range(given.runs)
                ]
            )
            for kind in given.kinds
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
