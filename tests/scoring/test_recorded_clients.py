"""Every recorded library is found, also in disguise, and no recorded browser is."""

from __future__ import annotations

import pytest
from recorded import CHROME, FIREFOX, SAFARI, Record, records

from botproxy.scoring import Heuristics, MachineLearningSettings, load_model
from botproxy.scoring.ml import MachineLearning
from botproxy.tls import shipped_clients

TEXT_BROWSERS = {"elinks", "links2", "lynx", "w3m"}


def _missed(engine: Heuristics, group: str, user_agent: str | None = None, https_only: bool = False) -> list[Record]:
    return [
        one
        for one in records(group)
        if not (https_only and one.scheme != "https") and engine.assess(one.facts(user_agent)) is None
    ]


def _names(missed: list[Record]) -> set[str]:
    return {f"{one.client} {one.scheme} {one.method} {one.target[:40]} {one.headers}" for one in missed}


def test_every_recorded_browser_is_left_alone(shipped: Heuristics) -> None:
    found = [(one, finding) for one in records("browsers") if (finding := shipped.assess(one.facts())) is not None]
    assert {(one.client, one.scheme, one.target, finding.detections) for one, finding in found} == set()


def test_the_model_takes_no_recorded_browser_for_a_bot() -> None:
    """Requests of every kind, each as somebody's first, with nothing known of TLS. Nothing was fitted on them.

    Browsers of text are few in what it learned from, and look like programs over plain http.
    """
    model = load_model(MachineLearningSettings(enabled=True))
    assert model is not None
    learned = MachineLearning(model, shipped_clients())
    scored = [(one, learned.assess(one.facts()).score) for one in records("browsers")]
    assert len(scored) > 1_000
    assert [
        (one.client, one.scheme, one.method, one.target, score)
        for one, score in scored
        if score < 30 and one.client not in TEXT_BROWSERS
    ] == []


def test_the_recorded_browsers_cover_three_engines_and_both_schemes() -> None:
    seen = {(one.client, one.scheme) for one in records("browsers")}
    for client in ("chromium", "firefox", "minibrowser"):
        assert {(client, "https"), (client, "http")} <= seen


@pytest.mark.parametrize("group", ["libraries", "scanners"])
def test_a_library_is_found_under_its_own_name(shipped: Heuristics, group: str) -> None:
    missed = [
        one
        for one in _missed(shipped, group, https_only=True)
        if not any(v.startswith("Mozilla/") for _, v in one.headers)
    ]
    assert _names(missed) == set()


@pytest.mark.parametrize("user_agent", [CHROME, FIREFOX, SAFARI], ids=["chrome", "firefox", "safari"])
@pytest.mark.parametrize("group", ["libraries", "scanners"])
def test_a_library_in_the_disguise_of_a_current_browser_is_found_over_https(
    shipped: Heuristics, group: str, user_agent: str
) -> None:
    missed = [
        one
        for one in _missed(shipped, group, user_agent, https_only=True)
        # an Accept-Language of its own is all that a Safari has that these lack: named in docs/heuristics.md
        if not (user_agent == SAFARI and one.client in {"python-scrapy", "python-cloudscraper", "httrack"})
    ]
    assert _names(missed) == set()


@pytest.mark.parametrize("client", ["chromium-headless", "playwright", "puppeteer"])
def test_headless_chromium_is_found_by_its_defaults(shipped: Heuristics, client: str) -> None:
    of_it = [one for one in records("automation") if one.client == client and one.target.startswith("/tour")]
    assert of_it
    assert all(shipped.assess(one.facts()) is not None for one in of_it)
