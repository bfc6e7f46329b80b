"""The attack on our own challenges: a program without a browser that does what the page's script would have done.

    python -m lab.solver http://127.0.0.1:8080/ [--reports none|copied|forged|read] [--times N]

It fetches a challenged page, computes the puzzles natively, and hands in a report of the kind asked for: `none`;
`copied`, one that was clean for another seed, as whoever records a browser once would send it; `forged`, computed from
the product's own source, which anybody may read, but for the secret of the deployment; or `read`, which fetches the
served script as well, cuts the program of the day out of it, runs it in node over a document that lays out what such
programs build (`lab/clients/program.cjs`), and computes the rest with the product's own model of layout. The last one
is the worst case. What it prints is what docs/challenges.md states.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, final
from urllib.parse import urljoin

from botproxy.challenges.presses import places
from botproxy.challenges.puzzle import solve
from botproxy.challenges.ticket import Step
from botproxy.scoring.jsd.programs import PUBLIC
from botproxy.scoring.jsd.sealing import close_report
from botproxy.scoring.jsd.work import expected

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
NAVIGATION = {
    "User-Agent": AGENT,
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.9",
    "Upgrade-Insecure-Requests": "1",
}


class Attempt(NamedTuple):
    """What came of one page. Times in seconds of this program's processor."""

    solved: bool
    reason: str  # of the refusal that ended it
    cookie: str
    work: float
    report: float
    pages: int  # challenges done on this page, the first included


class NoChallengeError(Exception):
    """The page was not challenged."""


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and body."""
    request = urllib.request.Request(url, body, {**NAVIGATION, **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@final
class Reader:
    """Runs the program of a served script without a browser. One node for all pages; `spent` is its processor time."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            ["node", str(Path(__file__).parent / "clients" / "program.cjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._programs: dict[str, str] = {}

    @property
    def spent(self) -> float:
        """Seconds."""
        fields = Path(f"/proc/{self._node.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, script: str, seed: bytes) -> tuple[int, list[int], bytes]:
        """Number of the program, what it sees, and the key that it makes of the seed."""
        program = self._programs.get(script)
        if program is None:
            text = ask(script)[2].decode()
            found = re.search(r"\(\(s,b\)=>\{let a=\[\].*?;return\[\d+,a\]\}\)", text, re.DOTALL)
            if found is None:
                raise NoChallengeError(f"{script} holds no program")
            program = self._programs[script] = found[0]
        words = struct.unpack("<8i", sha256(b"program\0" + seed).digest())
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"program": program, "words": words}).encode() + b"\n")
        self._node.stdin.flush()
        number, seen, state = json.loads(self._node.stdout.readline())
        return number, seen, struct.pack("<8i", *state)

    def end(self) -> None:
        """End node."""
        self._node.kill()
        self._node.wait()


def forged(seed: bytes, number: int = -1, seen: list[int] | None = None, key: bytes = b"") -> str:
    """A report that says what a clean Chromium would, with the answers to this seed's work; without the others, as far
    as they follow from the source alone."""
    if seen is None:
        program = PUBLIC.current(time.time())
        number, seen = program.name, program.answers(seed)
        key = program.run(seed, seen).key
    right = expected(seed, key)
    rows = [[0.0 if value != value else value for value in row or ()] for row in (right.hits, right.curve, right.media)]
    chains = [list(chain) if chain else None for chain in right.chains]
    text = json.dumps([2, [], "v8", AGENT, "Linux", False, None, "en-US", chains, *rows, 31, 12, 1, number, seen])
    return close_report(text.encode(), seed).decode()


def presses(seed: bytes, step: int) -> list[list[Any]]:
    """Presses as a hand would make them, told of a button that nobody saw."""
    found: list[list[Any]] = []
    at = 0
    for place in places(seed, Step(step)):
        shown = at + place.pause
        left = 100 + place.aside // 3
        found.append(
            ["mouse", shown, shown + 700, shown + 780, left + 50, 320, left, 300, 130, 44, 21, 340, 2, 1, 1,
             place.aside // 3, 1, 0]
        )  # fmt: skip
        at = shown + 780
    return found


def attempt(url: str, reports: str, reader: Reader | None = None) -> Attempt:
    """Try one page; `reader` is for reports that are `read`. Raises NoChallengeError where there is none to solve."""
    status, headers, page = ask(url)
    found = re.search(rb'<script type="application/json" id="challenge">(.*?)</script>', page)
    if status != 403 or headers.get("cf-mitigated") != "challenge" or found is None:
        raise NoChallengeError(f"{url} answered {status} without a challenge")
    challenge = first = json.loads(found[1])
    flow = urljoin(url, first["flow"])
    source = re.search(rb'<script nonce="[^"]*" src="([^"]+)"', page)
    script = urljoin(url, source[1].decode()) if source else ""
    working = reporting = 0.0
    origin = "/".join(url.split("/", 3)[:3])
    for pages in range(1, 6):
        seed = bytes.fromhex(challenge["nonce"])
        began = time.process_time()
        answer = solve(seed, challenge["difficulty"], challenge["puzzles"])
        working += time.process_time() - began
        handed_in = {"token": challenge["token"], "answer": answer}
        began = time.process_time()
        if challenge["step"] >= Step.REPORT and reports != "none":
            if reader is not None:
                handed_in["report"] = forged(seed, *reader.run(script, seed))
            else:
                handed_in["report"] = forged(sha256(b"another").digest()[:16] if reports == "copied" else seed)
        if challenge["presses"]:
            handed_in["presses"] = presses(seed, challenge["step"])
            time.sleep(handed_in["presses"][-1][3] / 1000)
        reporting += time.process_time() - began
        _, headers, said = ask(
            flow, json.dumps(handed_in).encode(), **{"Content-Type": "application/json", "Origin": origin}
        )
        reply = json.loads(said)
        if reply["ok"]:
            return Attempt(True, "", headers["Set-Cookie"].split(";")[0], working, reporting, pages)
        if "challenge" not in reply:
            break
        challenge = reply["challenge"]
    return Attempt(False, reply["reason"], "", working, reporting, pages)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--reports", choices=("none", "copied", "forged", "read"), default="read")
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args()
    reader = Reader() if given.reports == "read" else None
    attempts = [attempt(given.url, given.reports, reader) for _ in range(given.times)]
    solved = sum(each.solved for each in attempts)
    sys.stdout.write(
        f"{given.reports}: {solved} of {len(attempts)} solved"
        f"{'' if solved else ', ended by ' + attempts[-1].reason}; work"
        f" {1000 * sum(each.work for each in attempts) / len(attempts):.0f} ms, report and presses"
        f" {1000 * sum(each.report for each in attempts) / len(attempts):.1f} ms of processor a page"
        f"{f', node {1000 * reader.spent / len(attempts):.1f} ms' if reader else ''}\n"
    )
    if reader is not None:
        reader.end()


if __name__ == "__main__":
    main()
