"""A program asks from an address, then its owner opens a browser there, over plain http: the score is a person's."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from lab.browsers import CHROMIUM_OPTIONS, running, screen
from tests.browsers.test_site_in_browsers import HOST_RULES, NAME
from tests.system.conftest import Start, demo_origin, start, until  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PROGRAMS = ("curl/8.5.0", "python-requests/2.32.3", "Go-http-client/1.1")


def asked_by_programs(port: int) -> None:
    for agent in (*PROGRAMS, *[PROGRAMS[1]] * 10):
        connection = HTTPConnection("127.0.0.1", port, timeout=15)
        connection.request("GET", "/", headers={"Host": NAME, "User-Agent": agent, "Accept": "*/*"})
        connection.getresponse().read()
        connection.close()


def test_the_first_page_of_a_browser_is_no_bot_s_because_programs_asked_before(
    start: Start,  # noqa: F811
    demo_origin: str,  # noqa: F811
    tmp_path: Path,
    part: Callable[[str], str],
) -> None:
    program = part("chromium")
    part("xvfb")
    zone = {"name": "shop", "hosts": [NAME], "origins": [demo_origin]}
    proxy = start(config={"zones": [zone], "scoring": {"machine_learning": {"enabled": True}}})
    asked_by_programs(proxy.port)
    options = [option for option in CHROMIUM_OPTIONS if "resolver" not in option]

    def browsed() -> dict[str, dict[str, Any]]:
        own = [event for event in proxy.events() if "Chrome/" in str(event["ClientRequestUserAgent"])]
        return {event["ClientRequestURI"]: event for event in own}

    argv = (program, *options, HOST_RULES, f"--user-data-dir={tmp_path / 'profile'}", f"http://{NAME}:{proxy.port}/")
    with screen() as environment, running(argv, environment):
        until(lambda: {"/", "/assets/favicon.svg"} <= set(browsed()), 60, "a page and its icon")
        seen = browsed()
    assert {event["BotScoreSrc"] for event in proxy.events() if event["ClientRequestUserAgent"] in PROGRAMS} == {
        "Heuristics"
    }
    scores = {target: event["BotScore"] for target, event in seen.items() if not target.startswith("/cdn-cgi/")}
    assert {event["BotScoreSrc"] for event in seen.values()} >= {"Machine Learning"}
    assert min(scores.values()) >= 40, scores
