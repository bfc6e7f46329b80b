"""What is looked up equals what trees say of the vector, and so what CatBoost says (`test_trees`)."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.model import Behaviour, Crowd, Facts, Profile, Session, Tls
from botproxy.scoring import MachineLearningSettings, kept, load_model, shadowed
from botproxy.scoring.ml import NAMES, Calibration, MachineLearning, Model, Trees, Vectors
from botproxy.scoring.ml.lookup import ANSWERED, Lookup, threshold
from botproxy.scoring.ml.vector import chosen
from botproxy.tls import shipped_clients
from tests.scoring.recorded import CLIENTS, records

JA4S = ("", "t13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1617h2_86a278354501_a54fffd0eb61", "t12d0101_x_y")
HTTP2 = ("", "1:65536;4:6291456|15663105|0|m,a,s,p", "3:100|00|0|m,s,p,a", "junk")


def behaviour(drawn: random.Random) -> Behaviour:
    """Anything from a first request to a busy crawler, unknown figures too."""
    scale = drawn.choice((0.01, 1.0, 10.0, 1_000.0))
    figures = {name: drawn.random() * scale for name in Behaviour._fields}
    for name in ("idle", "gap_mean", "gap_deviation", "burst", "pages", "scripts"):
        if drawn.random() < 0.2:
            figures[name] = Behaviour._field_defaults[name]
    return Behaviour(**figures)


def varied(count: int) -> list[Facts]:
    """Recorded heads, each over a connection, from a session and with a past of some sort."""
    drawn = random.Random(5)
    made = []
    every = [record for file in sorted(CLIENTS.glob("*.jsonl")) for record in records(file.stem)]
    for record in drawn.sample(every, count):
        facts = record.facts()
        tls = Tls(drawn.choice(("TLSv1.3", "TLSv1.2")), "x", ja4=drawn.choice(JA4S)) if drawn.random() < 0.7 else None
        client = facts.client._replace(tls=tls, http2=drawn.choice(HTTP2))
        request = facts.request._replace(
            received=2_000.0,
            method=drawn.choice((b"GET", b"POST", b"HEAD", b"DELETE", b"MERGE")),
            path=drawn.choice((b"/", b"/login")),
            body_length=drawn.choice((0, 7, None)),
            version=drawn.choice(("HTTP/1.0", "HTTP/1.1", "HTTP/2")),
        )
        session = drawn.choice((None, Session("s", drawn.random() * 2_000.0, 1_990.0, 50)))
        profile = drawn.choice(
            (
                None,
                Profile(),
                Profile(
                    behaviour(drawn),
                    None,
                    Crowd(logins=drawn.random() * 9, login_failures=drawn.random() * 9),
                    visitor=behaviour(drawn),
                ),
                Profile(behaviour(drawn), own := behaviour(drawn), visitor=own),
            )
        )
        made.append(
            facts._replace(
                request=request, client=client, session=session, profile=profile, static_resource=drawn.random() < 0.3
            )
        )
    return made


def shipped() -> Model:
    model = load_model(MachineLearningSettings(enabled=True))
    assert model is not None
    return model


def made_up(trees: int, depth: int, names: tuple[str, ...], seed: int) -> Model:
    """A model that asks about everything that it names, at borders that values do reach."""
    random = np.random.default_rng(seed)
    features = random.integers(0, len(names), (trees, depth))
    borders = random.choice(np.float32([-0.5, 0.25, 0.5, 1.5, 2.5, 8.5, 100.5, np.inf]), (trees, depth))
    leaves = random.normal(size=(trees, 1 << depth))
    weights = np.ones((trees, 1 << depth), np.float32)
    calibration = Calibration(0.02, 0.1)
    return Model("made up", names, Trees(features, borders, leaves, 0.7, -0.2), weights, calibration, 0.5, {})


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(shipped(), id="shipped"),
        pytest.param(made_up(300, 6, NAMES, 1), id="all features"),
        pytest.param(made_up(3, 1, NAMES[70:40:-1], 2), id="some, in another order"),
        pytest.param(made_up(300, 8, NAMES, 3), id="more leaves than two bytes number"),
    ],
)
def test_it_equals_the_trees(model: Model) -> None:
    vectors, lookup = Vectors(shipped_clients()), Lookup(model)
    places = chosen(model.features) or list(range(len(NAMES)))
    facts = varied(400)
    told = [lookup.log_odds(one, vectors.moments) for one in facts]
    assert told == pytest.approx([model.log_odds(vectors.of(one)[places]) for one in facts], abs=1e-9)
    assert len(set(told)) > 100 or len(model.features) < len(NAMES)
    # And again, with what repeats in memory.
    assert [lookup.log_odds(one, vectors.moments) for one in facts] == told


def test_scores_are_those_of_the_vectors_that_events_hold() -> None:
    active, trial = shipped(), made_up(100, 6, NAMES, 4)
    engine = MachineLearning(active, shipped_clients(), record=True, trial=trial)
    for facts in varied(100):
        finding = engine.assess(facts)
        asked = kept(facts)
        assert asked is not None
        vector: Any = np.frombuffer(asked.vector, "<f4")
        assert finding.score == active.score(vector)
        assert shadowed(facts) == trial.score(vector)


def test_what_is_remembered_of_sums_is_bounded() -> None:
    vectors, lookup = Vectors(shipped_clients()), Lookup(made_up(300, 6, NAMES, 6))
    (one,), drawn = varied(1), random.Random(7)
    asked = [one._replace(profile=Profile(behaviour(drawn), visitor=behaviour(drawn))) for _ in range(2 * ANSWERED)]
    told = [lookup.log_odds(one, vectors.moments) for one in asked]
    assert len(set(told)) > ANSWERED
    assert 0 < len(lookup._answered) <= ANSWERED
    assert [lookup.log_odds(one, vectors.moments) for one in asked[:100]] == told[:100]


def test_two_models_share_what_repeats_without_harm() -> None:
    one, other = shipped(), made_up(50, 6, NAMES, 5)
    vectors = Vectors(shipped_clients())
    lookups = [Lookup(one), Lookup(other)]
    for facts in varied(50):
        for model, lookup in zip((one, other), lookups, strict=True):
            assert lookup.score(facts, vectors.moments) == model.score(vectors.of(facts))


@given(st.floats(width=32, allow_nan=False), st.integers(-3, 3), st.sampled_from((0.0, 0.25, 0.5, 0.75)))
def test_a_threshold_is_a_border_before_rounding(border: float, steps: int, part: float) -> None:
    """Whatever lies near the border, and half-way between two numbers of 32 bits too."""
    low = np.float32(border)
    with np.errstate(over="ignore"):
        for _ in range(abs(steps)):
            low = np.nextafter(low, np.float32(np.inf if steps > 0 else -np.inf))
        high = np.nextafter(low, np.float32(np.inf))
        if not (np.isfinite(low) and np.isfinite(high)):
            return
        value = float(low) + (float(high) - float(low)) * part
        for near in (np.nextafter(value, -np.inf), value, np.nextafter(value, np.inf)):
            assert (np.float32(near) > np.float32(border)) == (float(near) > threshold(border))
