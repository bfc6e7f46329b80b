"""Which zone a host belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.proxy.hosts import HostTable

TABLE = HostTable(
    [("example.com", "apex"), ("*.example.com", "below"), ("*.shop.example.com", "shop"), ("www.example.com", "www")]
)


@pytest.mark.parametrize(
    ("host", "zone"),
    [
        ("example.com", "apex"),
        ("www.example.com", "www"),
        ("a.example.com", "below"),
        ("a.b.example.com", "below"),
        ("x.www.example.com", "below"),
        ("shop.example.com", "below"),
        ("a.shop.example.com", "shop"),
        ("a.b.shop.example.com", "shop"),
        ("example.org", None),
        ("badexample.com", None),
        ("com", None),
        ("", None),
        (".example.com", None),
        ("127.0.0.1", None),
        ("a." * 10_000 + "example.com", "below"),
    ],
)
def test_exact_names_come_before_the_longest_wildcard(host: str, zone: str | None) -> None:
    assert TABLE.find(host) == zone


def test_other_hosts_go_to_the_default_zone() -> None:
    assert HostTable([("example.com", "apex")], default="rest").find("example.org") == "rest"
    assert HostTable([], default="rest").find("") == "rest"


@given(st.text(max_size=40))
def test_any_text_can_be_asked_for(host: str) -> None:
    assert TABLE.find(host) in {"apex", "below", "shop", "www", None}
