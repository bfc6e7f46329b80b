"""The figures of `docs/detection.md`: what the shipped model and the heuristics do to clients not fitted on.

`python -m lab.targets --hold FAMILY …` with the families and clients that the model was held back from. Every share
comes with its number and Wilson's 95 % interval. `as first` is every request asked as if it were the first of its
caller: no session, and no past. A second table has each client by itself, as on a site without JavaScript detections.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring import Heuristics, shipped_fingerprints, smoothing
from botproxy.scoring.ml import NAMES, Model, Vectors, decode
from botproxy.tls import shipped_clients
from botproxy.training.baselines import LogisticRegression
from botproxy.training.dataset import Labelled, facts, read
from botproxy.training.evaluation import says, scores
from botproxy.training.laboratory import relatives
from botproxy.training.measuring import Share, below
from botproxy.training.replaying import DRIVEN, TEXT_BROWSERS, replay
from botproxy.training.samples import Matrix, Numbers, Table, Truths, as_first, table, weights
from botproxy.training.splitting import held_back
from botproxy.training.terminated import varied

IMPERSONATING: Final = frozenset(("primp", "curl-cffi", "cloudscraper", "got-scraping"))
DATA: Final = Path("lab/data/traffic.jsonl.xz")
MODEL: Final = Path("botproxy/scoring/ml/default.model")
FIFTH: Final = 5
RELATIVE: Final = "as-"
"""How names of clients begin that are somebody else's visit told again (`training.kindred`)."""
SINGLE: Final = Path("tests/data/clients/browsers.jsonl")
"""Single requests of browsers on a screen, recorded over HTTP/1.1 (`lab.record`); nothing is fitted on them."""

_SILENT: Final = [NAMES.index(name) for name in NAMES if name.endswith("_silent")]
_PURPOSE: Final = NAMES.index("purpose")
_PURPOSES: Final = (
    (0, "that do not say what they are for"), (1, "for pages and frames"), (2, "for parts of pages"),
    (3, "of scripts"), (4, "for workers"), (5, "for WebSockets"), (6, "before others (preflights)"),
)  # fmt: skip


class Judged(NamedTuple):
    """Held-back requests, and their scores."""

    rows: Table
    plain: Truths  # of a library or a scanner that makes no attempt at TLS
    disguise: np.ndarray
    pages: np.ndarray  # which page of its visit it is, from 1; half a one more for what comes after a page
    model: Numbers
    alone_first: Numbers
    undetected: Numbers  # where no JavaScript detections run
    logistic: Numbers

    @property
    def whole(self) -> Numbers:
        """With the heuristics: what they find has score 1."""
        return np.where(self.rows.heuristics, 1, self.model)

    @property
    def heuristics(self) -> Numbers:
        """The heuristics alone: what they do not find has score 50."""
        return np.where(self.rows.heuristics, 1, 50)


def judged(model: Model, hold: tuple[str, ...]) -> Judged:
    """The held-back part of the data set, as recorded and as it would have come otherwise."""
    requests = [*read(DATA), *varied(read(DATA), 1)]
    rows = table([*replay(read(DATA)), *replay(varied(read(DATA), 1), 1)])
    held = held_back(rows, hold)
    pages = _pages(requests)
    fitted, mine = rows.where(~held), rows.where(held)
    say = says(model)
    logistic = LogisticRegression(fitted.vectors, fitted.human, weights(fitted, model.prior))
    disguise = np.array([each.partition(", ")[2] or "none" for each in mine.behaviours.tolist()])
    odd = np.isin(mine.families, sorted(DRIVEN | IMPERSONATING))
    return Judged(
        mine,
        ~mine.human & ~odd,
        disguise,
        pages[held],
        scores(say(mine.vectors)),
        scores(say(as_first(mine.vectors))),
        scores(say(_undetected(mine.vectors))),
        scores(logistic.probabilities(mine.vectors)),
    )


def _undetected(vectors: Matrix) -> Matrix:
    changed = vectors.copy()
    changed[:, _SILENT] = np.nan
    return changed


def _pages(requests: Iterable[Labelled]) -> np.ndarray:
    seen: dict[str, int] = {}
    found: list[float] = []
    for one in requests:
        if one.step == 0:
            seen[one.session] = 0
        page = one.kind == "page" and one.status < 400
        seen[one.session] = seen.get(one.session, 0) + page
        found.append(seen[one.session] + (0.0 if page else 0.5))
    return np.array(found)


