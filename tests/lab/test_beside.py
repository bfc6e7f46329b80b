"""Requests beside pages: the header names of each engine in its order, and nothing of another transport."""

from __future__ import annotations

import random

import pytest

from botproxy.scoring.ml import NAMES
from botproxy.training.dataset import Labelled, facts
from botproxy.training.replaying import replay
from lab.beside import TARGETS, beside
from lab.population import Person
from tests.training.test_terminated import recorded

HEADERS = {"user-agent": "Mozilla/5.0 (X) Y/1", "sec-ch-ua": '"Chromium";v="150"', "sec-ch-ua-mobile": "?0"}


def person(engine: str, http2: bool) -> Person:
    return Person(engine, "x/1.0", "linux", "desktop", http2, HEADERS, "de", "t13d1516h2_8daaf6152771_d8a2da3f94cd")


@pytest.mark.parametrize("engine", ["chromium", "firefox", "safari"])
@pytest.mark.parametrize("http2", [True, False])
def test_a_request_is_spelled_as_its_transport_wants_it(engine: str, http2: bool) -> None:
    found = list(beside(person(engine, http2), "site.test", "https://site.test/a", 60, random.Random(1)))
    assert {kind for kind, _ in found} >= {"websocket", "preflight", "worker", "serviceworker", "cors", "beacon"}
    assert {kind for kind, _ in found} <= set(TARGETS)
    for kind, asked in found:
        names = [name for name, _ in asked.headers]
        assert len({name.lower() for name in names}) == len(names)
        over_http2 = http2 and kind != "websocket"
        assert (names == [name.lower() for name in names]) is over_http2
        assert ("Host" in names) is not over_http2
        assert ("Connection" in names) is not over_http2
        wanted = "Upgrade" if kind == "websocket" else None if over_http2 else "keep-alive"
        assert dict(asked.headers).get("Connection") == wanted
        assert (asked.method == "OPTIONS") is (kind == "preflight")


def pages(session: str, human: bool, family: str, number: int) -> list[Labelled]:
    """A visit to pages that are all handed out with the script, and to which a cookie is brought."""
    one = recorded(("user-agent", "x"), session=session)._replace(
        human=human, family=family, kind="page", status=200, content_type="text/html", method="GET"
    )
    return [one._replace(step=at, time=10.0 * at, since=None if at == 0 else 10.0 * at) for at in range(number)]


def test_browsers_report_to_javascript_detections_and_libraries_stay_silent() -> None:
    silent = NAMES.index("visitor_silent")
    # Which visits come to a site that hands the script out is drawn: among enough of them there are some.
    libraries = [list(replay(pages(f"s{at}", False, "curl", 8), 1))[-1].vector[silent] for at in range(6)]
    assert 1.0 in [float(each) for each in libraries]
    browsers = [list(replay(pages(f"s{at}", False, "selenium", 8), 1))[-1].vector[silent] for at in range(6)]
    assert 1.0 not in [float(each) for each in browsers]
    assert facts(pages("s", True, "firefox", 1)[0]).request.method == b"GET"
