"""The shipped model, asked as a worker asks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.model import ScoreSource, Tls
from botproxy.scoring import MachineLearningSettings, kept, load_model, shadowed
from botproxy.scoring.ml import MachineLearning, ModelError
from botproxy.tls import shipped_clients
from tests.scoring.recorded import make_facts

BROWSER = [
    ("Host", "site.test"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "de,en-US;q=0.7,en;q=0.3"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Connection", "keep-alive"),
    ("Upgrade-Insecure-Requests", "1"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-User", "?1"),
    ("Priority", "u=0, i"),
]


@pytest.fixture(scope="module")
def engine() -> MachineLearning:
    model = load_model(MachineLearningSettings(enabled=True))
    assert model is not None
    return MachineLearning(model, shipped_clients(), record=True)


def test_a_browser_is_a_likely_human_and_a_copied_user_agent_is_not(engine: MachineLearning) -> None:
    facts = make_facts([(name.lower(), value) for name, value in BROWSER if name != "Connection"], version="HTTP/2")
    tls = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", ja4="t13d1617h2_86a278354501_a54fffd0eb61")
    client = facts.client._replace(tls=tls, http2="1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s")
    person = engine.assess(facts._replace(client=client))
    copied = engine.assess(make_facts([*BROWSER[:2], ("Accept", "*/*")]))
    assert person.source is copied.source is ScoreSource.MACHINE_LEARNING
    assert person.score >= 80
    assert 2 <= copied.score < 30


def test_what_it_was_asked_is_kept_for_the_event(engine: MachineLearning) -> None:
    facts = make_facts(BROWSER)
    engine.assess(facts)
    asked = kept(facts)
    assert asked is not None
    assert asked.model == engine.model.version


def test_a_model_on_trial_is_asked_about_its_share_and_decides_nothing(engine: MachineLearning) -> None:
    other = engine.model._replace(
        calibration=engine.model.calibration._replace(offset=engine.model.calibration.offset + 3)
    )
    tried = MachineLearning(engine.model, shipped_clients(), trial=other, share=4)
    facts = make_facts(BROWSER)
    for ray, asked in (("3fff000000000000", True), ("4000000000000000", False), ("ffffffffffffffff", False)):
        one = facts._replace(request=facts.request._replace(ray=ray), memo={})
        assert tried.assess(one).score == engine.assess(facts).score
        assert (shadowed(one) > 0) is asked
    assert shadowed(one) == 0
    every = MachineLearning(engine.model, shipped_clients(), trial=other, share=1)
    every.assess(one)
    assert shadowed(one) >= every.assess(facts).score


def test_a_model_of_the_operator_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.model"
    with pytest.raises(ModelError, match=r"own\.model"):
        load_model(MachineLearningSettings(enabled=True, model=path))
    path.write_bytes(b"junk")
    with pytest.raises(ModelError, match="not a model file"):
        load_model(MachineLearningSettings(enabled=True, model=path))


def test_without_the_engine_nothing_is_loaded() -> None:
    assert load_model(MachineLearningSettings(enabled=False)) is None
