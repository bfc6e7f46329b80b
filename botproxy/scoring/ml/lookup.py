"""Trees asked by looking up instead of comparing, for the way of a request.

A feature's value lies between two of the borders that the trees ask it about, and that answers all questions about it
at once. So for each feature and each place between its borders the answers are kept ready as the bits of one integer:
two bytes a tree (four in large models), which hold where its leaves begin and, below that, the number of the leaf. The
integers of all features, combined by `or`, are the places of all leaves. What repeats is kept combined: of a kind of
header block, a kind of connection, a request's line.

The sum over the leaves is the one that `Trees` makes, in another order.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import count
from math import inf, nextafter
from typing import Any, Final, final

import numpy as np

from botproxy.model import Facts
from botproxy.rules.tls_client import FITS, tls_fit
from botproxy.scoring.ml import block, caller, moment
from botproxy.scoring.ml.model import Model, score_of_log_odds
from botproxy.scoring.ml.vector import NAMES

_SHORT: Final = 1 << 16
_LINE: Final = block.COUNT
_CONNECTION: Final = _LINE + moment.LINE
_FIT: Final = _CONNECTION + moment.CONNECTION
_SESSION: Final = _FIT + 1
_VISITOR: Final = block.COUNT + moment.COUNT
_BESIDE: Final = _VISITOR + caller.VISITOR

ANSWERED: Final = 1_024
"""Sums that are remembered, with all that they follow from some 700 bytes each; when full they are all forgotten. A
flood asks for the same few again and again, and so do first requests."""

_numbers = count()

Questions = tuple[tuple[int, list[float], list[int]], ...]
"""Of some features in a row: which one, its borders in ascending order, and the answers below, between and above."""


@final
class Lookup:
    """One model, made ready: about as many integers as it has different questions, of two bytes a tree."""

    __slots__ = (
        "_answered", "_beside", "_bias", "_block", "_connection", "_contradicts", "_fits", "_keys", "_leaves", "_line",
        "_lines", "_no_session", "_number", "_offset", "_ones", "_scale", "_session", "_size", "_slope", "_start",
        "_type", "_visitor",
    )  # fmt: skip

    def __init__(self, model: Model) -> None:
        trees = model.trees
        features, borders = trees.splits
        number, depth = features.shape
        width = 2 if number << depth <= _SHORT else 4
        self._size: Final = number * width
        self._type: Final[Any] = np.dtype(f"<u{width}")
        self._leaves: Final[Any] = np.ascontiguousarray(trees.leaves).reshape(-1)
        self._ones: Final[Any] = np.ones(number)
        self._scale: Final = trees.scale
        self._bias: Final = trees.bias
        self._slope: Final = model.calibration.slope
        self._offset: Final = model.calibration.offset
        self._start: Final = int.from_bytes((np.arange(number) << depth).astype(self._type).tobytes(), "little")
        asked: dict[int, dict[float, int]] = {}
        for tree in range(number):
            for level in range(depth):
                place = NAMES.index(model.features[int(features[tree, level])])
                true = asked.setdefault(place, {})
                border = threshold(borders[tree, level])
                true[border] = true.get(border, 0) | 1 << (8 * width * tree + level)
        self._block: Final = _questions(asked, 0, _LINE)
        self._line: Final = _questions(asked, _LINE, _CONNECTION)
        self._connection: Final = _questions(asked, _CONNECTION, _FIT)
        fit = _questions(asked, _FIT, _SESSION)
        self._fits: Final = _look_up(fit, (1.0,))
        self._contradicts: Final = _look_up(fit, (0.0,))
        self._session: Final = _questions(asked, _SESSION, _VISITOR)
        self._no_session: Final = _look_up(self._session, moment.NO_SESSION)
        self._visitor: Final = _questions(asked, _VISITOR, _BESIDE)
        self._beside: Final = _questions(asked, _BESIDE, len(NAMES))
        self._lines: Final[dict[tuple[float, ...], int]] = {}  # a line's features have a few hundred values together
        self._answered: Final[dict[int, float]] = {}
        self._number: Final = next(_numbers)
        self._keys: Final = {True: f"scoring.ml.{self._number}.https", False: f"scoring.ml.{self._number}.http"}

    def score(self, facts: Facts, moments: moment.Moments) -> int:
        """The bot score of a request, as the model gives it for its vector."""
        return score_of_log_odds(self.log_odds(facts, moments))

    def log_odds(self, facts: Facts, moments: moment.Moments) -> float:
        """Calibrated log-odds that a person sent it."""
        request = facts.request
        headers = request.headers
        kind = headers.kind
        key = self._keys[request.secure]
        known = kind.get(key)
        if isinstance(known, int):
            bits = known
        else:
            bits = self._start | _look_up(self._block, block.read(headers, request.secure))
            kind[key] = bits
        line = moment.line(facts)
        more = self._lines.get(line, -1)
        if more < 0:
            more = self._lines[line] = _look_up(self._line, line)
        bits |= more
        connection = moments.connection(facts.client)
        more = connection.memo.get(self._number, -1)
        if more < 0:
            more = connection.memo[self._number] = _look_up(self._connection, connection.features)
        bits |= more
        client = connection.client
        if client is not None:
            word = tls_fit(client, moment.claimed(headers))
            if word is not None:
                bits |= self._fits if word == FITS else self._contradicts
        bits |= self._no_session if facts.session is None else _look_up(self._session, moment.session(facts))
        profile = facts.profile
        if profile is not None:
            visitor = caller.visitor(profile)
            if visitor is not caller.UNKNOWN:
                bits |= _look_up(self._visitor, visitor)
            beside = caller.beside(profile, facts)
            if beside is not caller.NOTHING:
                bits |= _look_up(self._beside, beside)
        answered = self._answered
        said = answered.get(bits)
        if said is None:
            places: Any = np.frombuffer(bits.to_bytes(self._size, "little"), self._type)
            total = float(self._leaves.take(places).dot(self._ones))
            if len(answered) >= ANSWERED:
                answered.clear()
            said = answered[bits] = self._slope * (total * self._scale + self._bias) + self._offset
        return said


def _look_up(questions: Questions, values: tuple[float, ...]) -> int:
    """The answers of these features together."""
    bits = 0
    for at, borders, answers in questions:
        value = values[at]
        if value == value:  # and so not missing
            bits |= answers[bisect_left(borders, value)]
    return bits


def _questions(asked: dict[int, dict[float, int]], begin: int, end: int) -> Questions:
    found: list[tuple[int, list[float], list[int]]] = []
    for place in range(begin, end):
        if place not in asked:
            continue
        answers = [0]
        borders = sorted(asked[place])
        for border in borders:
            answers.append(answers[-1] | asked[place][border])
        found.append((place - begin, borders, answers))
    return tuple(found)


def threshold(border: Any) -> float:
    """What a number has to be greater than, to be greater than this border once it is rounded to 32 bits.

    Half-way to the next of 32 bits; a tie goes to the even one of the two (IEEE 754).
    """
    low = np.float32(border)
    if not np.isfinite(low):
        return float(low)
    half = (float(low) + float(np.nextafter(low, np.float32(inf)))) / 2
    return nextafter(half, -inf) if int(low.view(np.uint32)) & 1 else half