def lines(found: Judged) -> Iterator[tuple[str, str, str, str, str, str]]:
    """What is asked, the target, and shares: everything, without heuristics, logistic regression, heuristics alone."""
    rows, first = found.rows, found.rows.steps == 0

    def shares(chosen: Truths) -> tuple[str, str, str, str]:
        every = (found.whole, found.model, found.logistic, found.heuristics)
        return (*(str(below(each[chosen])) for each in every),)  # type: ignore[return-value]

    for name, disguise, target in (
        ("libraries and scanners as they are, first request", "none", "≥ 99.5 %"),
        ("the same with a browser's User-Agent, first request", "agent", ""),
        ("the same with all visible headers of a browser, first request", "headers", ""),
    ):
        yield (name, target, *shares(found.plain & first & (found.disguise == disguise)))
    for name, disguise, target in (
        ("libraries and scanners as they are, every request as first", "none", "≥ 99.5 %"),
        ("the same with a browser's User-Agent, every request as first", "agent", ""),
        ("the same with all visible headers of a browser, every request as first", "headers", ""),
    ):
        chosen = found.plain & (found.disguise == disguise)
        whole = np.where(rows.heuristics, 1, found.alone_first)
        yield (
            name, target, str(below(whole[chosen])), str(below(found.alone_first[chosen])), "",
            str(below(found.heuristics[chosen])),
        )  # fmt: skip
    impersonating = ~rows.human & (found.disguise == "tls")
    stealthy = ~rows.human & (found.disguise == "stealth")
    for name, chosen, target in (
        ("impersonators of TLS and headers, visits below 30 by their fifth page", impersonating, "≥ 95 %"),
        ("automation with a plug-in against detection, likewise, without JavaScript detections", stealthy, ""),
    ):
        parts = [by_fifth(found, chosen, each) for each in (found.whole, found.model, found.logistic, found.heuristics)]
        yield (name, target, *map(str, parts))  # type: ignore[misc]
    smoothed = [by_fifth(found, impersonating, lent(rows, each)) for each in (found.whole, found.model)]
    yield ("impersonators by their fifth page, with what sessions lend", "≥ 95 %", *map(str, smoothed), "", "")  # type: ignore[misc]
    later = rows.steps >= FIFTH - 1
    yield ("impersonators, requests from the fifth on", "", *shares(impersonating & later))
    yield ("people, first request", "≤ 0.5 %", *shares(rows.human & first))
    yield ("people, from the fifth request on", "≤ 0.5 %", *shares(rows.human & later))
    mainstream = rows.human & ~np.isin(rows.families, sorted(TEXT_BROWSERS))
    recorded = mainstream & ~np.char.startswith(rows.families, "generated-")
    for name, chosen in (
        ("people's visits with any request below 30", mainstream),
        ("… of them recorded ones, of real browsers", recorded),
    ):
        every = [visits(found, chosen, each) for each in (found.whole, found.model, found.logistic, found.heuristics)]
        yield (name, "none", *map(str, every))  # type: ignore[misc]
        smoothed = [visits(found, chosen, lent(rows, each)) for each in (found.whole, found.model)]
        yield ("… the same with what sessions lend, as rules see it", "none", *map(str, smoothed), "", "")  # type: ignore[misc]
    for code, what in _PURPOSES:
        chosen = mainstream & (rows.vectors[:, _PURPOSE] == code)
        first = np.where(rows.heuristics, 1, found.alone_first)
        yield (
            f"people's requests {what}, every one as first", "≤ 0.5 %", str(below(first[chosen])),
            str(below(found.alone_first[chosen])), "", str(below(found.heuristics[chosen])),
        )  # fmt: skip
        yield (f"people's requests {what}", "≤ 0.5 %", *shares(chosen))


def singly(found: Judged) -> Iterator[tuple[str, str, str, str, str]]:
    """Each client: requests, the first ones, those from the fifth on, and visits found by their fifth page; all with
    the heuristics, and without JavaScript detections.
    """
    rows = found.rows
    given = np.where(rows.heuristics, 1, found.undetected)
    first, later = rows.steps == 0, rows.steps >= FIFTH - 1
    for human in (True, False):
        names = rows.clients if human else rows.families
        for name in sorted(set(names[rows.human == human].tolist())):
            mine = (rows.human == human) & (names == name)
            parts = (below(given[mine]), below(given[mine & first]), below(given[mine & later]))
            yield (name, *map(str, parts), str(by_fifth(found, mine, given)))


