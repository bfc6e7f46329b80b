"""Real browsers, now: a person's is never found, a headless Chromium is."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from botproxy.model import Client, Facts, Headers, Request
from botproxy.scoring import Heuristics, MachineLearningSettings, load_model, shipped_fingerprints
from botproxy.scoring.ml import MachineLearning
from botproxy.tls import shipped_clients
from lab.browsers import chromium_options, firefox_profile, running, screen, until_seen
from lab.recorder import Recorded, Recorder

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def _facts(one: Recorded) -> Facts:
    path, _, query = one.target.encode("latin-1").partition(b"?")
    headers = Headers(tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in one.headers))
    request = Request(
        "0" * 16, 0.0, one.method.encode(), one.target.encode("latin-1"), path, query or None, one.version,
        one.scheme == "https", b"site.test", "site.test", headers, 0,
    )  # fmt: skip
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1234, "192.0.2.1")
    return Facts(request, client, "site", False, None, None, {})


def _taken_for_bots(recorder: Recorder) -> set[tuple[str, str, object]]:
    """What heuristics find, and what the model gives less than 30, each as somebody's first request."""
    heuristics = Heuristics.load(shipped_fingerprints())
    model = load_model(MachineLearningSettings(enabled=True))
    assert model is not None
    learned = MachineLearning(model, shipped_clients())
    found: set[tuple[str, str, object]] = set()
    for one in recorder.seen:
        facts = _facts(one)
        finding = heuristics.assess(facts)
        score = learned.assess(facts).score
        if finding is not None:
            found.add((one.method, one.target, finding))
        if score < 30:
            found.add((one.method, one.target, score))
    return found


def _tour(recorder: Recorder, argv: tuple[str, ...], scheme: str, home: Path) -> None:
    with screen() as environment, running((*argv, recorder.url(scheme) + "/tour"), {**environment, "HOME": str(home)}):
        assert until_seen(recorder, "/toured", 0, 60), "the browser did not finish its tour"


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_browser_on_a_screen_is_no_bot(browser: str, scheme: str, tmp_path: Path, part: Callable[[str], str]) -> None:
    program = part(browser)
    part("xvfb")
    with Recorder() as recorder:
        if browser == "chromium":
            argv: tuple[str, ...] = (program, *chromium_options(recorder, tmp_path))
        else:
            part("certutil")
            firefox_profile(recorder, tmp_path)
            argv = (program, "--no-remote", "--profile", str(tmp_path))
        _tour(recorder, argv, scheme, tmp_path)
        found = _taken_for_bots(recorder)
    assert found == set()


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_webkit_browser_is_no_bot(scheme: str, tmp_path: Path, part: Callable[[str], str]) -> None:
    program, bus = part("minibrowser"), part("dbus")
    part("xvfb")
    with Recorder() as recorder, screen() as environment:
        page = recorder.url(scheme, "localhost") + "/tour"
        argv = (bus, "--", program, "--ignore-tls-errors", page)
        with running(argv, {**environment, "HOME": str(tmp_path)}):
            assert until_seen(recorder, "/tour", 0, 40)
            until_seen(recorder, "/toured", 0, 40)
        found = _taken_for_bots(recorder)
    assert found == set()


def test_headless_chromium_is_found(tmp_path: Path, part: Callable[[str], str]) -> None:
    program = part("chromium")
    part("xvfb")
    engine = Heuristics.load(shipped_fingerprints())
    with Recorder() as recorder:
        argv = (program, *chromium_options(recorder, tmp_path), "--headless=new")
        _tour(recorder, argv, "https", tmp_path)
        pages = [one for one in recorder.seen if one.target == "/tour"]
    assert pages
    assert all(engine.assess(_facts(one)) is not None for one in pages)
