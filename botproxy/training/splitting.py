"""What a model is fitted on, and what judges it: other clients of the laboratory, newer requests of a site."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from botproxy.errors import OperatorError
from botproxy.training.own_events import Own
from botproxy.training.samples import Sample, Table, Truths

_HELD_OF: Final = 4
LATER: Final = 0.25
"""Share of an operator's labelled requests, the newest, that judge."""


def held_back(rows: Table, names: tuple[str, ...]) -> Truths:
    """Which rows nothing is fitted on: those of the named families and clients, or of every fourth by its name's hash.

    Of people whole clients are held back, and not whole families: there are three engines, and all are to be learned.
    Raises `OperatorError` for a name that nobody has.
    """
    groups = np.where(rows.human, rows.clients, rows.families)
    there = sorted({*rows.families.tolist(), *rows.clients.tolist()})
    unknown = sorted(set(names) - set(there))
    if unknown:
        raise OperatorError(f"no requests of {', '.join(unknown)}; there are {', '.join(there)}")
    if names:
        return np.isin(rows.families, names) | np.isin(rows.clients, names)
    chosen = [name for name in sorted(set(groups.tolist())) if _by_hash(name)]
    return np.isin(groups, chosen)


def is_held(names: tuple[str, ...], human: bool, family: str, client: str) -> bool:
    """The same of one client."""
    return family in names or client in names if names else _by_hash(client if human else family)


def by_time(own: Own, later: float = LATER) -> tuple[list[Sample], list[Sample]]:
    """Samples to fit on, and the newer ones that judge. A session that began before stays with those before."""
    at = int(len(own.taken) * (1 - later))
    before = [one.sample for one in own.taken[:at]]
    known = {sample.session for sample in before}
    return before, [one.sample for one in own.taken[at:] if one.sample.session not in known]


def _by_hash(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] % _HELD_OF == 0
