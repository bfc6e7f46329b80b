"""Addresses as zones record them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from botproxy.model import Event
from botproxy.telemetry.privacy import Masking

DAY = 86400.0
KEY = b"k" * 32
HASHED = Masking({"shop": "hashed", "blog": "hashed"}, KEY)


@pytest.mark.parametrize(
    ("address", "cut"),
    [("203.0.113.77", "203.0.113.0"), ("2001:db8:1:2:3::4", "2001:db8:1::"), ("not one", "")],
)
def test_a_truncated_address_is_its_network(address: str, cut: str) -> None:
    assert Masking({"shop": "truncated"}).one("shop", address, 0) == cut


def test_a_zone_that_says_nothing_records_the_whole_address() -> None:
    assert HASHED.one("other", "203.0.113.7", 0) == "203.0.113.7"


def test_a_hashed_address_is_one_that_no_visitor_has_and_another_each_day_in_each_zone_and_with_each_secret() -> None:
    made = {
        HASHED.one(zone, address, day * DAY)
        for zone in ("shop", "blog")
        for address in ("203.0.113.7", "203.0.113.8", "2a00::1")
        for day in range(3)
    }
    assert len(made) == 18
    assert all(ip_address(each) in ip_network("2001:db8::/32") for each in made)
    assert HASHED.one("shop", "203.0.113.7", 5) == HASHED.one("shop", "203.0.113.7", DAY - 1)
    assert Masking({"shop": "hashed"}, b"x" * 32).one("shop", "203.0.113.7", 0) not in made


def test_whoever_has_the_secret_finds_all_forms_of_an_address() -> None:
    now = 100 * DAY + 5
    forms = HASHED.forms("203.0.113.7", 30, now)
    assert forms[0] == "203.0.113.7"
    for ago in range(31):
        assert {HASHED.one(zone, "203.0.113.7", now - ago * DAY) for zone in ("shop", "blog")} <= set(forms)
    assert HASHED.network("203.0.113.7") is None
    assert Masking({"a": "truncated"}).network("203.0.113.7") == "203.0.113.0"


def test_rows_are_changed_where_their_zone_asks_for_it() -> None:
    at = Event._fields.index("client_ip")
    rows = [[None] * len(Event._fields) for _ in range(2)]
    for row, zone in zip(rows, ("shop", "other"), strict=True):
        row[Event._fields.index("zone")] = zone  # type: ignore[call-overload]
        row[Event._fields.index("start")] = 12.5  # type: ignore[call-overload]
        row[at] = "203.0.113.7"  # type: ignore[call-overload]
    HASHED.apply(rows)
    assert rows[0][at] == HASHED.one("shop", "203.0.113.7", 0)
    assert rows[1][at] == "203.0.113.7"
