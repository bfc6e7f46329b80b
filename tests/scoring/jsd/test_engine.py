"""Only a report that failed and still counts makes a finding."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from botproxy.model import Clearance, ClearanceLevel, Client, Facts, Headers, Request, ScoreSource
from botproxy.scoring.jsd import JavaScriptDetections

NOW = 1_800_000_000.0


def facts(clearance: Clearance | None) -> Facts:
    request = Request(
        "0" * 16, NOW, b"GET", b"/", b"/", None, "HTTP/1.1", True, b"site.test", "site.test", Headers(()), 0
    )
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1234, "192.0.2.1")
    return Facts(request, client, "site", False, None, clearance, {})


def test_a_failed_report_scores_low_and_says_why() -> None:
    finding = JavaScriptDetections().assess(facts(Clearance(ClearanceLevel.NONE, 0.0, False, NOW + 100, "0" * 16)))
    assert finding is not None
    assert finding.source is ScoreSource.JS_FINGERPRINTING
    assert 1 <= finding.score < 30
    assert [detection.tag for detection in finding.detections] == ["js_detections"]


@pytest.mark.parametrize(
    "clearance",
    [
        None,
        Clearance(ClearanceLevel.MANAGED, NOW + 100, None, 0.0, "0" * 16),
        Clearance(ClearanceLevel.NONE, 0.0, True, NOW + 100, "0" * 16),
        Clearance(ClearanceLevel.MANAGED, NOW + 100, False, NOW, "0" * 16),
    ],
    ids=["no clearance", "a challenge alone", "passed", "failed too long ago"],
)
def test_anything_else_is_no_opinion(clearance: Clearance | None) -> None:
    assert JavaScriptDetections().assess(facts(clearance)) is None
