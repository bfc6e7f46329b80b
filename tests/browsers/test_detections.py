"""Real browsers before JavaScript detections: people's pass, driven and headless ones are found, copies get nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import detections
from lab.detections import Client, Visit, once

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PARTS = {"chromium": "chromium", "firefox": "firefox", "epiphany": "epiphany", "minibrowser": "minibrowser"}
HERE = Path(sys.prefix)  # the tests' own environment has selenium and Playwright


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory, part: Callable[[str], str]) -> Path:
    for name in ("xvfb", "node"):
        part(name)
    return detections.bundle(tmp_path_factory.mktemp("script"))


def visited(client: Client, script: Path) -> Visit:
    visit = once(client, script, None)
    assert visit is not None, "the browser reported nothing"
    return visit


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_a_persons_browser_passes(name: str, script: Path, part: Callable[[str], str]) -> None:
    part(PARTS[name])
    judged = visited(detections.PEOPLE[name], script).judgement
    assert (judged.passed, judged.reason) == (True, "passed")
    assert {one.tag for one in judged.detections} <= {"software_renderer"}


@pytest.mark.parametrize(
    ("name", "sign"), [("chromium-headless", "headless_name"), ("selenium", "webdriver")], ids=["headless", "selenium"]
)
def test_an_automated_browser_is_found(name: str, sign: str, script: Path, part: Callable[[str], str]) -> None:
    for program in ("chromium", "chromedriver"):
        part(program)
    client = detections.BARE.get(name) or detections.tool(name, HERE)
    judged = visited(client, script).judgement
    assert (judged.passed, judged.reason) == (False, "automated")
    assert sign in {one.tag for one in judged.detections}


def test_a_report_copied_from_a_browser_fails_for_another_page(script: Path, part: Callable[[str], str]) -> None:
    part("chromium")
    assert visited(detections.copied, script).judgement.reason == "contradicted"


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that drives browsers, from the registries."""
    folder = tmp_path_factory.mktemp("tools")
    detections.install(folder)
    return folder


@pytest.mark.prove
@pytest.mark.parametrize("name", sorted(set(detections.PEOPLE)))
def test_every_persons_browser_passes_time_and_again(name: str, script: Path, part: Callable[[str], str]) -> None:
    part(PARTS[name.split("-")[0]])
    judged = [visited(detections.PEOPLE[name], script).judgement.passed for _ in range(20)]
    assert judged == [True] * 20


UNFOUND = {"patchright-recommended", "nodriver"}  # headed, and driven without a trace that a page can see


@pytest.mark.prove
@pytest.mark.parametrize("name", [*detections.TOOLS, "jsdom"])
def test_every_tool_is_found_and_whatever_botd_finds_too(name: str, script: Path, tools: Path) -> None:
    botd = tools / "node_modules" / "@fingerprintjs" / "botd" / "dist" / "botd.esm.js"
    for _ in range(3):
        visit = once(detections.clients(tools)[name], script, botd)
        assert visit is not None
        assert visit.judgement.passed is (name in UNFOUND)
        assert not visit.botd or visit.judgement.passed is False