def as_others(model: Model, hold: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """What judges, as browsers that judge: a name, the target, and shares of everything and of the model alone."""
    rows = table(relatives(DATA, hold, True))
    given = scores(says(model)(rows.vectors))
    whole = np.where(rows.heuristics, 1, given)
    first, bots = rows.steps == 0, ~rows.human
    copied = np.char.endswith(rows.behaviours, ", headers")
    for name, target, chosen in (
        ("people with browsers of no laboratory, first request", "≤ 0.5 %", rows.human & first),
        ("people with browsers of no laboratory, every request", "≤ 0.5 %", rows.human),
        ("bots that copy those browsers' headers, first request", "", bots & copied & first),
        ("bots that copy those browsers' headers, every request", "", bots & copied),
    ):
        yield name, target, str(below(whole[chosen])), str(below(given[chosen]))


def single(model: Model) -> Iterator[tuple[str, Share, Share]]:
    """Single requests of real browsers, each as somebody's first: everything, and the model alone."""
    heuristics, vectors, say = Heuristics.load(shipped_fingerprints()), Vectors(shipped_clients()), says(model)
    for scheme in ("https", "http"):
        found = [facts(one) for one in _single() if one.secure is (scheme == "https")]
        given = scores(say(np.stack([vectors.of(one) for one in found])))
        matched = np.array([heuristics.assess(one) is not None for one in found])
        yield f"single requests of real browsers over {scheme}", below(np.where(matched, 1, given)), below(given)


def _single() -> Iterator[Labelled]:
    for line in SINGLE.read_text().splitlines():
        one = json.loads(line)
        yield Labelled(
            human=True, family="", client=one["client"], version="", behaviour="", disguise="none", generated=False,
            session="", step=0, time=0.0, address="192.0.2.1", method=one["method"], target=one["target"],
            http=one["version"], secure=one["scheme"] == "https", host="site.test",
            headers=tuple((name, value) for name, value in one["headers"]), body=0, kind="other", status=200,
            content_type="", ja3="", ja4="", tls="", cipher="", http2="", since=None,
        )  # fmt: skip


def by_fifth(found: Judged, chosen: Truths, given: Numbers) -> Share:
    """Of visits with at least five pages, those that had a score below 30 by the fifth."""
    long = set(found.rows.sessions[chosen & (found.pages >= FIFTH)].tolist())
    low = set(found.rows.sessions[chosen & (found.pages <= FIFTH) & (given < 30)].tolist())
    return Share(len(long & low), len(long))


def lent(rows: Table, given: Numbers) -> Numbers:
    """The scores with what sessions lend (`scoring.smoothing`)."""
    highest: dict[tuple[str, bool], float] = {}
    lifted = given.copy()
    half = len(given) // 2
    sessions, told = rows.sessions.tolist(), rows.vectors[:, NAMES.index("session")] > 0
    for at, (session, score) in enumerate(zip(sessions, given.tolist(), strict=True)):
        key = (session, at < half)  # as recorded, and as it would have come otherwise
        before = highest.get(key, 0.0)
        if told[at] and score > 1 and before > score:
            lifted[at] = score + smoothing.lent(int(score), int(before))
        highest[key] = max(before, score)
    return lifted


def visits(found: Judged, chosen: Truths, given: Numbers) -> Share:
    """Visits with any score below 30."""
    every = set(found.rows.sessions[chosen].tolist())
    return Share(len(set(found.rows.sessions[chosen & (given < 30)].tolist())), len(every))


def drawn(model: Model, number: int, seed: int) -> Iterator[tuple[str, Share]]:
    """People drawn anew from the public model of devices, each with a first request."""
    from lab.traffic import generated

    firsts = [visit[0]._replace(time=float(at)) for at, visit in enumerate(generated(number, seed))]
    for name, requests in (("as drawn", firsts), ("as they would have come otherwise", list(varied(firsts, seed)))):
        vectors: Matrix = table(replay(requests)).vectors
        yield name, below(scores(says(model)(vectors)))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hold", action="append", default=[])
    parser.add_argument("--drawn", type=int, default=0, help="people to draw; needs apify_fingerprint_datapoints")
    asked = parser.parse_args()
    recorded = tuple(name for name in asked.hold if not name.startswith(RELATIVE))
    model = decode(MODEL.read_bytes(), NAMES)
    print("| below 30 | target | everything | without heuristics | logistic regression | heuristics alone |")
    print("|---|---|---|---|---|---|")
    found = judged(model, recorded)
    for line in lines(found):
        print(f"| {' | '.join(line)} |")
    for told in as_others(model, tuple(asked.hold)):
        print(f"| {' | '.join(told)} | | |")
    for name, whole, alone in single(model):
        print(f"| {name} | none | {whole} | {alone} | | |")
    if asked.drawn:
        for name, share in drawn(model, asked.drawn, 20_269):
            print(f"| header sets of real devices, first request, {name} | ≤ 0.5 % | {share} | {share} | | |")
    print(
        "\n| without JavaScript detections | below 30 | first request | from the fifth on | visits by the fifth page |"
    )
    print("|---|---|---|---|---|")
    for each in singly(found):
        print(f"| {' | '.join(each)} |")


if __name__ == "__main__":
    main()
