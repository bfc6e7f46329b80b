"""Whom a worker convicts by what was found, and whom not."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from botproxy.model import (
    Behaviour,
    Clearance,
    ClearanceLevel,
    Client,
    Facts,
    Headers,
    Place,
    Profile,
    Request,
    ScoreSource,
    Session,
    Tls,
)
from botproxy.scoring.anomaly import AnomalyDetection, Found, Outliers
from botproxy.traffic import header_fingerprint

NOW = 1_800_000_000.0
JA4 = "t13d1516h2_8daaf6152771_d8a2da3f94cd"
HEADERS = Headers(((b"host", b"shop.example"), (b"user-agent", b"Mozilla/5.0"), (b"accept", b"text/html")))
PERSON = Behaviour(requests=9.0, pages=2.0, subresources=6.0, paths=8.0)
BARE = Behaviour(requests=6.0, pages=6.0, paths=6.0)
NOBODY = Behaviour()


def found(where: str, key: str, kind: str = "scraping", **more: Any) -> Found:
    return Found("shop", where, key, kind, NOW + 600, 300.0, 10.0, 60)._replace(**{"parts": True, **more})


def facts(
    path: bytes = b"/page/7",
    method: bytes = b"GET",
    *,
    address: str = "192.0.2.9",
    own: Behaviour = NOBODY,
    session: Behaviour | None = None,
    **more: Any,
) -> Facts:
    request = Request("0" * 16, NOW, method, path, path, None, "HTTP/2", True, b"a", "a", HEADERS, 0)
    client = Client(ip_address(address), address, 1, address, Tls("TLSv1.3", "x", ja4=JA4), Place(asn=64500))
    brought = None if session is None else Session("s1", NOW - 60, NOW, 0)
    made = Facts(request, client, "shop", path.endswith(b".png"), brought, None, {}, profile=Profile(own, session))
    return made._replace(**more)


def login(**more: Any) -> Facts:
    return facts(b"/login", b"POST", **more)


def score(what: Facts, *told: Found) -> int | None:
    outliers = Outliers()
    engine = AnomalyDetection(outliers.of("shop"))
    outliers.take(told, NOW)
    finding = engine.assess(what)
    return None if finding is None else finding.score


GROUPS = [
    ("network", "192.0.2."),
    ("asn", "64500"),
    ("ja4", JA4),
    ("headers", header_fingerprint("HTTP/2", HEADERS)),
]


def test_without_a_finding_there_is_no_opinion() -> None:
    assert score(facts(own=BARE)) is None


def test_who_was_found_is_convicted_and_told_why() -> None:
    outliers = Outliers()
    engine = AnomalyDetection(outliers.of("shop"))
    outliers.take([found("address", "192.0.2.9", "failures")], NOW)
    finding = engine.assess(login())
    assert finding is not None
    assert (finding.source, finding.score) == (ScoreSource.BEHAVIORAL_ANALYSIS, 1)
    (detection,) = finding.detections
    assert detection.id == 201326592
    assert detection.reason == (
        "300 failed logins a minute from this address; expected here at this time are at most 10"
    )
    assert engine.assess(facts(address="192.0.2.10")) is None


def test_a_whole_64_of_ipv6_is_one_caller() -> None:
    told = found("address", "20010db800010002")
    assert score(facts(address="2001:db8:1:2::7"), told) == 1
    assert score(facts(address="2001:db8:1:3::7"), told) is None


def test_people_behind_the_address_of_one_who_was_found_are_not_convicted() -> None:
    told = found("address", "192.0.2.9", shared=True, headers=header_fingerprint("HTTP/2", HEADERS))
    assert score(facts(session=PERSON), told) is None
    assert score(facts(), told) == 1
    assert score(facts(), told._replace(headers="h1-03-00-a-b")) is None


def test_a_session_that_was_found_is_convicted_whatever_it_loads() -> None:
    assert score(facts(session=PERSON), found("session", "s1")) == 1
    assert score(facts(session=PERSON), found("session", "s2")) is None


@pytest.mark.parametrize(("where", "key"), GROUPS)
def test_of_a_group_who_shows_it_is_convicted(where: str, key: str) -> None:
    told = found(where, key)
    assert score(facts(own=BARE), told) == 1
    assert score(facts(session=BARE), told) == 1


@pytest.mark.parametrize(("where", "key"), GROUPS)
def test_of_a_group_people_are_not(where: str, key: str) -> None:
    told = found(where, key)
    assert score(facts(), told) is None  # the first page of a visit
    assert score(facts(session=PERSON), told) is None
    assert score(facts(session=NOBODY), told) is None  # the second
    assert score(facts(own=PERSON), told) is None  # without cookies, or the first page behind a shared address
    cached = Behaviour(requests=9.0, pages=5.0, paths=6.0)  # parts are in the cache, scripts ask for data all the same
    assert score(facts(session=cached), told) is None
    assert score(facts(b"/a.png", own=BARE), told) is None
    monitor = Behaviour(requests=60.0, pages=60.0, paths=1.0)
    assert score(facts(own=monitor), told) is None


def test_the_first_page_behind_an_address_with_sessions_is_no_part_of_a_group() -> None:
    cached = Behaviour(requests=6.0, pages=6.0, paths=6.0, peers=1.0)  # somebody whose cache is full
    assert score(facts(own=cached), found("ja4", JA4)) is None
    assert score(facts(own=cached), found("ja4", JA4, spread=True)) is None
    assert score(facts(own=cached._replace(requests=30.0, pages=30.0)), found("ja4", JA4)) == 1


def test_a_session_that_began_with_a_page_and_goes_on_with_data_is_a_browsers() -> None:
    data = Behaviour(requests=5.0, paths=3.0)
    page = Behaviour(requests=6.0, pages=1.0, paths=4.0, peers=1.0)
    assert score(facts(own=page, session=data), found("ja4", JA4)) is None
    assert score(facts(own=page._replace(pages=0.0), session=data), found("ja4", JA4)) == 1


def test_who_passed_javascript_detections_is_in_no_group() -> None:
    passed = Clearance(ClearanceLevel.JS, NOW + 60, True, NOW + 60, "0" * 16)
    assert score(facts(session=BARE, clearance=passed), found("ja4", JA4)) is None


@pytest.mark.parametrize(("where", "key"), GROUPS)
def test_a_group_in_which_nobody_is_a_person_is_convicted_from_the_first_request(where: str, key: str) -> None:
    told = found(where, key, pure=True)
    assert score(facts(), told) == 1
    assert score(facts(session=PERSON), told) is None


def test_with_one_page_before_over_many_networks_it_is_likely_a_network_of_proxies() -> None:
    one = Behaviour(requests=0.9, pages=0.9, paths=1.0)
    assert score(facts(own=one), found("ja4", JA4, spread=True)) == 29
    assert score(facts(own=one), found("ja4", JA4)) is None


def test_the_more_certain_group_decides() -> None:
    one = Behaviour(requests=0.9, pages=0.9, paths=1.0)
    told = (found("ja4", JA4, spread=True), found("asn", "64500", pure=True))
    assert score(facts(own=one), *told) == 1


def test_logins_of_a_group_are_convicted_where_people_log_in_with_a_session() -> None:
    told = found("ja4", JA4, "failures", rare=True)
    assert score(login(), told) == 1
    assert score(login(session=PERSON), told) is None
    assert score(login(session=BARE), told) is None
    assert score(login(session=BARE._replace(login_failures=2.0)), told) == 1
    assert score(login(), told._replace(rare=False)) is None
    assert score(facts(own=BARE), told) is None  # other pages are not


def test_during_a_rise_of_failures_who_failed_before_is_a_likely_bot() -> None:
    told = found("zone", "", "failures", rare=True)
    failed = Behaviour(requests=2.0, pages=2.0, logins=0.9, login_failures=0.9)
    assert score(login(own=failed), told) == 29
    assert score(login(), told) is None
    assert score(login(session=PERSON._replace(login_failures=0.9)), told) is None


def test_where_pages_have_no_parts_a_session_is_enough_to_be_no_part_of_it() -> None:
    told = found("ja4", JA4, parts=False)
    assert score(facts(session=BARE), told) is None
    assert score(facts(own=BARE), told) == 1


def test_what_is_over_convicts_nobody_and_takes_no_room() -> None:
    outliers = Outliers()
    engine = AnomalyDetection(outliers.of("shop"))
    outliers.take([found("address", "192.0.2.9"), found("asn", "64500", pure=True)], NOW)
    assert outliers.held == 2
    late = facts()
    late = late._replace(request=late.request._replace(received=NOW + 700))
    assert engine.assess(late) is None
    outliers.expire(NOW + 700)
    assert outliers.held == 0


def test_findings_of_zones_that_have_it_off_are_not_held() -> None:
    outliers = Outliers()
    outliers.of("shop")
    outliers.take([found("address", "192.0.2.9")._replace(zone="blog")], NOW)
    assert outliers.held == 0


def test_without_what_the_caller_did_lately_groups_convict_nobody() -> None:
    assert score(facts(own=BARE, profile=None), found("ja4", JA4, pure=True)) is None
