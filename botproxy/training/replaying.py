"""Labelled requests lived through again in order of time, so that each has the past that it had.

No JavaScript detections ran when they were recorded. Who would have reported is known all the same: browsers run
scripts, whoever drives them, and libraries do not. So most visits are replayed as on a site that hands the script out,
with a report of every browser but a few that block it, and the others as on a site that does not.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Final

from botproxy.scoring import Heuristics, shipped_fingerprints
from botproxy.scoring.ml import Vectors
from botproxy.tls import shipped_clients
from botproxy.traffic import Profiles, Seen
from botproxy.traffic.profiles import REPORTS, SCRIPTS
from botproxy.training.accompanied import COMPANY
from botproxy.training.dataset import Labelled, facts
from botproxy.training.samples import Sample

DETECTING: Final = 0.7
"""Share of visits to a site that hands the script of JavaScript detections out."""

BLOCKING: Final = 0.03
"""Share of people's visits whose browser blocks it."""

DRIVEN: Final = frozenset(
    ("playwright", "playwright-stealth", "patchright", "puppeteer", "puppeteer-stealth", "selenium", "undetected")
)
"""Families of bots that are browsers, and run scripts."""

TEXT_BROWSERS: Final = frozenset(("elinks", "links2", "lynx", "netsurf", "w3m"))
"""Families of people's browsers that do not."""

_FRESH_SECONDS: Final = 15 * 60.0
"""For which a report counts: a page meanwhile comes without the script."""

_SECRET: Final = b"of a replay, where nobody attacks"


def replay(requests: Iterable[Labelled], seed: int = 1) -> Iterator[Sample]:
    """A sample for each request, but for those of company. Profiles are those of this data set alone, and the same each
    time.
    """
    drawn = random.Random(seed)  # noqa: S311 - the same each time is what is wanted
    profiles = Profiles(_SECRET, drawn.randbytes)
    vectors = Vectors(shipped_clients())
    heuristics = Heuristics.load(shipped_fingerprints())
    detections = _Detections(seed)
    for one in requests:
        made = facts(one)
        now = made.request.received
        keys = profiles.keys(made.request, made.client, one.session if made.session is not None else "")
        made = made._replace(profile=profiles.read(keys, now))
        found = heuristics.assess(made) is not None
        if one.family != COMPANY:
            yield Sample(
                vectors.of(made),
                one.human,
                one.family,
                one.client,
                one.behaviour if one.disguise == "none" else f"{one.behaviour}, {one.disguise}",
                one.session,
                one.step,
                found,
            )
        handed, reported = detections.of(one)
        if handed:
            profiles.note(keys, SCRIPTS, now)
        profiles.observe(
            keys,
            made.request,
            Seen(now, one.status, one.content_type.encode("latin-1"), made.static_resource, 0, False, found),
        )
        if reported:
            profiles.note(keys, REPORTS, now)


class _Detections:
    """Whose pages come with the script, and who reports."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._on: dict[str, tuple[bool, bool]] = {}
        self._fresh: dict[str, float] = {}

    def of(self, one: Labelled) -> tuple[bool, bool]:
        """Whether this page is handed out with the script, and whether a report follows."""
        page = one.kind == "page" and one.status == 200 and one.content_type.startswith("text/html")
        if not page or one.method != "GET" or one.http == "HTTP/1.0":
            return False, False
        known = self._on.get(one.session)
        if known is None:
            drawn = random.Random(f"{self._seed} {one.session}")  # noqa: S311 - the same each time is what is wanted
            detecting, blocked = drawn.random() < DETECTING, drawn.random() < BLOCKING
            runs = one.family not in TEXT_BROWSERS and not blocked if one.human else one.family in DRIVEN
            known = self._on[one.session] = detecting, runs
        detecting, runs = known
        if not detecting or (one.since is not None and self._fresh.get(one.session, -1.0) > one.time):
            return False, False
        if runs:
            self._fresh[one.session] = one.time + _FRESH_SECONDS
        return True, runs
