"""No kind of honest browser that peers turned away is convicted, and every sign is explained to operators."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from botproxy.scoring.jsd.judging import convicts
from botproxy.scoring.jsd.signals import CAPS, SIGNALS, STRONG, markdown

DOCS = Path(__file__).resolve().parents[3] / "docs" / "detections.md"

# What each shows at worst, from the peers' reports and from trying.
HONEST: dict[str, set[int]] = {
    "Firefox's responsive mode, dressed as a phone": {60, 64, 65, 68, 31, 35},
    "developer tools open, with a device to imitate": {20, 35, 50, 51, 52, 53, 54, 57, 59, 60, 61, 62, 65, 69},
    "developer tools open in a virtual machine": {20, 31, 32, 90},
    "Brave's shields": {35, 36, 55, 58, 59, 72, 74, 90},
    "resistFingerprinting, and Tor": {31, 35, 60, 63, 65, 78},
    "an extension that answers for navigator, screen, canvas and clock": {6, 55, 58, 70, 71, 72, 73, 74, 75, 76, 78},
    "an extension that changes the User-Agent": {50, 51, 52, 53, 57, 60, 61, 62, 64, 65, 66, 67, 68, 69, 70},
    "UC, Quark, Baidu and other WebViews": {5, 36, 37, 38, 62, 66},
    "an in-app WebView on iOS": {12, 64, 68, 75},
    "a wallet, or a page with functions called emit and spawn": {12},
    "ungoogled Chromium": {36, 38, 66, 63},
    "no graphics card, a remote desktop, one core, no mouse": {31, 32, 33, 34, 35, 55, 90, 92},
    "a page that replaced what is native": {71, 75, 76, 77, 78},
    "a remote desktop that shrank under its windows": {31, 40, 90},
    "Electron with open developer tools": {15, 20, 35, 36},
    "a kiosk": {31, 33, 35},
    "WebKit of years ago": {36, 37, 68, 31},
}


@pytest.mark.parametrize("kind", HONEST)
def test_an_honest_browser_is_not_convicted(kind: str) -> None:
    assert not convicts([SIGNALS[number] for number in HONEST[kind]])


@pytest.mark.parametrize("pair", [" and ".join(pair) for pair in combinations(HONEST, 2)])
def test_nor_are_two_such_habits_together(pair: str) -> None:
    found = {number for kind in HONEST if kind in pair for number in HONEST[kind]}
    assert not convicts([SIGNALS[number] for number in found])


def test_no_number_of_weak_signs_convicts() -> None:
    assert not convicts([signal for signal in SIGNALS.values() if signal.weight < STRONG])


def test_a_watched_console_alone_never_convicts_whatever_is_weak_beside_it() -> None:
    assert not convicts([signal for signal in SIGNALS.values() if signal.weight < STRONG or signal.number == 20])


def test_each_sign_has_a_family_a_reason_and_a_number_of_its_own() -> None:
    assert {signal.family for signal in SIGNALS.values()} == set(CAPS)
    assert all(signal.reason and signal.tag and 0 < signal.weight <= 100 for signal in SIGNALS.values())
    assert len({signal.reason for signal in SIGNALS.values()}) == len(SIGNALS)


def test_the_documentation_shows_the_table() -> None:
    assert markdown() in DOCS.read_text("utf-8")
