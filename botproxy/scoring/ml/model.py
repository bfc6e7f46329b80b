"""A fitted model as a file: everything that scoring needs, bounded and checked before a byte of it is used.

    8 bytes   b"botproxM"
    4 bytes   length of the header, big-endian
    header    JSON: what the model is, how it was made, and the shape of the arrays
    arrays    features (uint16), borders (float32), leaves (float64), weights (float32), little-endian
    32 bytes  SHA-256 of everything before

A damaged, oversized or foreign file is refused with a sentence; nothing of it is executed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from botproxy.errors import OperatorError
from botproxy.scoring.ml.trees import Doubles, Floats, Trees

MAGIC: Final = b"botproxM"
FORMAT: Final = 1
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_HEADER: Final = 256 * 1024
MAX_TREES: Final = 2_000
MAX_DEPTH: Final = 8
MAX_FEATURES: Final = 200
"""The original once took its sites down with a file of features that was larger than expected; here it is refused."""

_DIGEST: Final = 32
_LARGEST: Final = 1e6


class ModelError(OperatorError):
    """A file is no model that can be used here; the text says why."""


class Calibration(NamedTuple):
    """From the log-odds of the trees to those of a person, at the stated prior: `slope` · log-odds + `offset`."""

    slope: float = 1.0
    offset: float = 0.0


class Model(NamedTuple):
    """A model. `features` are names, in the order in which the trees number them."""

    version: str
    features: tuple[str, ...]
    trees: Trees
    weights: Floats  # training requests that ended in each leaf, trees × 2**depth
    calibration: Calibration
    prior: float  # share of people that the calibration assumes
    card: Mapping[str, Any]  # how it was made, for people

    def log_odds(self, vector: Floats) -> float:
        """Calibrated log-odds that a person sent the request with this vector."""
        return self.calibration.slope * self.trees.value(vector) + self.calibration.offset

    def probability(self, vector: Floats) -> float:
        """Probability that a person sent it."""
        return _probability(self.log_odds(vector))

    def score(self, vector: Floats) -> int:
        """The bot score that follows: 2 to 99."""
        return score_of(self.probability(vector))


def score_of(probability: float) -> int:
    """From a probability to a score; 1 belongs to engines that are sure, and 100 does not exist."""
    score = round(100 * probability)
    return 2 if score < 2 else 99 if score > 99 else score


def score_of_log_odds(log_odds: float) -> int:
    """From calibrated log-odds to a score."""
    return score_of(_probability(log_odds))


def _probability(log_odds: float) -> float:
    if not -60.0 < log_odds < 60.0:
        log_odds = 60.0 if log_odds > 0.0 else -60.0
    return 1.0 / (1.0 + math.exp(-log_odds))


def encode(model: Model) -> bytes:
    """The file of a model."""
    features, borders = model.trees.splits
    header = {
        "format": FORMAT,
        "version": model.version,
        "features": model.features,
        "trees": int(features.shape[0]),
        "depth": int(features.shape[1]),
        "scale": model.trees.scale,
        "bias": model.trees.bias,
        "calibration": model.calibration._asdict(),
        "prior": model.prior,
        "card": model.card,
    }
    text = orjson.dumps(header, option=orjson.OPT_SORT_KEYS)
    body = b"".join(
        (
            MAGIC,
            len(text).to_bytes(4, "big"),
            text,
            features.astype("<u2").tobytes(),
            borders.astype("<f4").tobytes(),
            model.trees.leaves.astype("<f8").tobytes(),
            model.weights.astype("<f4").tobytes(),
        )
    )
    return body + hashlib.sha256(body).digest()


def decode(data: bytes, known: Sequence[str]) -> Model:
    """The model of a file. `known` are the names of features that this version computes. Raises `ModelError`."""
    if len(data) > MAX_BYTES:
        raise ModelError(f"the model has {len(data)} bytes; at most {MAX_BYTES} are taken")
    if len(data) < len(MAGIC) + 4 + _DIGEST or not data.startswith(MAGIC):
        raise ModelError("this is not a model file of botproxy")
    if hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise ModelError("the model file is damaged: its checksum does not fit")
    start = len(MAGIC) + 4
    length = int.from_bytes(data[len(MAGIC) : start], "big")
    if length > MAX_HEADER or start + length > len(data) - _DIGEST:
        raise ModelError("the model file is damaged: its header has no end")
    try:
        header = orjson.loads(data[start : start + length])
    except orjson.JSONDecodeError as problem:
        raise ModelError(f"the model file has a header that is no JSON: {problem}") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ModelError(f"the model file has another format than {FORMAT}, which this version reads")
    return _model(header, data[start + length : -_DIGEST], known)


def _model(header: dict[str, Any], arrays: bytes, known: Sequence[str]) -> Model:
    names = header.get("features")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not names:
        raise ModelError("the model file names no features")
    if len(names) > MAX_FEATURES:
        raise ModelError(f"the model uses {len(names)} features; at most {MAX_FEATURES} are taken")
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ModelError(f"the model uses features that this version does not compute: {', '.join(unknown[:5])}")
    trees, depth = _number(header, "trees", 1, MAX_TREES), _number(header, "depth", 1, MAX_DEPTH)
    count, leaves = trees * depth, trees * (1 << depth)
    sizes = (2 * count, 4 * count, 8 * leaves, 4 * leaves)
    if len(arrays) != sum(sizes):
        raise ModelError(f"the model file holds {len(arrays)} bytes of trees where {sum(sizes)} belong")
    pieces: list[bytes] = []
    at = 0
    for size in sizes:
        pieces.append(arrays[at : at + size])
        at += size
    features = np.frombuffer(pieces[0], "<u2").reshape(trees, depth).astype(np.intp)
    borders: Floats = np.frombuffer(pieces[1], "<f4").reshape(trees, depth).astype(np.float32)
    values: Doubles = np.frombuffer(pieces[2], "<f8").reshape(trees, 1 << depth).astype(np.float64)
    weights: Floats = np.frombuffer(pieces[3], "<f4").reshape(trees, 1 << depth).astype(np.float32)
    if int(features.max()) >= len(names):
        raise ModelError("the model asks for a feature that it does not name")
    if np.isnan(borders).any():
        raise ModelError("the model has borders that are no numbers")
    if not np.isfinite(values).all() or float(np.abs(values).max()) > _LARGEST:
        raise ModelError("the model has leaves that are no numbers, or out of bounds")
    if not np.isfinite(weights).all() or float(weights.min()) < 0:
        raise ModelError("the model has weights that are no numbers, or negative")
    calibration = header.get("calibration")
    if not isinstance(calibration, dict):
        raise ModelError("the model has no calibration")
    version = header.get("version")
    card = header.get("card")
    if not isinstance(version, str) or not 0 < len(version) <= 64 or not isinstance(card, dict):
        raise ModelError("the model does not say which version it is and how it was made")
    return Model(
        version=version,
        features=tuple(names),
        trees=Trees(features, borders, values, _real(header, "scale"), _real(header, "bias")),
        weights=weights,
        calibration=Calibration(_real(calibration, "slope", least=1e-6), _real(calibration, "offset")),
        prior=_real(header, "prior", least=1e-6, most=1 - 1e-6),
        card=card,
    )


def _number(header: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = header.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ModelError(f"the model's {name} is not a number from {least} to {most}")
    return value


def _real(header: Mapping[str, Any], name: str, least: float = -_LARGEST, most: float = _LARGEST) -> float:
    value = header.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ModelError(f"the model's {name} is out of bounds")
    return float(value)
