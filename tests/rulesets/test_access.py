"""IP access rules: which of several is about a client, and what is no address, network, ASN or country."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from botproxy.model import Client, Place
from botproxy.rulesets.access import AccessRuleSettings, AccessTable


def table(*rules: tuple[str, str, str]) -> AccessTable:
    return AccessTable(
        [
            AccessRuleSettings.model_validate({"mode": mode, "configuration": {"target": target, "value": value}})
            for mode, target, value in rules
        ]
    )


def client(address: str, **place: object) -> Client:
    return Client(ip_address(address), address, 1, address, place=Place(**place) if place else None)  # type: ignore[arg-type]


def found(rules: AccessTable, visitor: Client) -> list[str]:
    return [wish.match.rule_id for wish in rules.matching(visitor)]


RULES = table(
    ("block", "country", "nl"),
    ("block", "asn", "AS64496"),
    ("block", "ip_range", "192.0.2.0/24"),
    ("challenge", "ip_range", "192.0.2.0/28"),
    ("js_challenge", "ip", "192.0.2.1"),
    ("block", "ip_range", "2001:db8::/32"),
    ("allow", "ip6", "2001:db8::1"),
    ("allow", "asn", "64497"),
)


@pytest.mark.parametrize(
    ("visitor", "wanted"),
    [
        (client("192.0.2.1"), ["192.0.2.1", "192.0.2.0/28", "192.0.2.0/24"]),
        (client("192.0.2.15"), ["192.0.2.0/28", "192.0.2.0/24"]),
        (client("192.0.2.16"), ["192.0.2.0/24"]),
        (client("192.0.3.1"), []),
        (client("2001:db8::2"), ["2001:db8::/32"]),
        (client("2001:db8::1"), ["2001:db8::1", "2001:db8::/32"]),
        (client("192.0.2.16", asn=64497), ["64497", "192.0.2.0/24"]),
        (client("192.0.3.1", asn=64496, country="NL"), ["AS64496", "nl"]),
        (client("192.0.3.1", asn=None, country="BE"), []),
    ],
    ids=str,
)
def test_what_allows_comes_first_and_then_the_most_specific(visitor: Client, wanted: list[str]) -> None:
    assert found(RULES, visitor) == wanted


def test_a_rule_that_is_off_is_not_there() -> None:
    rule = {"mode": "block", "configuration": {"target": "ip", "value": "192.0.2.1"}, "enabled": False}
    assert len(AccessTable([AccessRuleSettings.model_validate(rule)])) == 0


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("ip", "192.0.2.256"),
        ("ip", "192.0.2.0/24"),
        ("ip", "example.com"),
        ("ip", "fe80::1%eth0"),
        ("ip6", "192.0.2.1"),
        ("ip_range", "192.0.2.1/24"),
        ("ip_range", "192.0.2.1"),
        ("ip_range", "2001:db8::/129"),
        ("asn", "64496x"),
        ("asn", "4294967296"),
        ("asn", "-1"),
        ("country", "NLD"),
        ("country", "1L"),
        ("country", ""),
    ],
)
def test_a_value_has_to_be_what_its_target_says(target: str, value: str) -> None:
    with pytest.raises(ValidationError, match="is none for the target"):
        table(("block", target, value))


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6, network="2001:db8::/32"))


@settings(max_examples=60, deadline=None)
@given(
    networks=st.lists(st.tuples(ADDRESSES, st.integers(0, 128)), max_size=12),
    address=ADDRESSES,
)
def test_the_table_agrees_with_a_search_through_all_rules(networks: list[tuple[object, int]], address: object) -> None:
    texts = {
        str(ip_network((str(each), min(length, ip_address(str(each)).max_prefixlen)), strict=False))
        for each, length in networks
    }
    rules = table(*[("block", "ip_range", text) for text in sorted(texts)])
    visitor = client(str(address))
    around = [text for text in texts if visitor.address in ip_network(text)]
    assert found(rules, visitor) == sorted(around, key=lambda text: -ip_network(text).prefixlen)
