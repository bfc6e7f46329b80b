"""Who stands out of a site's usual traffic, and who does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from botproxy.scoring.anomaly import Baseline

from .conftest import Shop

LOGIN = {"method": "POST", "path": "/login", "status": 401}


@pytest.fixture
def week(usual: Any) -> Shop:
    """The site after a week."""
    return Shop(Baseline.from_json(copy.deepcopy(usual)), learn=7 * 86_400, visits=200)


def test_says_nothing_before_it_has_seen_enough() -> None:
    shop = Shop(learn=3600, visits=0)
    for _ in range(50):
        shop.see(0.5, **LOGIN)
    assert not shop.found()
    assert 3000 < shop.site.speaks_in <= 3600
    shop.wait(3700)
    for _ in range(50):
        shop.see(0.5, **LOGIN)
    assert ("address", "192.0.2.1", "failures") in shop.found()


def test_says_nothing_before_it_has_seen_enough_visits() -> None:
    shop = Shop(learn=0, visits=10)
    for _ in range(50):
        shop.see(0.5, **LOGIN)
    assert not shop.found()


def test_after_a_week_it_speaks_and_knows_that_people_load_parts_and_log_in_with_a_session(week: Shop) -> None:
    week.wait(60)
    assert week.site.speaks
    assert week.site.baseline.parts
    assert week.site.baseline.rare
    assert not week.site.baseline.mostly_api


def test_passwords_tried_from_one_address_are_found_within_seconds(week: Shop) -> None:
    begun = week.now
    while not week.found():
        week.see(0.5, **LOGIN)
        assert week.now < begun + 20
    assert week.found() == {("address", "192.0.2.1", "failures")}
    (found,) = week.site.held()
    assert found.seen > found.expected > 0
    assert found.reason == "9 failed logins a minute from this address; expected here at this time are at most 8"


def test_many_logins_that_succeed_are_found_as_attempts(week: Shop) -> None:
    for _ in range(30):
        week.see(0.5, method="POST", path="/login", status=303, content_type="")
    assert ("address", "192.0.2.1", "attempts") in week.found()
    assert not any(kind == "failures" for _, _, kind in week.found())


def test_a_crawl_from_one_address_is_found(week: Shop) -> None:
    begun = week.now
    number = 0
    while not week.found():
        number += 1
        week.see(1.0, path=f"/page/{number}")
        assert week.now < begun + 60
    assert week.found() == {("address", "192.0.2.1", "scraping")}


def test_a_slow_crawl_is_found_within_some_hours(week: Shop) -> None:
    for number in range(400):
        week.see(25.0, path=f"/page/{number}")
    assert week.found() == {("address", "192.0.2.1", "scraping")}


def test_a_crawl_over_many_addresses_is_found_by_what_they_share_and_not_by_address(week: Shop) -> None:
    for number in range(150):
        week.see(
            0.3, path=f"/page/{number}", client_ip=f"172.16.{number % 90}.1", client_asn=64999,
            ja4="t13d000000_x", header_fingerprint="h1-04-00-c-d",
        )  # fmt: skip
    where = {where for where, _, _ in week.found()}
    assert where >= {"asn", "ja4", "headers"}
    assert "address" not in where
    asn = week.site.found["asn", "64999", "scraping"]
    assert asn.pure
    assert asn.spread


def test_a_group_in_which_people_were_seen_is_not_pure(week: Shop) -> None:
    for number in range(150):
        week.see(0.3, path=f"/page/{number}", client_ip=f"172.16.{number % 90}.1")
    found = week.site.found["ja4", "t13d1516h2_a_b", "scraping"]
    assert not found.pure


def test_passwords_tried_over_many_addresses_are_found_by_what_they_share(week: Shop) -> None:
    for number in range(80):
        week.see(0.5, client_ip=f"172.16.{number}.1", client_asn=64999, **LOGIN)
    assert ("asn", "64999", "failures") in week.found()
    assert ("zone", "", "failures") in week.found()


def test_three_hundred_people_behind_one_address_are_not_found(week: Shop) -> None:
    for number in range(300):
        week.person(5000 + number, client_ip="198.51.100.7", login=number % 3 == 0)
        week.see(0.1, client_ip="198.51.100.7", session=f"s{5000 + number}", **LOGIN)  # everybody mistypes once
        week.wait(2)
    assert not week.found()


def test_a_rush_of_people_is_not_found(week: Shop) -> None:
    for number in range(600):
        week.person(9000 + number)
        week.wait(0.1)
    assert not week.found()


def test_one_who_looks_at_one_page_again_and_again_reads_no_site(week: Shop) -> None:
    for _ in range(720):
        week.see(10.0, path="/health-of-the-shop")
    assert not week.found()


def test_verified_bots_and_what_heuristics_convicted_are_not_looked_at(week: Shop) -> None:
    for number in range(300):
        week.see(0.1, path=f"/page/{number}", verified_bot_category="Search Engine Crawler")
        week.see(0.1, path=f"/page/{number}", client_ip="192.0.2.2", score=1, score_source="Heuristics")
        week.see(0.1, path=f"/page/{number}", client_ip="192.0.2.3", score=0)
    assert not week.found()


def test_other_zones_are_not_looked_at(shop: Shop) -> None:
    for _ in range(50):
        shop.see(0.1, zone="blog", **LOGIN)
    assert not shop.found()


def test_a_finding_ends_some_time_after_the_last_that_was_seen(week: Shop) -> None:
    for _ in range(40):
        week.see(0.5, **LOGIN)
    assert week.found()
    week.wait(500)
    week.site.expire()
    assert week.found()
    week.wait(200)
    week.site.expire()
    assert not week.found()


def test_who_goes_on_stays_found_and_workers_are_told_again(week: Shop) -> None:
    for _ in range(40):
        week.see(0.5, **LOGIN)
    first = week.site.changes(100)
    assert [found.where for found in first if found.kind == "failures"] == ["address"]
    assert not week.site.changes(100)
    for _ in range(400):
        week.see(2.0, score=1, score_source="Behavioral Analysis", action="block", **LOGIN | {"status": 403})
    again = week.site.changes(100)
    assert any(found.until > first[0].until + 500 for found in again)


def test_no_more_callers_are_held_than_may_be(week: Shop) -> None:
    week.site.settings = week.site.settings.model_copy(update={"callers": 100})
    for number in range(150):
        for _ in range(12):
            week.see(0.05, client_ip=f"172.{number}.1.1", client_asn=number, ja4=f"j{number}", **LOGIN)
    addresses = [key for where, key, _ in week.found() if where == "address"]
    assert 0 < len(addresses) <= 100
    assert week.site.refused > 0


def test_a_week_of_a_little_more_each_day_makes_little_of_it_usual(usual: Any) -> None:
    shop = Shop(Baseline.from_json(copy.deepcopy(usual)), learn=7 * 86_400, visits=200)
    shop.wait(60)
    before = shop.site.baseline.address_limits, shop.site.baseline.group_limit(shop.now, "asn", "64500", 0, 0.0)
    for day in range(7):
        for hour in range(8):
            for number in range(20):  # each address below what would be found
                for page in range(4 + 2 * day):
                    shop.see(0.1, path=f"/page/{page}", client_ip=f"172.{number}.{hour}.{day}")
            shop.wait(3 * 3600 - 2 * (4 + 2 * day))
    after = shop.site.baseline.address_limits, shop.site.baseline.group_limit(shop.now, "asn", "64500", 0, 0.0)
    assert all(new <= 2.0 * old for old, new in zip(before[0], after[0], strict=True))
    assert after[1] <= 2.0 * before[1]


def with_an_app(shop: Shop, minutes: int, **more: Any) -> set[tuple[str, str, str]]:
    """A person a minute, and forty calls of two hundred who have the site's app; all that was found meanwhile."""
    found: set[tuple[str, str, str]] = set()
    for minute in range(minutes):
        shop.person(minute)
        for call in range(40):
            number = minute * 40 + call
            who = number % 200
            shop.see(
                1.4, path=f"/v1/things/{number}", content_type="application/json", client_ip=f"172.16.{who}.1",
                client_asn=64999, ja4="t13d000000_app", header_fingerprint="h2-04-00-e-f", **more,
            )  # fmt: skip
        found |= shop.found()
    return found


def test_an_app_that_was_there_while_the_site_was_learned_is_usual() -> None:
    assert not with_an_app(Shop(learn=8 * 3600, visits=40), 9 * 60)


def test_nothing_is_usual_of_programs_that_were_convicted_meanwhile() -> None:
    found = with_an_app(Shop(learn=3 * 3600, visits=40), 4 * 60, score=5, score_source="Machine Learning")
    assert ("ja4", "t13d000000_app", "scraping") in found


def test_an_api_is_recognised_as_one(shop: Shop) -> None:
    for number in range(1200):
        shop.see(0.5, path=f"/v1/things/{number}", content_type="application/json")
    assert shop.site.baseline.mostly_api


def test_a_site_of_many_names_is_recognised_as_one(shop: Shop) -> None:
    for number in range(60):
        shop.see(0.5, host=f"customer{number}.example")
    assert shop.site.many_hosts
