"""The same visits on a site that keeps Referer short: none at all, or the origin alone.

`Referrer-Policy: no-referrer` is what a popular middleware sends when nobody says otherwise, and what sites that care
for privacy choose. There nobody says where he comes from: not people on their tenth page, not pictures, not style
sheets. A model that never saw such a site takes all of its visitors for programs. Which site it was is drawn by visit
and never by label. Source: W3C Referrer Policy, section 3.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Final

from botproxy.training.dataset import Labelled

NONE: Final = 0.2
"""Share of visits to a site with `no-referrer`."""

ORIGIN: Final = 0.1
"""Share of visits to a site with `origin`."""


def shortened(
    requests: Iterable[Labelled], seed: int, none: float = NONE, origin: float = ORIGIN
) -> Iterator[Labelled]:
    """Every visit; some of them as on such a site. What comes from other sites keeps its Referer."""
    for one in requests:
        drawn = random.Random(f"{seed} {one.session}").random()  # noqa: S311 - the same each time is what is wanted
        if drawn < none:
            yield _changed(one, "")
        elif drawn < none + origin:
            yield _changed(one, f"{'https' if one.secure else 'http'}://{one.host}/")
        else:
            yield one


def _changed(one: Labelled, own: str) -> Labelled:
    headers = []
    for name, value in one.headers:
        if name.lower() == "referer" and f"//{one.host}/" in value:
            if own:
                headers.append((name, own))
        else:
            headers.append((name, value))
    return one._replace(headers=tuple(headers), short_referer=True)
