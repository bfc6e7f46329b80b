"""Browsers that the laboratory does not have, judged by their headers as written down by hand.

`strangers.jsonl` has one request of each: browsers of telephones, in apps, on consoles and television sets, forks and
old versions, and pages that are fetched ahead or embedded elsewhere. Nothing is fitted on them. Each is asked as
somebody's first request, by every way on which it may come. `python -m lab.strangers` prints the scores, and what
becomes of people's visits on sites that ask browsers to leave Referer out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring import Heuristics, shipped_fingerprints
from botproxy.scoring.ml import NAMES, Model, Vectors, decode
from botproxy.tls import shipped_clients
from botproxy.training.dataset import Labelled, facts, read
from botproxy.training.evaluation import says, scores
from botproxy.training.measuring import Share, below
from botproxy.training.referrers import shortened
from botproxy.training.replaying import replay
from botproxy.training.samples import table
from botproxy.training.terminated import plainly, through_proxy
from lab.population import HTTP2, JA4

SETS: Final = Path(__file__).with_name("strangers.jsonl")
_ON_TLS: Final = ("HTTP/2 over TLS", "HTTP/1.1 over TLS")


class Stranger(NamedTuple):
    """One request of a browser."""

    name: str
    engine: str  # whose TLS it has; "" for one that is not known
    method: str
    headers: tuple[tuple[str, str], ...]  # as over HTTP/1.1


def strangers() -> list[Stranger]:
    """All of them."""
    found = []
    for line in SETS.read_text().splitlines():
        one = json.loads(line)
        headers = tuple((name, value) for name, value in one["headers"])
        found.append(Stranger(one["name"], one["engine"], one["method"], headers))
    return found


def ways(one: Stranger) -> Iterator[tuple[str, Labelled]]:
    """Its request by every way on which it may come. Over plain http a browser has no hints to be told apart by."""
    ja4 = JA4[one.engine][0] if one.engine else ""
    tls = "TLSv1.3" if ja4 else ""
    h1 = Labelled(
        human=True, family="", client=one.name, version="", behaviour="", disguise="none", generated=False, session="",
        step=0, time=0.0, address="192.0.2.1", method=one.method, target="/", http="HTTP/1.1", secure=True,
        host="site.test", headers=one.headers, body=0 if one.method == "GET" else 40, kind="other", status=200,
        content_type="", ja3="", ja4=ja4.replace("h2_", "h1_"), tls=tls, cipher="", http2="", since=None,
    )  # fmt: skip
    small = tuple((name.lower(), value) for name, value in one.headers if name.lower() != "connection")
    if one.engine:
        yield _ON_TLS[0], h1._replace(http="HTTP/2", headers=small, ja4=ja4, http2=HTTP2[one.engine])
        yield _ON_TLS[1], h1
    yield "TLS that ended before", h1._replace(ja4="", tls="")
    yield "through a proxy of HTTP/1.0", through_proxy(h1)
    yield "plain http", plainly(h1)


def judged(model: Model) -> Iterator[tuple[str, dict[str, int]]]:
    """The score of each by each way; 1 where a fingerprint of the heuristics matches."""
    heuristics, vectors, say = Heuristics.load(shipped_fingerprints()), Vectors(shipped_clients()), says(model)
    for one in strangers():
        given: dict[str, int] = {}
        for way, request in ways(one):
            known = facts(request)
            found = heuristics.assess(known) is not None
            given[way] = 1 if found else int(scores(say(np.stack([vectors.of(known)])))[0])
        yield one.name, given


def without_referer(model: Model, data: Path, hold: frozenset[str]) -> Iterator[tuple[str, Share, Share, Share]]:
    """People's first requests, all of them, and visits with any, below 30 on sites that shorten Referer."""
    for name, none, origin in (("no-referrer", 1.0, 0.0), ("origin", 0.0, 1.0)):
        held = (one for one in read(data) if one.human and (not hold or one.client in hold or one.family in hold))
        rows = table(replay(shortened(held, 1, none, origin)))
        given = scores(says(model)(rows.vectors))
        low = set(rows.sessions[given < 30].tolist())
        visits = Share(len(low), len(set(rows.sessions.tolist())))
        yield name, below(given[rows.steps == 0]), below(given), visits


def main() -> None:
    """Print the tables."""
    from lab.targets import DATA, MODEL

    model = decode(MODEL.read_bytes(), NAMES)
    every = dict(judged(model))
    names = list(next(iter(every.values())))
    print(f"| browser | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for name, given in every.items():
        print(f"| {name} | {' | '.join(str(given.get(way, '')) for way in names)} |")
    print("\n| Referrer-Policy | first requests below 30 | any request | visits with one |\n|---|---|---|---|")
    for line in without_referer(model, DATA, frozenset()):
        print(f"| {' | '.join(map(str, line))} |")


if __name__ == "__main__":
    main()
