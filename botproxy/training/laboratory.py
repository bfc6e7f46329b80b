"""The laboratory's visits as a table: as they were recorded, and as they would have come otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from botproxy.training.accompanied import accompanied
from botproxy.training.dataset import Labelled, read
from botproxy.training.kindred import KINDS, called, kindred
from botproxy.training.referrers import shortened
from botproxy.training.replaying import replay
from botproxy.training.samples import Sample, Table, table
from botproxy.training.sites import again_and_again, elsewhere
from botproxy.training.splitting import is_held
from botproxy.training.terminated import varied


def laboratory(data: Sequence[Path], hold: tuple[str, ...], seed: int = 1) -> Table:
    """Five times the visits of data sets: as recorded, by another way, on other sites, with others at their address,
    and by another browser.

    `hold` are the names of `splitting.held_back`. A visit that is held back is told again as a browser that is held
    back too, and others as others: what judges stays unseen. Raises `DatasetError`.
    """
    return table(chain.from_iterable(_ways(path, hold, seed) for path in data))


def _ways(path: Path, hold: tuple[str, ...], seed: int) -> Iterator[Sample]:
    yield from replay(read(path))
    yield from replay(varied(read(path), seed), seed)
    yield from replay(told_again(read(path), seed), seed)
    for judging in (False, True):
        yield from replay(varied(accompanied(_part(path, hold, judging), seed), seed + 1), seed + 1)
        yield from relatives(path, hold, judging, seed)


def relatives(path: Path, hold: tuple[str, ...], judging: bool, seed: int = 1) -> Iterator[Sample]:
    """The visits that judge, or those that do not, as other browsers: half of them straight, and half another way."""
    kinds = [kind for kind in KINDS if is_held(hold, True, "", called(kind)) is judging]

    def visits(half: int) -> Iterator[Labelled]:
        return told_again(_half(half, kindred(_part(path, hold, judging), seed, kinds)), seed)

    yield from replay(visits(0), seed)
    yield from replay(varied(visits(1), seed), seed)


def told_again(requests: Iterable[Labelled], seed: int) -> Iterator[Labelled]:
    """Visits to sites of other kinds."""
    return shortened(elsewhere(again_and_again(requests, seed), seed), seed)


def _part(path: Path, hold: tuple[str, ...], judging: bool) -> Iterator[Labelled]:
    return (one for one in read(path) if is_held(hold, one.human, one.family, one.client) is judging)


def _half(which: int, requests: Iterable[Labelled]) -> Iterator[Labelled]:
    """Every other visit."""
    number: dict[str, int] = {}
    for one in requests:
        if number.setdefault(one.session, len(number)) % 2 == which:
            yield one
