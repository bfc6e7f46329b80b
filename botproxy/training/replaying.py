"""Labelled requests lived through again in order of time, so that each has the past that it had."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Final

from botproxy.scoring import Heuristics, shipped_fingerprints
from botproxy.scoring.ml import Vectors
from botproxy.tls import shipped_clients
from botproxy.traffic import Profiles, Seen
from botproxy.training.dataset import Labelled, facts
from botproxy.training.samples import Sample

_SECRET: Final = b"of a replay, where nobody attacks"


def replay(requests: Iterable[Labelled], seed: int = 1) -> Iterator[Sample]:
    """A sample for each request. Profiles are those of this data set alone, and the same each time."""
    drawn = random.Random(seed)  # noqa: S311 - the same each time is what is wanted
    profiles = Profiles(_SECRET, drawn.randbytes)
    vectors = Vectors(shipped_clients())
    heuristics = Heuristics.load(shipped_fingerprints())
    for one in requests:
        made = facts(one)
        now = made.request.received
        keys = profiles.keys(made.request, made.client, one.session if made.session is not None else "")
        made = made._replace(profile=profiles.read(keys, now))
        found = heuristics.assess(made) is not None
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
        profiles.observe(
            keys,
            made.request,
            Seen(now, one.status, one.content_type.encode("latin-1"), made.static_resource, 0, False, found),
        )
