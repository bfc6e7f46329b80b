from __future__ import annotations

import hashlib

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.scoring.ml import Calibration, Model, ModelError, Trees, decode, encode, score_of
from botproxy.scoring.ml.model import MAGIC, MAX_BYTES

KNOWN = ("one", "two", "three")


def model(**changes: object) -> Model:
    made = Model(
        version="2026.1",
        features=("one", "three"),
        trees=Trees(
            np.array([[0, 1], [1, 1]], np.intp),
            np.array([[0.5, 1.5], [2.5, 3.5]], np.float32),
            np.array([[-1.0, 1.0, -2.0, 2.0], [0.0, 0.5, 0.0, -0.5]]),
        ),
        weights=np.ones((2, 4), np.float32),
        calibration=Calibration(1.0, 0.0),
        prior=0.5,
        card={"requests": 4},
    )
    return made._replace(**changes)


def rewritten(data: bytes, **changes: object) -> bytes:
    """The same file with other words in its header, and a checksum that fits."""
    start = len(MAGIC) + 4
    length = int.from_bytes(data[len(MAGIC) : start], "big")
    header = orjson.loads(data[start : start + length]) | changes
    text = orjson.dumps(header)
    body = MAGIC + len(text).to_bytes(4, "big") + text + data[start + length : -32]
    return body + hashlib.sha256(body).digest()


def test_what_is_written_is_read_again() -> None:
    read = decode(encode(model()), KNOWN)
    vector = np.array([1.0, 2.0], np.float32)
    assert read.features == ("one", "three")
    assert read.card == {"requests": 4}
    assert read.log_odds(vector) == model().log_odds(vector) == 2.0


def test_one_changed_byte_anywhere_is_refused() -> None:
    data = encode(model())
    for at in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(ModelError):
            decode(bytes(damaged), KNOWN)


@given(st.binary(max_size=300))
def test_what_is_no_model_is_refused_with_a_sentence(data: bytes) -> None:
    for candidate in (data, MAGIC + data, MAGIC + data + hashlib.sha256(MAGIC + data).digest()):
        with pytest.raises(ModelError):
            decode(candidate, KNOWN)


def test_a_model_that_is_too_large_is_not_even_read() -> None:
    with pytest.raises(ModelError, match="at most"):
        decode(b"x" * (MAX_BYTES + 1), KNOWN)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"format": 2}, "format"),
        ({"features": []}, "names no features"),
        ({"features": ["one", "four"]}, "four"),
        ({"features": [f"f{number}" for number in range(201)]}, "at most 200"),
        ({"features": ["one"]}, "does not name"),
        ({"trees": 3}, "bytes of trees"),
        ({"trees": 10**9}, "trees"),
        ({"depth": True}, "depth"),
        ({"scale": "1"}, "scale"),
        ({"prior": 1.0}, "prior"),
        ({"calibration": {"slope": -1.0, "offset": 0.0}}, "slope"),
        ({"version": ""}, "version"),
        ({"card": None}, "how it was made"),
    ],
)
def test_a_header_out_of_bounds_is_refused(changes: dict[str, object], word: str) -> None:
    with pytest.raises(ModelError, match=word):
        decode(rewritten(encode(model()), **changes), KNOWN)


def test_leaves_and_borders_have_to_be_numbers() -> None:
    features, borders = model().trees.splits
    for trees in (
        Trees(features, borders, np.full((2, 4), np.nan)),
        Trees(features, borders, np.full((2, 4), 1e7)),
        Trees(features, np.full((2, 2), np.nan, np.float32), np.zeros((2, 4))),
    ):
        with pytest.raises(ModelError):
            decode(encode(model(trees=trees)), KNOWN)


def test_scores_leave_one_to_engines_that_are_sure() -> None:
    assert [score_of(probability) for probability in (0.0, 0.004, 0.02, 0.297, 0.5, 0.994, 1.0)] == [
        2,
        2,
        2,
        30,
        50,
        99,
        99,
    ]
